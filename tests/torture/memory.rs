//! Whether a server authenticates a client, and whether it reads the database for that.

use std::time::{Duration, Instant};

use entity::user;
use miniaccount::global_id::GlobalId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    cluster::{Cluster, Node},
    harness::{ProxyMode, TestApp, TestUser},
};

/// How long a server may take to recover.
const RECOVERY: Duration = Duration::from_secs(30);

/// Whether the server authenticates the user within `limit`.
pub(crate) async fn is_admitted(app: &TestApp, user: &TestUser, limit: Duration) -> bool {
    let client = app.with_token(&user.token);
    timeout(limit, client.me()).await.is_ok_and(|answer| answer.body.get("errors").is_none())
}

/// Ends all faults, and waits until the server authenticates from its cache again.
pub(crate) async fn recovers(cluster: &Cluster, node: &Node) {
    node.proxy.set(ProxyMode::Forward);
    node.clock.set(0);
    let alice = cluster.nodes[0].app.log_in("alice").await;
    recovers_for(cluster, &node.app, &alice).await;
}

/// Waits until the server authenticates a user from its cache again.
pub(crate) async fn recovers_for(cluster: &Cluster, app: &TestApp, user: &TestUser) {
    let since = Instant::now();
    // the limit is high because a busy machine is slow
    while !is_admitted(app, user, RECOVERY / 10).await {
        assert!(since.elapsed() < RECOVERY, "not admitted again");
        sleep(Duration::from_millis(50)).await;
    }
    until_cached(cluster, app, user).await;
}

/// Repeats `me` until the cache serves it, which is when a name written directly to the database is not visible.
pub(crate) async fn until_cached(cluster: &Cluster, app: &TestApp, user: &TestUser) {
    let since = Instant::now();
    for round in 0.. {
        let before = nickname(app, user).await;
        let update = user::Entity::update_many().col_expr(user::Column::Nickname, Expr::value(format!("name {round}")));
        let id = GlobalId::user(&user.user_id).unwrap();
        update.filter(user::Column::Id.eq(id)).exec(&cluster.db).await.unwrap();
        if nickname(app, user).await == before {
            return;
        }
        assert!(since.elapsed() < RECOVERY, "the session is never cached");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn nickname(app: &TestApp, user: &TestUser) -> Value {
    app.with_token(&user.token).graphql("{ me { nickname } }", json!({})).await.data()["me"]["nickname"].clone()
}
