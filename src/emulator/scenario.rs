//! The scenarios of login codes: `alice`, `nounion:alice`, `slow:3000:alice`, `error:40226`, `reply:html`,
//! `push:revoke.8:alice`. A scenario code is one of these after the prefix `emulator:`. A scenario may also be the
//! `user` of a new one-time code.

use std::time::Duration;

use super::refusal::Refusal;

/// The prefix of a scenario code. One-time codes contain no colon.
pub(super) const PREFIX: &str = "emulator:";
const MAX_NAME: usize = 64;
pub(super) const MAX_DELAY: Duration = Duration::from_mins(1);

/// What the emulator does for a login code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Logs a user in.
    Login(Login),
    /// Refuses with an errcode.
    Error(i32),
    /// Responds as WeChat does when it is broken.
    Broken(BrokenReply),
    /// Pushes an event about a user, then logs them in.
    Push(PushedEvent, Login),
}

/// An event that WeChat pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PushedEvent {
    /// WeChat cleared the user's profile.
    Modified,
    /// The user revoked an authorization; the number is that of `RevokeInfo`.
    Revoke(u32),
    /// The user cancelled the account.
    Cancel,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) name: String,
    pub(super) delay: Duration,
    pub(super) with_union: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokenReply {
    Html,
    Empty,
    Half,
    Huge,
    Redirect,
    Hang,
    ServerError,
}

impl Scenario {
    /// The scenario of a scenario code; `None` for any other code, which may be a one-time code.
    pub(super) fn from_code(code: &str) -> Option<Result<Self, Refusal>> {
        code.strip_prefix(PREFIX).map(|text| Self::parse(text).ok_or(Refusal::INVALID_CODE))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => Login::parse(text).map(Self::Login),
            Some(("nounion", name)) => Some(Self::Login(Login { with_union: false, ..Login::parse(name)? })),
            Some(("slow", rest)) => slow(rest).map(Self::Login),
            Some(("error", errcode)) => errcode.parse().ok().map(Self::Error),
            Some(("push", rest)) => push(rest),
            Some(("reply", kind)) => BrokenReply::parse(kind).map(Self::Broken),
            Some(_) => None,
        }
    }
}

impl Login {
    fn parse(name: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let is_name = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed);
        is_name.then(|| Self { name: name.to_owned(), delay: Duration::ZERO, with_union: true })
    }
}

impl BrokenReply {
    pub(super) fn parse(kind: &str) -> Option<Self> {
        Some(match kind {
            "html" => Self::Html,
            "empty" => Self::Empty,
            "half" => Self::Half,
            "huge" => Self::Huge,
            "redirect" => Self::Redirect,
            "hang" => Self::Hang,
            "500" => Self::ServerError,
            _ => return None,
        })
    }
}

/// Parses `modified:alice`, `revoke.8:alice` or `cancel:alice`.
fn push(rest: &str) -> Option<Scenario> {
    let (event, name) = rest.split_once(':')?;
    let event = match event.split_once('.') {
        None if event == "modified" => PushedEvent::Modified,
        None if event == "cancel" => PushedEvent::Cancel,
        Some(("revoke", info)) => PushedEvent::Revoke(info.parse().ok()?),
        _ => return None,
    };
    Some(Scenario::Push(event, Login::parse(name)?))
}

impl PushedEvent {
    /// WeChat's name of the event.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Modified => "user_info_modified",
            Self::Revoke(_) => "user_authorization_revoke",
            Self::Cancel => "user_authorization_cancellation",
        }
    }
}

fn slow(rest: &str) -> Option<Login> {
    let (delay, name) = rest.split_once(':')?;
    let delay = Duration::from_millis(delay.parse().ok()?);
    Some(Login { delay, ..Login::parse(name)? }).filter(|login| login.delay <= MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn name_has_1_to_64_allowed_characters() {
        for good in ["a", "Alice_1.2-3", &"x".repeat(64)] {
            assert!(Scenario::parse(good).is_some(), "{good}");
        }
        for bad in ["", "al ice", "爱丽丝", "a/b", &"x".repeat(65)] {
            assert_eq!(Scenario::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn errcode_may_be_any_number() {
        for errcode in [-1, 0, 40029, i32::MIN, i32::MAX] {
            assert_eq!(Scenario::parse(&format!("error:{errcode}")), Some(Scenario::Error(errcode)));
        }
    }

    #[test]
    fn push_has_an_event_and_a_user() {
        let alice = Login::parse("alice").unwrap();
        let pushed = |event| Some(Scenario::Push(event, alice.clone()));
        assert_eq!(Scenario::parse("push:modified:alice"), pushed(PushedEvent::Modified));
        assert_eq!(Scenario::parse("push:revoke.8:alice"), pushed(PushedEvent::Revoke(8)));
        assert_eq!(Scenario::parse("push:cancel:alice"), pushed(PushedEvent::Cancel));
    }

    #[test]
    fn delay_is_at_most_60_seconds() {
        assert!(Scenario::parse("slow:60000:alice").is_some());
        assert_eq!(Scenario::parse("slow:60001:alice"), None);
    }

    #[test]
    fn invalid_text_is_not_a_scenario() {
        for text in [
            "dance:alice",
            "slow:alice",
            "slow::alice",
            "slow:-1:alice",
            "nounion:",
            "error:",
            "reply:x",
            "push:alice",
            "push:revoke:alice",
            "push:cancel.1:alice",
        ] {
            assert_eq!(Scenario::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_code_with_the_prefix_is_a_scenario_code() {
        assert_eq!(Scenario::from_code("alice"), None);
        assert_eq!(Scenario::from_code("emulator:a b"), Some(Err(Refusal::INVALID_CODE)));
        assert_eq!(Scenario::from_code("emulator:alice").and_then(Result::ok), Scenario::parse("alice"));
    }

    proptest! {
        #[test]
        fn parser_never_panics_on_any_text(text in any::<String>()) {
            let _ = Scenario::from_code(&text);
            Scenario::parse(&text);
        }

        #[test]
        fn parser_never_panics_on_nearly_valid_text(text in "(slow|error|reply|nounion|-|[0-9]{1,25}|:|.){0,8}") {
            Scenario::parse(&text);
        }
    }
}
