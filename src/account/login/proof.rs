//! A login code as a proof: it is exchanged at WeChat to learn who sent it, and logs nobody in. It must be a code that no
//! login uses or used, and no login gets anything for it later. The claim of the code decides between the two.

use std::sync::Arc;

use entity::{IdentityId, Timestamp, UserId};
use secrecy::ExposeSecret;
use tracing::Instrument;

use super::attempt::LoginAttempt;
use crate::{
    account::{Accounts, Client, Device, identity::session_key_context},
    error::{ApiError, Code},
    log_context, random,
    store::{Claim, ProvenIdentity},
    wechat::{CodeSession, LoginCode},
};

impl Accounts {
    /// Exchanges a code of the caller that no login has used.
    ///
    /// # Errors
    /// Those of a login; `CODE_USED` for a code that a login uses, or used within the window.
    pub(in crate::account) async fn prove_identity(
        self: &Arc<Self>,
        caller: UserId,
        client: &Client,
        (code, app_id): (&str, Option<&str>),
    ) -> Result<ProvenIdentity, ApiError> {
        let app = Arc::clone(self.wechat.app(app_id)?);
        log_context::set_app(app.id());
        self.limits.login(client.address).await?;
        self.limits.user(caller).await?;
        let code = LoginCode::parse(code)?;
        let attempt = LoginAttempt {
            accounts: Arc::clone(self),
            hash: code.hash(app.id()),
            app,
            code: Some(code),
            device: Device::default(),
            client: client.clone(),
            phone_code: None,
            create_user: false,
            outdated: None,
        };
        // in a task of its own: a claim that nobody settles would make logins wait until it expires
        tokio::spawn(log_context::inherit(attempt.prove().in_current_span()))
            .await
            .unwrap_or_else(|panic| Err(ApiError::internal(panic)))
    }

    /// Claims a code that has no row, or one whose claim or outcome has expired. WeChat decides what such a code is worth.
    async fn claim_unused_code(&self, attempt: &LoginAttempt) -> Result<Claim, ApiError> {
        let now = self.clock.now();
        let claim = Claim { code: attempt.hash.clone(), until: now + self.exchanges.claim_lifetime };
        if self.store.code_exchange_claim(&claim).await? {
            return Ok(claim);
        }
        match self.store.code_exchange(&attempt.hash).await? {
            Some(row) if row.expires_at <= now && self.store.code_exchange_take_over(&row, &claim).await? => Ok(claim),
            _ => Err(Code::CodeUsed.into()),
        }
    }
}

impl LoginAttempt {
    async fn prove(self) -> Result<ProvenIdentity, ApiError> {
        let claim = self.accounts.claim_unused_code(&self).await?;
        let session = self.call(Some(&claim)).await?;
        // to a login that comes with the code now, it is used
        let now = self.accounts.clock.now();
        self.settle(Some(claim), Code::CodeUsed.into(), now).await;
        self.proven(&session, now)
    }

    /// The identity as it is written.
    pub(super) fn proven(&self, session: &CodeSession, now: Timestamp) -> Result<ProvenIdentity, ApiError> {
        let key = session.session_key.expose_secret().as_bytes();
        let context = session_key_context(self.app.id(), &session.openid);
        Ok(ProvenIdentity {
            app_id: self.app.id().to_owned(),
            open_platform: self.app.open_platform().to_owned(),
            session_key: self.accounts.keys.seal(&context, key).map_err(ApiError::internal)?,
            openid: session.openid.clone(),
            unionid: session.unionid.clone(),
            asked_at: session.requested_at,
            new_identity: IdentityId(random::uuid_v7(now)),
            now,
        })
    }
}
