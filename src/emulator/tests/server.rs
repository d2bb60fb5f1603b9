//! Tests of the listener, the welcome page and the shutdown.

use std::{sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::oneshot, time::timeout};

use super::Harness;
use crate::{clock::SystemClock, emulator::Emulator};

#[tokio::test]
async fn listener_outside_loopback_is_refused() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = Emulator::start(listener, Arc::new(SystemClock)).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn base_url_is_the_address_of_the_listener() {
    let harness = Harness::new().await;
    assert_eq!(harness.emulator.base(), format!("http://127.0.0.1:{}", harness.emulator.address().port()));
}

#[tokio::test]
async fn welcome_page_explains_codes_in_two_languages() {
    let harness = Harness::new().await;
    let page = harness.get("/").send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&format!("curl -X POST {}/emulator/code -d user=alice", harness.emulator.base())));
    assert!(page.contains("微信模拟器"));
}

#[tokio::test]
async fn emulator_serves_until_the_signal() {
    let harness = Harness::new().await;
    let (signal, wait) = oneshot::channel::<()>();
    let address = harness.emulator.address();
    let running = tokio::spawn(harness.emulator.run_until(async { wait.await.unwrap() }));
    assert!(harness.client.get(format!("http://{address}/")).send().await.is_ok());
    signal.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert!(harness.client.get(format!("http://{address}/")).send().await.is_err());
}

#[tokio::test]
async fn dropped_emulator_stops() {
    let harness = Harness::new().await;
    let base = harness.emulator.base();
    drop(harness.emulator);
    // the listening task ends some time after the drop
    let gone = async { while harness.client.get(&base).send().await.is_ok() {} };
    timeout(Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn debug_hides_codes() {
    let harness = Harness::new().await;
    let code = harness.emulator.mint("wx1", "alice");
    let shown = format!("{:?}", harness.emulator);
    assert!(!shown.contains(&code) && !shown.contains("alice"), "{shown}");
}
