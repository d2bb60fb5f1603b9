//! The client against a scripted WeChat: what is sent, how often, and what comes of each answer.

mod upstream;

use std::{
    io,
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use entity::{OpenId, Timestamp, UnionId};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use self::upstream::{Reply, SESSION, Upstream, refusal};
use super::{CodeSession, Exchanged, LoginCode, Outcome, Wechat};
use crate::{
    clock::{Clock, SharedClock, SystemClock},
    config,
    error::{ApiError, Code},
};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(super) struct ManualClock(AtomicI64);

impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_700_000_000_000))
    }
}

impl ManualClock {
    pub(super) fn advance(&self, by: Duration) {
        let now = self.now() + by;
        self.0.store(now.0, SeqCst);
    }

    pub(super) fn set_back(&self, by: Duration) {
        let now = self.now() - by;
        self.0.store(now.0, SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(SeqCst))
    }
}

fn settings(hosts: &[&str]) -> config::Wechat {
    let app = |id: &str, secret: &str| config::App {
        id: id.to_owned(),
        secret: secret.into(),
        open_platform: "main".to_owned(),
    };
    config::Wechat {
        apps: vec![app("wxdefault", "FirstAppsecret&=+"), app("wxother", "OtherAppsecret")],
        hosts: hosts.iter().map(ToString::to_string).collect(),
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(10),
        calls_in_flight: 64,
        repeat_window: Duration::from_mins(1),
    }
}

fn client(hosts: &[&str]) -> Wechat {
    client_of(&settings(hosts))
}

fn client_of(settings: &config::Wechat) -> Wechat {
    Wechat::new(settings, Arc::new(SystemClock)).unwrap()
}

fn impatient(hosts: &[&str]) -> config::Wechat {
    config::Wechat { timeout: Duration::from_secs(1), ..settings(hosts) }
}

async fn ask(wechat: &Wechat, code: &str) -> Result<CodeSession, ApiError> {
    ask_for(wechat, None, code).await
}

/// Asks as the accounts do, but for the other nodes.
async fn ask_for(wechat: &Wechat, app: Option<&str>, code: &str) -> Outcome {
    let (app, code) = (Arc::clone(wechat.app(app)?), LoginCode::parse(code)?);
    let (asked, hash) = (wechat.clone(), code.hash(app.id()));
    wechat.once(hash, async move { Exchanged::Now(asked.code_session(&app, &code).await) }).await
}

async fn code_of(wechat: &Wechat, code: &str) -> Code {
    ask(wechat, code).await.unwrap_err().code
}

/// An address that refuses connections: its listener is gone.
fn refusing() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

/// The error and all its causes as a log would show them.
fn told(error: &ApiError) -> String {
    let first: &dyn std::error::Error = error;
    let chain = std::iter::successors(Some(first), |error| error.source());
    chain.map(|error| format!("{error} {error:?}")).collect::<Vec<_>>().join(" ")
}

mod the_call {
    use super::*;

    #[tokio::test]
    async fn gives_what_wechat_gives() {
        let upstream = Upstream::saying(SESSION);
        let clock = Arc::new(ManualClock::default());
        let wechat = Wechat::new(&settings(&[&upstream.base]), clock.clone()).unwrap();
        let session = ask(&wechat, "code").await.unwrap();
        assert_eq!(session.openid, OpenId("oOpenid_1".to_owned()));
        assert_eq!(session.unionid, Some(UnionId("uUnionid_1".to_owned())));
        assert_eq!(session.session_key.expose_secret(), "SessionKey+/==");
        assert_eq!(session.asked_at, clock.now());
    }

    #[tokio::test]
    async fn sends_four_parameters_intact() {
        let upstream = Upstream::saying(SESSION);
        ask(&client(&[&upstream.base]), "a+b=c/d|e@f:g~h").await.unwrap();
        let call = &upstream.calls()[0];
        assert_eq!(call["(path)"], "GET /sns/jscode2session");
        assert_eq!(call["appid"], "wxdefault");
        assert_eq!(call["secret"], "FirstAppsecret&=+");
        assert_eq!(call["js_code"], "a+b=c/d|e@f:g~h");
        assert_eq!(call["grant_type"], "authorization_code");
        assert_eq!(call.len(), 4 + 3);
        assert!(call["(headers)"].contains(concat!("user-agent: miniaccount/", env!("CARGO_PKG_VERSION"))));
    }

    #[tokio::test]
    async fn keeps_the_secrets_of_two_apps_apart() {
        let upstream = Upstream::saying(SESSION);
        let wechat = client(&[&upstream.base]);
        let other = wechat.app(Some("wxother")).unwrap();
        assert_eq!((other.id(), other.open_platform()), ("wxother", "main"));
        ask_for(&wechat, Some("wxother"), "same").await.unwrap();
        ask(&wechat, "same").await.unwrap();
        let sent: Vec<_> =
            upstream.calls().iter().map(|call| [call["appid"].clone(), call["secret"].clone()]).collect();
        assert_eq!(sent, [["wxother", "OtherAppsecret"], ["wxdefault", "FirstAppsecret&=+"]]);
    }

    #[test]
    fn is_for_the_first_app_unless_another_is_named_and_never_for_an_unknown_one() {
        let wechat = client(&[&refusing()]);
        assert_eq!(wechat.app(None).unwrap().id(), "wxdefault");
        assert_eq!(wechat.app(Some("")).unwrap().id(), "wxdefault");
        assert_eq!(wechat.app(Some("wxother")).unwrap().id(), "wxother");
        assert_eq!(wechat.app(Some("wxnone")).unwrap_err().code, Code::UnknownApp);
    }

    #[test]
    fn a_host_that_is_no_url_is_found_at_the_start() {
        let clock: SharedClock = Arc::new(SystemClock);
        assert!(Wechat::new(&settings(&["http://[bad"]), clock).is_err());
    }
}

mod an_answer {
    use super::*;

    async fn outcome(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Code {
        let upstream = Upstream::start(move |_, _| reply());
        let other = Upstream::saying(SESSION);
        let code = code_of(&client_of(&impatient(&[&upstream.base, &other.base])), "code").await;
        assert_eq!((upstream.count(), other.count()), (1, 0));
        code
    }

    #[tokio::test]
    async fn that_refuses_has_its_class_and_ends_the_matter() {
        for (errcode, code) in [
            (40029, Code::InvalidCode),
            (41008, Code::InvalidCode),
            (40163, Code::CodeUsed),
            (40226, Code::LoginBlocked),
            (45011, Code::RateLimited),
            (45009, Code::RateLimited),
            (40013, Code::ProviderMisconfigured),
            (40125, Code::ProviderMisconfigured),
            (12345, Code::ProviderUnavailable),
        ] {
            assert_eq!(outcome(move || refusal(errcode)).await, code, "{errcode}");
        }
    }

    #[tokio::test]
    async fn that_cannot_be_read_is_an_outage_and_the_code_is_not_sent_again() {
        for body in ["", "<html></html>", r#"{"openid":"o","sess"#, "{}", r#"{"openid":"a b","session_key":"k"}"#] {
            assert_eq!(outcome(|| Reply::Body(body.to_owned())).await, Code::ProviderUnavailable, "{body}");
        }
    }

    #[tokio::test]
    async fn of_another_status_is_an_outage() {
        for status in ["302 Found", "404 Not Found", "500 Oops", "502 Bad Gateway"] {
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{SESSION}", SESSION.len());
            assert_eq!(outcome(move || Reply::Raw(answer.clone())).await, Code::ProviderUnavailable, "{status}");
        }
    }

    #[tokio::test]
    async fn that_redirects_is_not_followed() {
        let elsewhere = Upstream::saying(SESSION);
        let location = format!("Location: {}/sns/jscode2session", elsewhere.base);
        let answer = format!("HTTP/1.1 307 Moved\r\n{location}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(outcome(move || Reply::Raw(answer.clone())).await, Code::ProviderUnavailable);
        assert_eq!(elsewhere.count(), 0);
    }

    #[tokio::test]
    async fn that_lies_about_its_type_is_read() {
        for label in ["text/html; charset=gbk", "application/octet-stream", ""] {
            let body = format!("\u{feff}{SESSION}");
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {label}\r\nContent-Length: {}", body.len());
            let upstream = Upstream::start(move |_, _| Reply::Raw(format!("{head}\r\n\r\n{body}")));
            assert!(ask(&client(&[&upstream.base]), "code").await.is_ok(), "{label}");
        }
    }

    #[tokio::test]
    async fn that_says_it_is_long_is_not_read() {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 64 * 1024 + 1);
        assert_eq!(outcome(move || Reply::Raw(format!("{head}{SESSION}"))).await, Code::ProviderUnavailable);
    }

    #[tokio::test]
    async fn without_end_is_cut_off() {
        let upstream = Upstream::start(|_, _| Reply::Endless);
        assert_eq!(code_of(&client(&[&upstream.base]), "code").await, Code::ProviderUnavailable);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(upstream.bytes() < 32 * 1024 * 1024, "{} bytes", upstream.bytes());
    }

    #[tokio::test]
    async fn cut_short_is_an_outage() {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", SESSION.len() + 1);
        assert_eq!(outcome(move || Reply::Raw(format!("{head}{SESSION}"))).await, Code::ProviderUnavailable);
    }

    #[tokio::test]
    async fn that_never_comes_times_out() {
        let begin = Instant::now();
        assert_eq!(outcome(|| Reply::Hang).await, Code::ProviderUnavailable);
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

mod the_next_host {
    use super::*;

    #[tokio::test]
    async fn is_asked_where_the_first_takes_no_connection_which_is_then_asked_last_for_a_while() {
        let (refusing, upstream) = (refusing(), Upstream::saying(SESSION));
        let clock = Arc::new(ManualClock::default());
        let wechat = Wechat::new(&settings(&[&refusing, &upstream.base]), clock.clone()).unwrap();
        ask(&wechat, "code1").await.unwrap();
        let order = || wechat.0.endpoint.hosts_in_order();
        assert!(order()[0].starts_with(&upstream.base));
        clock.advance(Duration::from_secs(10));
        assert!(order()[0].starts_with(&refusing));
        ask(&wechat, "code2").await.unwrap();
        assert_eq!(upstream.count(), 2);
    }

    #[tokio::test]
    async fn is_asked_where_the_first_does_not_finish_the_connection_in_time() {
        // It accepts and says nothing, which leaves the TLS handshake waiting.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!("https://{}", listener.local_addr().unwrap());
        let upstream = Upstream::saying(SESSION);
        let settings =
            config::Wechat { connect_timeout: Duration::from_millis(200), ..settings(&[&silent, &upstream.base]) };
        assert!(ask(&client_of(&settings), "code").await.is_ok());
    }

    #[tokio::test]
    async fn is_asked_where_the_first_is_busy() {
        let (busy, upstream) = (Upstream::start(|_, _| refusal(-1)), Upstream::saying(SESSION));
        assert!(ask(&client(&[&busy.base, &upstream.base]), "code").await.is_ok());
        assert_eq!((busy.count(), upstream.count()), (1, 1));
    }

    #[tokio::test]
    async fn may_say_that_the_busy_one_used_the_code() {
        let (busy, upstream) = (Upstream::start(|_, _| refusal(-1)), Upstream::start(|_, _| refusal(40163)));
        assert_eq!(code_of(&client(&[&busy.base, &upstream.base]), "code").await, Code::CodeUsed);
    }

    #[tokio::test]
    async fn is_the_last_where_all_are_busy() {
        let (one, two) = (Upstream::start(|_, _| refusal(-1)), Upstream::start(|_, _| refusal(-1)));
        assert_eq!(code_of(&client(&[&one.base, &two.base]), "code").await, Code::ProviderUnavailable);
        assert_eq!((one.count(), two.count()), (1, 1));
    }
}

mod a_sent_code {
    use super::*;

    #[tokio::test]
    async fn is_not_sent_again_when_a_new_connection_breaks() {
        let (upstream, other) = (Upstream::start(|_, _| Reply::Close), Upstream::saying(SESSION));
        let wechat = client(&[&upstream.base, &other.base]);
        assert_eq!(code_of(&wechat, "code").await, Code::ProviderUnavailable);
        assert_eq!((upstream.count(), other.count()), (1, 0));
    }

    #[tokio::test]
    async fn is_not_sent_again_when_a_kept_connection_breaks() {
        let reply = |number, _: &_| if number == 1 { Reply::Body(SESSION.to_owned()) } else { Reply::Close };
        let (upstream, other) = (Upstream::start(reply), Upstream::saying(SESSION));
        let wechat = client(&[&upstream.base, &other.base]);
        ask(&wechat, "code1").await.unwrap();
        assert_eq!(code_of(&wechat, "code2").await, Code::ProviderUnavailable);
        assert_eq!((upstream.count(), other.count()), (2, 0));
        let connections: Vec<_> = upstream.calls().iter().map(|call| call["(connection)"].clone()).collect();
        assert_eq!(connections, ["0", "0"]);
    }

    #[tokio::test]
    async fn does_not_meet_a_connection_that_closed_meanwhile() {
        let upstream = Upstream::start(|_, _| Reply::LastBody(SESSION.to_owned()));
        let wechat = client(&[&upstream.base]);
        ask(&wechat, "code1").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        ask(&wechat, "code2").await.unwrap();
        assert_eq!(upstream.count(), 2);
    }
}

mod the_same_code {
    use super::*;

    fn slow() -> Upstream {
        Upstream::start(|_, _| {
            thread::sleep(Duration::from_millis(200));
            Reply::Body(SESSION.to_owned())
        })
    }

    #[tokio::test]
    async fn asked_for_by_a_hundred_at_once_is_sent_once() {
        for repeat_window in [Duration::ZERO, Duration::from_mins(1)] {
            let upstream = slow();
            let wechat = client_of(&config::Wechat { repeat_window, ..settings(&[&upstream.base]) });
            let mut asking = JoinSet::new();
            for _ in 0..100 {
                let wechat = wechat.clone();
                asking.spawn(async move { ask(&wechat, "code").await.unwrap().openid });
            }
            assert_eq!(asking.join_all().await, vec![OpenId("oOpenid_1".to_owned()); 100]);
            assert_eq!(upstream.count(), 1);
        }
    }

    #[tokio::test]
    async fn survives_a_caller_that_goes_away() {
        let upstream = slow();
        let wechat = client(&[&upstream.base]);
        let gone = tokio::time::timeout(Duration::from_millis(50), ask(&wechat, "code")).await;
        assert!(gone.is_err());
        assert!(ask(&wechat, "code").await.is_ok());
        assert_eq!(upstream.count(), 1);
    }

    #[tokio::test]
    async fn within_the_window_has_the_same_final_outcome() {
        for errcode in [0, 40029, 40163, 40226] {
            let reply = move |_, _: &_| if errcode == 0 { Reply::Body(SESSION.to_owned()) } else { refusal(errcode) };
            let upstream = Upstream::start(reply);
            let wechat = client(&[&upstream.base]);
            let [first, second] = [ask(&wechat, "code").await, ask(&wechat, "code").await];
            let what = |outcome: Result<CodeSession, ApiError>| outcome.map(|it| it.asked_at).map_err(|it| it.code);
            assert_eq!(what(first), what(second));
            assert_eq!(upstream.count(), 1, "{errcode}");
        }
    }

    #[tokio::test]
    async fn may_be_tried_again_after_an_outcome_that_passes() {
        for errcode in [-1, 45011, 40125] {
            let reply =
                move |number, _: &_| if number == 1 { refusal(errcode) } else { Reply::Body(SESSION.to_owned()) };
            let wechat = client(&[&Upstream::start(reply).base]);
            assert!(ask(&wechat, "code").await.is_err());
            assert!(ask(&wechat, "code").await.is_ok(), "{errcode}");
        }
    }

    #[tokio::test]
    async fn is_forgotten_after_the_window() {
        for repeat_window in [Duration::ZERO, Duration::from_millis(100)] {
            let upstream = Upstream::saying(SESSION);
            let wechat = client_of(&config::Wechat { repeat_window, ..settings(&[&upstream.base]) });
            ask(&wechat, "code").await.unwrap();
            tokio::time::sleep(repeat_window + Duration::from_millis(50)).await;
            ask(&wechat, "code").await.unwrap();
            assert_eq!(upstream.count(), 2);
        }
    }
}

mod load {
    use super::*;

    #[tokio::test]
    async fn never_has_more_calls_in_flight_than_set() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counting, peak) = (now.clone(), most.clone());
        let upstream = Upstream::start(move |_, _| {
            peak.fetch_max(counting.fetch_add(1, SeqCst) + 1, SeqCst);
            thread::sleep(Duration::from_millis(20));
            counting.fetch_sub(1, SeqCst);
            Reply::Body(SESSION.to_owned())
        });
        let wechat = client_of(&config::Wechat { calls_in_flight: 3, ..settings(&[&upstream.base]) });
        let mut asking = JoinSet::new();
        for number in 0..30 {
            let wechat = wechat.clone();
            asking.spawn(async move { ask(&wechat, &format!("code{number}")).await.unwrap() });
        }
        asking.join_all().await;
        assert_eq!((upstream.count(), most.load(SeqCst)), (30, 3));
    }

    #[tokio::test]
    async fn beyond_the_queue_is_refused_and_the_other_app_does_not_notice() {
        let hang = |_, call: &upstream::Call| match call["appid"].as_str() {
            "wxdefault" => Reply::Hang,
            _ => Reply::Body(SESSION.to_owned()),
        };
        let upstream = Upstream::start(hang);
        let wechat = client_of(&config::Wechat { calls_in_flight: 1, ..impatient(&[&upstream.base]) });
        let mut asking = JoinSet::new();
        for code in ["code1", "code2", "code3", "code4"] {
            let wechat = wechat.clone();
            asking.spawn(async move { code_of(&wechat, code).await });
        }
        assert!(ask_for(&wechat, Some("wxother"), "code").await.is_ok());
        let codes = asking.join_all().await;
        assert!(codes.contains(&Code::Overloaded) && codes.contains(&Code::ProviderUnavailable), "{codes:?}");
    }

    #[tokio::test]
    async fn rests_after_an_outage_until_a_probe_succeeds() {
        let reply = |number, _: &_| if number <= 21 { refusal(-1) } else { Reply::Body(SESSION.to_owned()) };
        let upstream = Upstream::start(reply);
        let clock = Arc::new(ManualClock::default());
        let wechat = Wechat::new(&settings(&[&upstream.base]), clock.clone()).unwrap();
        for _ in 0..20 {
            assert_eq!(code_of(&wechat, "code").await, Code::ProviderUnavailable);
        }
        let resting = ask(&wechat, "code").await.unwrap_err();
        assert_eq!((resting.code, resting.retry_after_seconds()), (Code::ProviderUnavailable, Some(5)));
        assert_eq!(upstream.count(), 20);
        clock.advance(Duration::from_secs(5));
        assert_eq!(code_of(&wechat, "code").await, Code::ProviderUnavailable);
        assert_eq!((code_of(&wechat, "code").await, upstream.count()), (Code::ProviderUnavailable, 21));
        clock.advance(Duration::from_secs(5));
        assert!(ask(&wechat, "code").await.is_ok());
        assert!(ask(&wechat, "code2").await.is_ok());
    }

    #[tokio::test]
    async fn does_not_rest_for_the_faults_of_users() {
        let upstream = Upstream::start(|_, _| refusal(40029));
        let wechat = client(&[&upstream.base]);
        for number in 0..50 {
            assert_eq!(code_of(&wechat, &format!("code{number}")).await, Code::InvalidCode);
        }
        assert_eq!(upstream.count(), 50);
    }
}

mod settings_wechat_refuses {
    use super::*;

    #[tokio::test]
    async fn are_shown_until_a_login_works() {
        let reply = |number, _: &_| if number == 1 { refusal(40125) } else { Reply::Body(SESSION.to_owned()) };
        let wechat = client(&[&Upstream::start(reply).base]);
        assert_eq!(wechat.misconfigured(), []);
        let error = ask(&wechat, "code").await.unwrap_err();
        assert_eq!((error.code, error.detail.as_deref(), error.reason), (Code::ProviderMisconfigured, None, None));
        assert_eq!(wechat.misconfigured(), [("wxdefault".to_owned(), "40125 invalid appsecret".to_owned())]);
        ask(&wechat, "code").await.unwrap();
        assert_eq!(wechat.misconfigured(), []);
    }
}

mod secrets {
    use super::*;

    const SECRETS: [&str; 8] = [
        "FirstAppsecret",
        "VerySecretCode",
        "oOpenid_1",
        "uUnionid_1",
        "SessionKey",
        "SecretErrmsg",
        "js_code",
        "http://",
    ];

    fn assert_tells_nothing(text: &str) {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn are_in_no_log_and_in_no_error() {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let _capturing = tracing::subscriber::set_default(subscriber);
        let half = || Reply::Body(SESSION[..60].to_owned());
        let html = || Reply::Body(format!("<html>{SESSION}</html>"));
        let replies: [fn() -> Reply; 9] = [
            || Reply::Body(SESSION.to_owned()),
            || refusal(40029),
            || refusal(40125),
            || refusal(-1),
            || refusal(77777),
            || Reply::Hang,
            || Reply::Close,
            half,
            html,
        ];
        for reply in replies {
            let upstream = Upstream::start(move |_, _| reply());
            let wechat = client_of(&impatient(&[&refusing(), &upstream.base]));
            let outcome = ask(&wechat, "VerySecretCode").await;
            assert_tells_nothing(&format!("{outcome:?} {wechat:?} {:?}", wechat.app(None)));
            assert_tells_nothing(&outcome.map_or_else(|error| told(&error), |_| String::new()));
        }
        assert_tells_nothing(&told(&ask(&client(&[&refusing()]), "VerySecretCode").await.unwrap_err()));
        let log = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        assert_tells_nothing(&log);
        for wanted in ["wxdefault", "6683da8d-0a1b2c3d-4e5f6071", "errcode=40125", "outcome=\"INVALID_CODE\"", "77777"]
        {
            assert!(log.contains(wanted), "no {wanted} in {log}");
        }
    }

    #[test]
    fn are_not_in_the_error_of_a_bad_host() {
        let error = Wechat::new(&settings(&["http://[bad"]), Arc::new(SystemClock)).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("Appsecret"));
    }
}
