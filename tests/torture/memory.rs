//! Whether a server lets somebody in, and whether it asks the database for that.

use std::time::{Duration, Instant};

use entity::user;
use miniaccount::global_id::GlobalId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    cluster::{Cluster, Node},
    harness::{LoggedIn, TestApp, Wire},
};

/// How long a server may take to find its way back.
const RECOVERY: Duration = Duration::from_secs(15);

/// Whether the server lets the user in; no answer is no.
pub(crate) async fn is_let_in(app: &TestApp, user: &LoggedIn) -> bool {
    let client = app.with_token(&user.token);
    timeout(Duration::from_millis(200), client.me()).await.is_ok_and(|answer| answer.body.get("errors").is_none())
}

/// The trouble is over: the server answers, and from memory.
pub(crate) async fn recovers(cluster: &Cluster, node: &Node) {
    node.wire.set(Wire::Passes);
    node.clock.set(0);
    let alice = cluster.nodes[0].app.log_in("alice").await;
    recovers_for(cluster, &node.app, &alice).await;
}

/// The same for a user, who is let in.
pub(crate) async fn recovers_for(cluster: &Cluster, app: &TestApp, user: &LoggedIn) {
    let since = Instant::now();
    while !is_let_in(app, user).await {
        assert!(since.elapsed() < RECOVERY, "not let in again");
        sleep(Duration::from_millis(50)).await;
    }
    until_remembered(cluster, app, user).await;
}

/// Asks until the server answers from memory: until a name that was written behind its back is not seen.
pub(crate) async fn until_remembered(cluster: &Cluster, app: &TestApp, user: &LoggedIn) {
    let since = Instant::now();
    for round in 0.. {
        let before = nickname(app, user).await;
        let update = user::Entity::update_many().col_expr(user::Column::Nickname, Expr::value(format!("name {round}")));
        let id = GlobalId::user(&user.user_id).unwrap();
        update.filter(user::Column::Id.eq(id)).exec(&cluster.db).await.unwrap();
        if nickname(app, user).await == before {
            return;
        }
        assert!(since.elapsed() < RECOVERY, "the session is never remembered");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn nickname(app: &TestApp, user: &LoggedIn) -> Value {
    app.with_token(&user.token).graphql("{ me { nickname } }", json!({})).await.data()["me"]["nickname"].clone()
}
