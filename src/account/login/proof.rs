//! A login code as a proof of identity: it is exchanged at WeChat, and opens no session. Only a code that no login uses
//! or has used is accepted, and no later login succeeds with it. The claim of the code decides between the two.

use std::sync::Arc;

use entity::{IdentityId, Timestamp, UserId};
use secrecy::ExposeSecret;
use tracing::Instrument;

use super::attempt::LoginAttempt;
use crate::{
    account::{Accounts, Client, Device, identity::session_key_context},
    error::{ApiError, Code},
    log_context, random,
    store::{CodeClaim, ProvenIdentity},
    wechat::{CodeSession, LoginCode},
};

impl Accounts {
    /// Exchanges an unused login code of the caller.
    ///
    /// # Errors
    /// Those of a login; `CODE_USED` if a login uses the code, or has used it within the window.
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
        // in a task of its own: if a cancelled caller left the claim unresolved, logins would wait until it expires
        tokio::spawn(log_context::inherit(attempt.prove().in_current_span()))
            .await
            .unwrap_or_else(|panic| Err(ApiError::internal(panic)))
    }

    /// Claims a code that has no row, or whose claim or outcome has expired. WeChat then decides about the code.
    async fn claim_unused_code(&self, attempt: &LoginAttempt) -> Result<CodeClaim, ApiError> {
        let now = self.clock.now();
        let claim = CodeClaim { code: attempt.hash.clone(), until: now + self.exchanges.claim_lifetime };
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
        // from now on, a login with this code is refused as used
        let now = self.accounts.clock.now();
        self.resolve_claim(Some(claim), Code::CodeUsed.into(), now).await;
        self.proven_identity(&session, now)
    }

    /// The identity proved by WeChat, as it is written to the database.
    pub(super) fn proven_identity(&self, session: &CodeSession, now: Timestamp) -> Result<ProvenIdentity, ApiError> {
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
