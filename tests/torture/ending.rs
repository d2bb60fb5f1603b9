//! The ways to end a session.

use serde_json::{Value, json};

use crate::harness::TestApp;

/// A way to end a session, named by the reason that clients receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    LoggedOut,
    Revoked,
    Reused,
    Replaced,
    Evicted,
}

impl Ending {
    /// The way of a round: each in turn.
    pub(crate) fn of(round: usize) -> Self {
        [Self::LoggedOut, Self::Revoked, Self::Reused, Self::Replaced, Self::Evicted][round % 5]
    }

    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::LoggedOut => "LOGGED_OUT",
            Self::Revoked => "REVOKED",
            Self::Reused => "REUSED",
            Self::Replaced => "REPLACED",
            Self::Evicted => "EVICTED",
        }
    }
}

/// A session that the test ends.
pub(crate) struct Victim {
    name: String,
    ending: Ending,
    session: Value,
    pub(crate) token: String,
    /// A refresh token that can be sent repeatedly as long as the session lives.
    pub(crate) refresh_token: String,
    /// The first refresh token. For `Reused` its successor was used, so that sending it ends the session.
    first: String,
}

impl Victim {
    /// Opens the session.
    pub(crate) async fn open(app: &TestApp, name: String, ending: Ending) -> Self {
        let login = login(app, &name, "phone").await;
        let first = text(&login["refreshToken"]);
        let mut refresh_token = first.clone();
        if ending == Ending::Reused {
            refresh_token = refreshed(app, &first).await;
            refreshed(app, &refresh_token).await;
        }
        Self {
            name,
            ending,
            session: login["session"]["id"].clone(),
            token: text(&login["token"]),
            refresh_token,
            first,
        }
    }

    /// Prepares the end, so that it takes one request.
    pub(crate) async fn prepare(&self, app: &TestApp) -> Option<Value> {
        let needs_other_session = matches!(self.ending, Ending::Revoked | Ending::Evicted);
        if needs_other_session { Some(login(app, &format!("{}.1", self.name), "tablet").await) } else { None }
    }

    /// Ends the session, and returns once the server has acknowledged that.
    pub(crate) async fn end(&self, app: &TestApp, prepared: Option<Value>) {
        match self.ending {
            Ending::LoggedOut => {
                let logout = "mutation { logout { endedSessions } }";
                let answer = app.with_token(&self.token).graphql(logout, json!({})).await;
                assert_eq!(answer.data()["logout"]["endedSessions"], 1);
            }
            Ending::Revoked => {
                let revoke = "mutation($id: ID!) { revokeSession(sessionId: $id) { __typename } }";
                let other = app.with_token(prepared.unwrap()["token"].as_str().unwrap());
                other.graphql(revoke, json!({ "id": self.session })).await.data();
            }
            Ending::Reused => assert_eq!(app.anonymous().refresh(&self.first).await.refusal(), "REUSED"),
            Ending::Replaced => drop(login(app, &format!("{}.2", self.name), "phone").await),
            Ending::Evicted => drop(login(app, &format!("{}.2", self.name), "watch").await),
        }
    }
}

async fn login(app: &TestApp, code: &str, device: &str) -> Value {
    let arguments = json!({ "code": code, "device": { "id": device } });
    app.anonymous().login_with(arguments).await.data()["login"].clone()
}

async fn refreshed(app: &TestApp, token: &str) -> String {
    text(&app.anonymous().refresh(token).await.data()["refreshSession"]["refreshToken"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
