//! Secrets reach neither the log nor an error.

use super::*;

const SECRETS: [&str; 8] =
    ["FirstAppsecret", "VerySecretCode", "oOpenid_1", "uUnionid_1", "SessionKey", "SecretErrmsg", "js_code", "http://"];

fn assert_has_no_secret(text: &str) {
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
async fn secrets_are_in_no_log_and_no_error() {
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
        let wechat = client_of(&with_short_timeout(&[&unreachable_host(), &upstream.base]));
        let outcome = exchange(&wechat, "VerySecretCode").await;
        assert_has_no_secret(&format!("{outcome:?} {wechat:?} {:?}", wechat.app(None)));
        assert_has_no_secret(&outcome.map_or_else(|error| error_chain(&error), |_| String::new()));
    }
    assert_has_no_secret(&error_chain(&exchange(&client(&[&unreachable_host()]), "VerySecretCode").await.unwrap_err()));
    let log = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    assert_has_no_secret(&log);
    for wanted in ["wxdefault", "6683da8d-0a1b2c3d-4e5f6071", "errcode=40125", "outcome=\"INVALID_CODE\"", "77777"] {
        assert!(log.contains(wanted), "no {wanted} in {log}");
    }
}

#[test]
fn secrets_are_not_in_the_error_of_an_invalid_host() {
    let error = Wechat::new(&settings(&["http://[bad"]), Arc::new(SystemClock)).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("Appsecret"));
}
