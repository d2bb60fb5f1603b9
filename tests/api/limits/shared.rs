//! Nodes that share their rate limits in Redis, and their behaviour while Redis is unreachable.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{assert_limited, from};
use crate::harness::{
    DatabaseKind, Log, Program, TestApp, TestDatabase, TestRedis, folder, random_address, wait_until,
};

/// The log lines when Redis becomes unreachable and reachable.
const AWAY: &str = "Redis does not answer: this node counts its own";
const BACK: &str = "Redis answers: the nodes count together";

/// An address without a Redis.
const NOWHERE: &str = "redis://127.0.0.1:1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_of_a_network_are_counted_across_nodes() {
    let Some([here, there]) = nodes(&[("LOGIN_RATE_LIMIT", "3/min")]).await else { return };
    let address = random_address();
    for (n, node) in [&here, &there, &here].into_iter().enumerate() {
        from(&node.app, &address).login(&format!("alice.{n}")).await.data();
    }
    for node in [&there, &here, &there] {
        assert_limited(&from(&node.app, &address).login("alice.late").await);
        assert_eq!(node.app.wechat.times_sent("alice.late"), 0);
    }
    from(&there.app, &random_address()).login("alice").await.data();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_of_an_ipv6_site_are_counted_across_nodes() {
    let Some([here, there]) = nodes(&[("LOGIN_RATE_LIMIT", "3/min")]).await else { return };
    let [a, b, c, ..] = random_address().segments();
    let in_site = |n: usize| {
        let node = [&here, &there][n % 2];
        from(&node.app, &format!("{a:x}:{b:x}:{c:x}:{n:x}::1"))
    };
    for n in 0..12 {
        assert_eq!(in_site(n).login("").await.code(), "INVALID_CODE");
    }
    for n in 12..20 {
        assert_limited(&in_site(n).login("").await);
    }
    // refused logins are not counted
    from(&here.app, &random_address()).login("alice").await.data();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_of_a_mini_program_are_counted_across_nodes() {
    let [app_id, other] = [(); 2].map(|()| format!("wx{:016x}", u64::from_be_bytes(miniaccount::random::bytes())));
    let apps = [("WECHAT_APP_ID", &*app_id), ("WECHAT_APPS", &format!("{other}:secret"))];
    let limits = [("LOGIN_RATE_LIMIT", "100/min"), ("FILE", "app_login_rate_limit = \"3/min\"")];
    let Some([here, there]) = nodes(&[apps, limits].concat()).await else { return };
    for (n, node) in [&here, &there, &here].into_iter().enumerate() {
        from(&node.app, &random_address()).login(&format!("alice.{n}")).await.data();
    }
    for node in [&there, &here] {
        assert_limited(&from(&node.app, &random_address()).login("alice.late").await);
        from(&node.app, &random_address()).login_with(json!({ "code": "alice", "appId": other })).await.data();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_a_user_are_counted_across_nodes() {
    let settings = [("LOGIN_RATE_LIMIT", "100/min"), ("FILE", "user_rate_limit = \"3/min\"")];
    let Some([here, there]) = nodes(&settings).await else { return };
    let (here, there) = (from(&here.app, &random_address()), from(&there.app, &random_address()));
    let first = here.login("alice.1").await;
    let token = first.data()["login"]["refreshToken"].as_str().unwrap();
    there.login("alice.2").await.data();
    there.refresh(token).await.data();
    here.login("alice.3").await.data();
    assert_limited(&there.login("alice.4").await);
    assert_limited(&here.refresh(token).await);
    there.login("bob").await.data();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refreshes_of_a_network_are_counted_across_nodes() {
    let Some([here, there]) = nodes(&[("LOGIN_RATE_LIMIT", "100/min"), ("REFRESH_RATE_LIMIT", "3/min")]).await else {
        return;
    };
    let address = random_address();
    let (here, there) = (from(&here.app, &address), from(&there.app, &address));
    for node in [&here, &there, &there] {
        assert_eq!(node.refresh("made-up").await.code(), "UNAUTHENTICATED");
    }
    assert_limited(&here.refresh("made-up").await);
    assert_limited(&there.refresh("made-up").await);
    here.login("alice").await.data();
}

#[tokio::test]
async fn unreachable_redis_leaves_each_node_its_own_count_and_is_logged_once() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("redis://{}", silent.local_addr().unwrap());
    for url in [NOWHERE, &silent_url] {
        let log = Log::default();
        let capturing = log.capture();
        let nodes = [node(url).await, node(url).await];
        let address = random_address();
        for node in &nodes {
            for n in 0..3 {
                from(&node.app, &address).login(&format!("alice.{n}")).await.data();
            }
            assert_limited(&from(&node.app, &address).login("alice.late").await);
        }
        // long enough for a second attempt
        tokio::time::sleep(Duration::from_millis(3500)).await;
        drop(capturing);
        assert_eq!(log.times(AWAY), nodes.len(), "{}", log.text());
    }
}

#[tokio::test]
async fn hanging_redis_delays_no_request_and_is_used_again_afterwards() {
    let Some(redis) = TestRedis::find() else { return };
    let proxy = redis.proxy().await;
    let log = Log::default();
    let capturing = log.capture();
    let node = node(&proxy.url).await;
    redis.wait_until_used_by(&node.app).await;
    let client = from(&node.app, &random_address());
    for n in 0..3 {
        client.login(&format!("alice.{n}")).await.data();
    }
    assert_limited(&client.login("alice.late").await);
    assert_eq!((log.times(AWAY), log.times(BACK)), (0, 1), "{}", log.text());

    proxy.block();
    let began = Instant::now();
    let together = join_all((0..100).map(async |_| from(&node.app, &random_address()).login("").await)).await;
    assert!(together.iter().all(|answer| answer.code() == "INVALID_CODE"));
    for _ in 0..100 {
        assert_eq!(from(&node.app, &random_address()).login("").await.code(), "INVALID_CODE");
    }
    // ten seconds if each waited for Redis
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // the node's own count is separate
    for n in 3..6 {
        client.login(&format!("alice.{n}")).await.data();
    }
    assert_limited(&client.login("alice.late").await);
    assert_eq!((log.times(AWAY), log.times(BACK)), (1, 1), "{}", log.text());

    proxy.unblock();
    redis.wait_until_used_by(&node.app).await;
    drop(capturing);
    assert_eq!((log.times(AWAY), log.times(BACK)), (1, 2), "{}", log.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_counts_are_sent_to_redis() {
    let Some(redis) = TestRedis::find() else { return };
    let proxy = redis.proxy().await;
    let node = node(&proxy.url).await;
    redis.wait_until_used_by(&node.app).await;
    let client = from(&node.app, &random_address());
    client.login("TheName.1").await.data();
    let login = client.login("TheName.2").await.data()["login"].clone();
    let [token, refresh_token] = ["token", "refreshToken"].map(|name| login[name].as_str().unwrap());
    client.refresh(refresh_token).await.data();
    node.app.with_token(token).graphql("mutation { logout { endedSessions } }", json!({})).await.data();
    let sent = proxy.sent();
    for name in ["login:2001:db8:", "app:wx1\r", "user:", "refresh:2001:db8:"] {
        assert!(sent.contains(&format!("{{miniaccount}}:limit:{name}")), "no {name} in {sent}");
    }
    for secret in ["TheName", token, refresh_token, "secret-of-wx1", "tiihtNczf5v6AKRyjwEUhQ"] {
        assert!(!sent.contains(secret), "{secret} in {sent}");
    }
}

#[tokio::test]
async fn password_in_an_error_of_redis_is_not_logged() {
    let log = Log::default();
    let capturing = log.capture();
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://me:TheRedisPassword@{}", echo.local_addr().unwrap());
    let node = node(&url).await;
    let (mut connection, _) = echo.accept().await.unwrap();
    let mut received = [0; 1024];
    let length = connection.read(&mut received).await.unwrap();
    assert!(String::from_utf8_lossy(&received[..length]).contains("TheRedisPassword"));
    let answer = "-ERR unknown command 'AUTH', with args beginning with: 'me' 'TheRedisPassword'\r\n";
    connection.write_all(answer.repeat(4).as_bytes()).await.unwrap();
    wait_until(|| log.times(AWAY) > 0).await;
    drop(capturing);
    assert!(!log.text().contains("TheRedisPassword"), "{}", log.text());
    assert!(!format!("{:?}", node.app.accounts).contains("TheRedisPassword"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn program_starts_without_redis() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).set("REDIS_URL", NOWHERE).serve();
    let login = server.login("emulator:alice").await;
    assert_eq!(login["data"]["login"]["isNewUser"], true, "{login}");
}

/// A server with a Redis, and its database.
struct Node {
    app: TestApp,
    _database: Option<TestDatabase>,
}

/// One node that allows three logins per minute and network.
async fn node(redis: &str) -> Node {
    let database = TestDatabase::create(DatabaseKind::Sqlite).await.unwrap();
    let app = start(&database, redis, &[("LOGIN_RATE_LIMIT", "3/min"), ("REFRESH_RATE_LIMIT", "100/min")]).await;
    Node { app, _database: Some(database) }
}

/// Two nodes with one database that have reached Redis; `None` if there is no Redis.
async fn nodes(settings: &[(&str, &str)]) -> Option<[Node; 2]> {
    let redis = TestRedis::find()?;
    let database = TestDatabase::create(DatabaseKind::Sqlite).await.unwrap();
    let [here, there] = [start(&database, &redis.url, settings).await, start(&database, &redis.url, settings).await];
    redis.wait_until_used_by(&here).await;
    redis.wait_until_used_by(&there).await;
    Some([Node { app: here, _database: Some(database) }, Node { app: there, _database: None }])
}

async fn start(database: &TestDatabase, redis: &str, settings: &[(&str, &str)]) -> TestApp {
    let common = [("TRUSTED_PROXIES", "127.0.0.1/32"), ("REDIS_URL", redis)];
    TestApp::start(database, &[&common, settings].concat()).await
}
