//! The outcome of each response.

use super::*;

async fn outcome(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Code {
    let upstream = Upstream::start(move |_, _| reply());
    let other = Upstream::with_body(SESSION);
    let code = error_code_of(&client_of(&with_short_timeout(&[&upstream.base, &other.base])), "code").await;
    assert_eq!((upstream.count(), other.count()), (1, 0));
    code
}

#[tokio::test]
async fn refusal_has_its_error_code_and_is_final() {
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
async fn unreadable_response_is_an_outage_and_the_code_is_not_resent() {
    for body in ["", "<html></html>", r#"{"openid":"o","sess"#, "{}", r#"{"openid":"a b","session_key":"k"}"#] {
        assert_eq!(outcome(|| Reply::Body(body.to_owned())).await, Code::ProviderUnavailable, "{body}");
    }
}

#[tokio::test]
async fn error_status_is_an_outage() {
    for status in ["302 Found", "404 Not Found", "500 Oops", "502 Bad Gateway"] {
        let response = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{SESSION}", SESSION.len());
        assert_eq!(outcome(move || Reply::Raw(response.clone())).await, Code::ProviderUnavailable, "{status}");
    }
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let elsewhere = Upstream::with_body(SESSION);
    let location = format!("Location: {}/sns/jscode2session", elsewhere.base);
    let response = format!("HTTP/1.1 307 Moved\r\n{location}\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(outcome(move || Reply::Raw(response.clone())).await, Code::ProviderUnavailable);
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn response_is_read_whatever_its_content_type() {
    for label in ["text/html; charset=gbk", "application/octet-stream", ""] {
        let body = format!("\u{feff}{SESSION}");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {label}\r\nContent-Length: {}", body.len());
        let upstream = Upstream::start(move |_, _| Reply::Raw(format!("{head}\r\n\r\n{body}")));
        assert!(exchange(&client(&[&upstream.base]), "code").await.is_ok(), "{label}");
    }
}

#[tokio::test]
async fn response_with_a_long_content_length_is_not_read() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 64 * 1024 + 1);
    assert_eq!(outcome(move || Reply::Raw(format!("{head}{SESSION}"))).await, Code::ProviderUnavailable);
}

#[tokio::test]
async fn endless_response_is_cut_off() {
    let upstream = Upstream::start(|_, _| Reply::Endless);
    assert_eq!(error_code_of(&client(&[&upstream.base]), "code").await, Code::ProviderUnavailable);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(upstream.bytes() < 32 * 1024 * 1024, "{} bytes", upstream.bytes());
}

#[tokio::test]
async fn truncated_response_is_an_outage() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", SESSION.len() + 1);
    assert_eq!(outcome(move || Reply::Raw(format!("{head}{SESSION}"))).await, Code::ProviderUnavailable);
}

#[tokio::test]
async fn missing_response_times_out() {
    let begin = Instant::now();
    assert_eq!(outcome(|| Reply::Hang).await, Code::ProviderUnavailable);
    assert!(begin.elapsed() < Duration::from_secs(5));
}
