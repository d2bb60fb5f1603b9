//! Login without a code: WeChat cloud hosting identifies the caller.

use std::sync::Arc;

use entity::{CodeHash, Timestamp};

use super::{LoginRequest, attempt::LoginAttempt, code_exchange::ExchangedCode};
use crate::{
    account::{Accounts, Hosted, HostedCaller, IssuedSession},
    error::{ApiError, Code},
    log_context,
    wechat::{CodeSession, PhoneCode},
};

/// The request time of the session key of such a login: earlier than any other, so that it never replaces a key. Cloud
/// hosting provides no session key, and the empty key of a new identity decrypts nothing.
const NEVER: Timestamp = Timestamp(0);

impl Accounts {
    /// Logs in the caller identified by cloud hosting, for a request with an empty code.
    pub(super) async fn login_hosted(self: &Arc<Self>, request: LoginRequest<'_>) -> Result<IssuedSession, ApiError> {
        // as with a code: an unknown mini program is refused first, and every other attempt counts against the rate
        // limit
        let requested = self.wechat.app(request.app_id)?;
        self.limits.login(request.client.address).await?;
        let caller = match &request.client.hosted {
            Hosted::Known(caller) => caller,
            Hosted::Unknown => return Err(Code::InvalidCode.into()),
            Hosted::Malformed => {
                let detail = "A header of WeChat cloud hosting is missing, doubled or malformed.";
                return Err(ApiError::new(Code::BadUserInput).detail(detail));
            }
        };
        let app = Arc::clone(self.wechat.app(Some(&caller.app_id))?);
        if request.app_id.is_some_and(|id| !id.is_empty()) && requested.id() != app.id() {
            let detail = "`appId` is not the mini program that the headers of WeChat cloud hosting name.";
            return Err(ApiError::new(Code::BadUserInput).detail(detail));
        }
        log_context::set_app(app.id());
        self.limits.app_login(app.id()).await?;
        let mut attempt = LoginAttempt {
            accounts: Arc::clone(self),
            app,
            code: None,
            hash: CodeHash(Vec::new()),
            device: request.device.checked()?,
            client: request.client.clone(),
            phone_code: request.phone_code.filter(|code| !code.is_empty()).map(PhoneCode::parse),
            create_user: request.create_user,
            outdated: None,
        };
        let exchanged = ExchangedCode { claim: None, session: session_of(caller) };
        let joins = attempt.account_to_join(&exchanged).await?;
        let issued = attempt.write(&exchanged, joins, self.clock.now()).await?;
        Ok(attempt.with_phone(issued, &caller.openid).await)
    }
}

fn session_of(caller: &HostedCaller) -> CodeSession {
    CodeSession {
        openid: caller.openid.clone(),
        unionid: caller.unionid.clone(),
        session_key: String::new().into(),
        requested_at: NEVER,
    }
}
