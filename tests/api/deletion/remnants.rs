//! A deleted account leaves nothing of the person in the database. The test writes known texts to every column that can
//! hold personal data, and after the deletion searches all rows, and with SQLite also the bytes of its files.

use std::{fs, path::PathBuf};

use entity::{media_check, union_conflict};
use sea_orm::{DatabaseConnection, DbBackend, EntityTrait, PaginatorTrait};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::harness::{Reply, TestApp, db_lines, db_tables};

/// The known texts, each for one column.
const TEXTS: [&str; 11] = [
    "PlantedMetadata",
    "PlantedNickname",
    "https://planted.example/avatar",
    "zh-Hant-TW",
    "PlantedDeviceId",
    "PlantedDeviceName",
    "PlantedUserAgent",
    "203.0.113.0/24",
    "PlantedOpenid",
    "PlantedOldUnionid",
    "PlantedTraceId",
];

on_each_database! {
    async fn deleted_account_leaves_no_personal_data(app: TestApp, [("TRUSTED_PROXIES", "127.0.0.0/8")]) {
        let user = create_traces(&app).await;
        let before = db_texts(&app).await;
        for text in TEXTS {
            assert!(before.contains(text), "{text} was not written");
        }
        assert_eq!(db_conflicts(&app).await, 1);
        assert!(app.accounts.delete_now(user).await.unwrap());
        // an open reader may have blocked the checkpoint
        app.accounts.purge_accounts().await.unwrap();
        let after = db_texts(&app).await;
        for text in TEXTS {
            assert!(!after.contains(text), "{text} is still there");
        }
        assert!(after.contains("o_bob"), "another user was deleted");
        assert_eq!(db_conflicts(&app).await, 0);
    }
}

/// Creates a user with a text in every column.
async fn create_traces(app: &TestApp) -> entity::UserId {
    let bob = Reply::user("o_bob").with("unionid", "u_bob");
    let logins = [
        // the unionid belongs to another account, so that one of the texts is in a conflict
        ("bob", bob),
        ("alice.1", Reply::user("PlantedOpenid").with("unionid", "PlantedOldUnionid")),
        ("alice.2", Reply::user("PlantedOpenid").with("unionid", "u_bob")),
    ];
    let mut alice = None;
    for (code, reply) in logins {
        app.wechat.reply(code, reply);
        let client = app.anonymous().header("user-agent", "PlantedUserAgent").header("x-forwarded-for", "203.0.113.7");
        let device = json!({ "id": "PlantedDeviceId", "name": "PlantedDeviceName" });
        let arguments = json!({ "code": code, "device": if code == "bob" { json!(null) } else { device } });
        let client = if code == "bob" { app.anonymous() } else { client };
        alice = Some(client.login_with(arguments).await.data()["login"].clone());
    }
    let login = alice.unwrap();
    let user = miniaccount::global_id::GlobalId::user(login["user"]["id"].as_str().unwrap()).unwrap();
    let query = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }";
    let input = json!({
        "nickname": "PlantedNickname",
        "avatarUrl": "https://planted.example/avatar",
        "locale": "zh-Hant-TW",
        "metadata": { "key": "PlantedMetadata" },
    });
    let client = app.with_token(login["token"].as_str().unwrap());
    client.graphql(query, json!({ "input": input })).await.data();
    let bind = "mutation { bindPhoneNumber(code: \"86-13800138777\") { userErrors { code } } }";
    client.graphql(bind, json!({})).await.data();
    let check = media_check::Model {
        trace_id: "PlantedTraceId".to_owned(),
        app_id: "wx1".to_owned(),
        user_id: user,
        media_key: "0123456789abcdef0123456789abcdef.jpg".to_owned(),
        created_at: app.accounts.now(),
    };
    app.store.media_check_begin(&check).await.unwrap();
    user
}

async fn db_conflicts(app: &TestApp) -> u64 {
    let db = app.db().await;
    let count = union_conflict::Entity::find().count(&db).await.unwrap();
    db.close().await.unwrap();
    count
}

/// All rows of the database, as text.
async fn db_texts(app: &TestApp) -> String {
    let db = app.db().await;
    let text = match db.get_database_backend() {
        DbBackend::Sqlite => files(app),
        _ => rows(&db).await,
    };
    db.close().await.unwrap();
    text
}

/// The bytes of SQLite's files: the database and its write-ahead log.
fn files(app: &TestApp) -> String {
    let url = app.database.expose_secret();
    let path = url.trim_start_matches("sqlite://").split('?').next().unwrap();
    let file = |ending: &str| fs::read(PathBuf::from(format!("{path}{ending}"))).unwrap_or_default();
    let bytes = [file(""), file("-wal")].concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The columns of a MySQL table.
async fn columns(db: &DatabaseConnection, table: &str) -> String {
    let columns = format!(
        "SELECT CAST(column_name AS CHAR) AS line FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = '{table}'"
    );
    let columns: Vec<_> = db_lines(db, &columns).await.iter().map(|column| format!("`{column}`")).collect();
    columns.join(", ")
}

/// All rows as text. MySQL returns them in hexadecimal, because some columns are not valid text.
async fn rows(db: &DatabaseConnection) -> String {
    let mut text = String::new();
    let is_postgres = db.get_database_backend() == DbBackend::Postgres;
    for table in db_tables(db).await {
        if is_postgres {
            let query = format!("SELECT row_to_json(t)::text AS line FROM {table} t");
            text.push_str(&db_lines(db, &query).await.join("\n"));
            continue;
        }
        let query =
            format!("SELECT CAST(HEX(CONCAT_WS(' ', {})) AS CHAR) AS line FROM {table}", columns(db, &table).await);
        let lines = db_lines(db, &query).await.concat();
        text.push_str(&String::from_utf8_lossy(&hex::decode(lines).unwrap()));
    }
    text
}
