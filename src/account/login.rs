//! The login: a code from `wx.login` becomes a user, a session and its tokens.

use std::error::Error;

use entity::{IdentityId, OpenId, SessionId, UserId, session::EndReason, user};
use secrecy::ExposeSecret;

use super::{Accounts, Client, Device, Opened};
use crate::{
    error::{ApiError, Code},
    random,
    store::{Change, Known, LoggedIn, Login, NewSession},
    wechat::{App, CodeSession, LoginCode},
};

/// What a client sends to log in.
#[derive(Clone, Debug)]
pub struct LoginRequest<'a> {
    /// The code `wx.login` gave.
    pub code: &'a str,
    /// The mini program; the default one where `None` or empty.
    pub app_id: Option<&'a str>,
    /// The device.
    pub device: Device,
    /// The client.
    pub client: &'a Client,
}

impl Accounts {
    /// Logs a user in, making them first if nobody has seen them before.
    ///
    /// # Errors
    /// `UNKNOWN_APP`, `BAD_USER_INPUT`, `RATE_LIMITED`, `ACCOUNT_SUSPENDED`, and WeChat's: `INVALID_CODE`, `CODE_USED`,
    /// `LOGIN_BLOCKED`, `PROVIDER_UNAVAILABLE`, `PROVIDER_MISCONFIGURED`, `OVERLOADED`.
    pub async fn login(&self, request: LoginRequest<'_>) -> Result<Opened, ApiError> {
        let app = self.wechat.app(request.app_id)?;
        self.limits.login(request.client.address, app.id()).await?;
        let code = LoginCode::parse(request.code)?;
        let device = request.device.checked()?;
        let answer = self.exchange(app, code).await?;

        let login = self.login_row(app, answer, self.new_session(device, request.client))?;
        let logged_in = match self.store.login_usual(&login).await? {
            Some(logged_in) => self.counted(logged_in).await?,
            // in a box of its own, so that the usual login does not carry its room along
            None => Box::pin(self.log_in(&login)).await?,
        };
        report(app.id(), &logged_in);
        // the cap may have ended some, and the user's row has a new time of login
        self.heed(logged_in.user.id, Change::UserChanged);
        let tokens = self.tokens(&logged_in.session, app.id(), login.now)?;
        let LoggedIn { user, session, is_new_user, .. } = logged_in;
        Ok(Opened { tokens, user, session, is_new_user })
    }

    /// A login that was written before it was known whose it is: where the user has had enough of them, it is taken back.
    async fn counted(&self, logged_in: LoggedIn) -> Result<LoggedIn, ApiError> {
        let (user, session) = (logged_in.user.id, logged_in.session.id);
        let Err(enough) = self.limits.user(user).await else { return Ok(logged_in) };
        self.heed(user, Change::UserChanged);
        if let Err(error) = Box::pin(self.end_session(user, session, EndReason::Revoked)).await {
            tracing::warn!(cause = error.source(), "a login that was one too many could not be taken back");
        }
        Err(enough)
    }

    /// Any other login.
    async fn log_in(&self, login: &Login) -> Result<LoggedIn, ApiError> {
        let known = self.store.identity_by_openid(&login.app_id, &login.openid).await?;
        if let Some((_, user)) = &known {
            refuse_suspended(user)?;
            self.limits.user(user.id).await?;
        }
        let known = known.map(|(identity, _)| Known::of(&identity));
        Ok(self.store.login(known, login).await?.ok_or(Code::AccountSuspended)?)
    }

    fn new_session(&self, device: Device, client: &Client) -> NewSession {
        let now = self.clock.now();
        NewSession {
            id: SessionId(random::uuid_v7(now)),
            device_id: device.id,
            device_name: device.name,
            user_agent: client.user_agent_kept(),
            ip_prefix: Some(client.network_kept()),
            expires_at: self.session_end_after(now, now),
        }
    }

    fn login_row(&self, app: &App, answer: CodeSession, session: NewSession) -> Result<Login, ApiError> {
        let now = self.clock.now();
        let key = answer.session_key.expose_secret().as_bytes();
        let context = session_key_context(app.id(), &answer.openid);
        Ok(Login {
            app_id: app.id().to_owned(),
            open_platform: app.open_platform().to_owned(),
            session_key: self.keys.seal(&context, key).map_err(ApiError::internal)?,
            openid: answer.openid,
            unionid: answer.unionid,
            asked_at: answer.asked_at,
            new_user: UserId(random::uuid_v7(now)),
            new_identity: IdentityId(random::uuid_v7(now)),
            session,
            sessions_per_user: self.sessions.per_user,
            now,
        })
    }
}

/// What a sealed session key is bound to: the kind of value, and whose it is.
pub(super) fn session_key_context<'a>(app_id: &'a str, openid: &'a OpenId) -> [&'a str; 3] {
    ["session_key", app_id, &openid.0]
}

/// An operator closed the account: no session is opened and none is served.
pub(super) fn refuse_suspended(user: &user::Model) -> Result<(), ApiError> {
    match user.status {
        user::Status::Active => Ok(()),
        user::Status::Suspended => Err(Code::AccountSuspended.into()),
    }
}

fn report(app_id: &str, logged_in: &LoggedIn) {
    let user = logged_in.user.id.0;
    tracing::info!(app = app_id, %user, new = logged_in.is_new_user, "logged in");
    if logged_in.union_conflict {
        tracing::warn!(app = app_id, %user, "this unionid belongs to another user; the two accounts were left apart");
    }
}
