//! The grammar of what a code is to do: `alice`, `nounion:alice`, `slow:3000:alice`, `error:40226`, `reply:html`,
//! `push:revoke.8:alice`.
//! A person types it after `emulator:` as the code, or names it as the user of a true code.

use std::time::Duration;

use super::refusal::Refusal;

/// What makes a text a code that a person typed; a true code has no colon.
pub(super) const TYPED: &str = "emulator:";
const MAX_NAME: usize = 64;
pub(super) const MAX_DELAY: Duration = Duration::from_mins(1);

/// What the emulator plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Logs a person in.
    Login(Login),
    /// Refuses with an errcode.
    Error(i32),
    /// Answers as no working WeChat does.
    Broken(Broken),
    /// Pushes an event about a person, then logs them in.
    Push(PushedEvent, Login),
}

/// An event that WeChat pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PushedEvent {
    /// WeChat removed what the person had shown.
    Modified,
    /// The person took something back: the number of `RevokeInfo`.
    Revoke(u32),
    /// The person closed the account.
    Cancel,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) name: String,
    pub(super) delay: Duration,
    pub(super) with_union: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Html,
    Empty,
    Half,
    Huge,
    Redirect,
    Hang,
    ServerError,
}

impl Scenario {
    /// The scenario of a typed code, or `None` for what may be a true code.
    pub(super) fn typed(code: &str) -> Option<Result<Self, Refusal>> {
        code.strip_prefix(TYPED).map(|text| Self::parse(text).ok_or(Refusal::INVALID_CODE))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => Login::of(text).map(Self::Login),
            Some(("nounion", name)) => Some(Self::Login(Login { with_union: false, ..Login::of(name)? })),
            Some(("slow", rest)) => slow(rest).map(Self::Login),
            Some(("error", errcode)) => errcode.parse().ok().map(Self::Error),
            Some(("push", rest)) => push(rest),
            Some(("reply", kind)) => Broken::parse(kind).map(Self::Broken),
            Some(_) => None,
        }
    }
}

impl Login {
    fn of(name: &str) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let good = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(known);
        good.then(|| Self { name: name.to_owned(), delay: Duration::ZERO, with_union: true })
    }
}

impl Broken {
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

/// `modified:alice`, `revoke.8:alice`, `cancel:alice`
fn push(rest: &str) -> Option<Scenario> {
    let (event, name) = rest.split_once(':')?;
    let event = match event.split_once('.') {
        None if event == "modified" => PushedEvent::Modified,
        None if event == "cancel" => PushedEvent::Cancel,
        Some(("revoke", info)) => PushedEvent::Revoke(info.parse().ok()?),
        _ => return None,
    };
    Some(Scenario::Push(event, Login::of(name)?))
}

impl PushedEvent {
    /// What WeChat calls it.
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
    Some(Login { delay, ..Login::of(name)? }).filter(|login| login.delay <= MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_1_to_64_of_the_known_characters() {
        for good in ["a", "Alice_1.2-3", &"x".repeat(64)] {
            assert!(Scenario::parse(good).is_some(), "{good}");
        }
        for bad in ["", "al ice", "爱丽丝", "a/b", &"x".repeat(65)] {
            assert_eq!(Scenario::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_errcode_may_be_any_number_even_negative() {
        for errcode in [-1, 0, 40029, i32::MIN, i32::MAX] {
            assert_eq!(Scenario::parse(&format!("error:{errcode}")), Some(Scenario::Error(errcode)));
        }
    }

    #[test]
    fn an_event_is_pushed_about_a_person() {
        let alice = Login::of("alice").unwrap();
        let pushed = |event| Some(Scenario::Push(event, alice.clone()));
        assert_eq!(Scenario::parse("push:modified:alice"), pushed(PushedEvent::Modified));
        assert_eq!(Scenario::parse("push:revoke.8:alice"), pushed(PushedEvent::Revoke(8)));
        assert_eq!(Scenario::parse("push:cancel:alice"), pushed(PushedEvent::Cancel));
    }

    #[test]
    fn a_slow_answer_takes_60_seconds_at_most() {
        assert!(Scenario::parse("slow:60000:alice").is_some());
        assert_eq!(Scenario::parse("slow:60001:alice"), None);
    }

    #[test]
    fn what_makes_no_sense_is_no_scenario() {
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
    fn only_a_code_with_the_prefix_is_typed() {
        assert_eq!(Scenario::typed("alice"), None);
        assert_eq!(Scenario::typed("emulator:a b"), Some(Err(Refusal::INVALID_CODE)));
        assert_eq!(Scenario::typed("emulator:alice").and_then(Result::ok), Scenario::parse("alice"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_grammar_panic(text in any::<String>()) {
            let _ = Scenario::typed(&text);
            Scenario::parse(&text);
        }

        #[test]
        fn no_text_near_the_grammar_makes_it_panic(text in "(slow|error|reply|nounion|-|[0-9]{1,25}|:|.){0,8}") {
            Scenario::parse(&text);
        }
    }
}
