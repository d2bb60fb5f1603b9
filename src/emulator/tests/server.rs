//! Where the emulator listens, what it says of itself, and how it ends.

use std::{sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::oneshot, time::timeout};

use super::Trial;
use crate::{clock::SystemClock, emulator::Emulator};

#[tokio::test]
async fn no_network_may_reach_it() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = Emulator::start(listener, Arc::new(SystemClock)).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn the_base_is_where_it_listens() {
    let trial = Trial::new().await;
    assert_eq!(trial.emulator.base(), format!("http://127.0.0.1:{}", trial.emulator.address().port()));
}

#[tokio::test]
async fn the_front_page_tells_in_two_languages_how_to_get_a_code() {
    let trial = Trial::new().await;
    let page = trial.get("/").send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&format!("curl -X POST {}/emulator/code -d user=alice", trial.emulator.base())));
    assert!(page.contains("微信模拟器"));
}

#[tokio::test]
async fn it_serves_until_the_signal() {
    let trial = Trial::new().await;
    let (signal, wait) = oneshot::channel::<()>();
    let address = trial.emulator.address();
    let running = tokio::spawn(trial.emulator.run_until(async { wait.await.unwrap() }));
    assert!(trial.client.get(format!("http://{address}/")).send().await.is_ok());
    signal.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert!(trial.client.get(format!("http://{address}/")).send().await.is_err());
}

#[tokio::test]
async fn it_stops_when_dropped() {
    let trial = Trial::new().await;
    let front = trial.emulator.base();
    drop(trial.emulator);
    // the task that listens ends on its own time
    let gone = async { while trial.client.get(&front).send().await.is_ok() {} };
    timeout(Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn its_debug_form_holds_no_code() {
    let trial = Trial::new().await;
    let code = trial.emulator.mint("wx1", "alice");
    let shown = format!("{:?}", trial.emulator);
    assert!(!shown.contains(&code) && !shown.contains("alice"), "{shown}");
}
