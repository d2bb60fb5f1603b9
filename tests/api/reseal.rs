//! `miniaccount admin reseal` moves stored values to the newest key while servers run, and changes nothing else.

use std::{sync::Arc, time::Duration};

use entity::{IdentityId, OpenId, Sealed, Timestamp, UserId, identity, user};
use miniaccount::{account::Resealed, random, store::ResealedIdentity};
use sea_orm::{EntityTrait, sea_query::Expr};
use secrecy::ExposeSecret;

use crate::{
    harness::{Program, ProgramOutput, Reply, TestApp, TestDatabase, folder},
    rotation::{NEW_FIRST, NEW_ONLY, assert_still_logged_in},
};

const KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";
const OTHER_KEY: &str = "b3RoZXIgc2Vzc2lvbiBrZXk=";

on_each_database! {
    async fn resealed_values_open_with_the_new_key_alone_and_sessions_continue(app: TestApp) {
        let (alice, bob) = (app.log_in("alice.1").await, app.log_in("bob").await);
        log_in_with(&app, "alice.2", OTHER_KEY).await;
        let rotated = app.another_node_with(NEW_FIRST).await;
        assert_eq!(rotated.accounts.reseal(|_| ()).await.unwrap(), Resealed { identities: 2, ..Resealed::default() });
        for user in [&alice, &bob] {
            assert_still_logged_in(&rotated, user).await;
        }
        let after = app.another_node_with(NEW_ONLY).await;
        assert_eq!(opened(&after, "alice").await, [Some(OTHER_KEY.to_owned()), Some(KEY.to_owned())]);
        assert_eq!(opened(&after, "bob").await, [Some(KEY.to_owned()), None]);
    }

    async fn second_run_changes_nothing(app: TestApp) {
        app.log_in("alice").await;
        let rotated = app.another_node_with(NEW_FIRST).await;
        rotated.log_in("bob").await;
        assert_eq!(rotated.accounts.reseal(|_| ()).await.unwrap().identities, 1);
        let before = db_identities(&app).await;
        assert_eq!(rotated.accounts.reseal(|_| ()).await.unwrap(), Resealed::default());
        assert_eq!(db_identities(&app).await, before);
    }

    async fn interrupted_run_is_completed_by_the_next(app: TestApp) {
        db_make_people(&app, 450).await;
        let rotated = app.another_node_with(NEW_FIRST).await;
        // interrupted after the first of three batches
        let (sender, mut counts) = tokio::sync::mpsc::unbounded_channel();
        let run = tokio::spawn({
            let accounts = Arc::clone(&rotated.accounts);
            async move { accounts.reseal(move |count| sender.send(count).unwrap()).await }
        });
        assert_eq!(counts.recv().await, Some(200));
        run.abort();
        run.await.ok();
        let left =
            db_identities(&app).await.iter().filter(|row| !row.session_key.0.starts_with(&rotated.keys.newest_prefix())).count();
        let resumed = rotated.accounts.reseal(|_| ()).await.unwrap();
        assert_eq!(resumed, Resealed { identities: left as u64, ..Resealed::default() });
        let after = app.another_node_with(NEW_ONLY).await;
        for n in [0, 199, 200, 449] {
            assert_eq!(opened(&after, &format!("person{n}")).await[0].as_deref(), Some(KEY));
        }
    }

    async fn unreadable_values_are_counted_and_left_and_the_rest_is_resealed(app: TestApp) {
        for name in ["alice", "bob", "carol"] {
            app.log_in(name).await;
        }
        log_in_with(&app, "bob.2", OTHER_KEY).await;
        let lost = Sealed([&[1u8, 9, 9, 9, 9][..], &[7; 40]].concat());
        db_write(&app, "alice", identity::Column::SessionKey, lost.clone()).await;
        db_write(&app, "bob", identity::Column::PreviousSessionKey, lost.clone()).await;
        let rotated = app.another_node_with(NEW_FIRST).await;
        for identities in [2, 0] {
            assert_eq!(
                rotated.accounts.reseal(|_| ()).await.unwrap(),
                Resealed { identities, unopened: 2, ..Resealed::default() }
            );
        }
        let after = app.another_node_with(NEW_ONLY).await;
        assert_eq!(opened(&after, "bob").await, [Some(OTHER_KEY.to_owned()), None]);
        assert_eq!(opened(&after, "carol").await, [Some(KEY.to_owned()), None]);
        assert_eq!(
            (db_identity(&app, "alice").await.session_key, db_identity(&app, "bob").await.previous_session_key),
            (lost.clone(), Some(lost))
        );
    }

    async fn concurrent_login_is_not_overwritten_and_is_resealed(app: TestApp) {
        app.log_in("alice.1").await;
        let rotated = app.another_node_with(NEW_FIRST).await;
        let read = db_identity(&app, "alice").await;
        log_in_with(&app, "alice.2", OTHER_KEY).await;
        let stale = ResealedIdentity { session_key: sealed(&rotated, "alice", KEY), previous_session_key: None, read };
        assert_eq!(app.store.identities_reseal(&[stale]).await.unwrap(), 0);
        assert_eq!(opened(&app, "alice").await, [Some(OTHER_KEY.to_owned()), Some(KEY.to_owned())]);
        rotated.accounts.reseal(|_| ()).await.unwrap();
        let after = app.another_node_with(NEW_ONLY).await;
        assert_eq!(opened(&after, "alice").await, [Some(OTHER_KEY.to_owned()), Some(KEY.to_owned())]);
    }

    async fn continuous_logins_lose_no_session_key(app: TestApp) {
        db_make_people(&app, 60).await;
        let rotated = app.another_node_with(NEW_FIRST).await;
        let logins = (0..60).map(|n| {
            let node = rotated.clone();
            let name = format!("person{n}");
            tokio::spawn(async move { log_in_with(&node, &format!("{name}.new"), OTHER_KEY).await })
        });
        let logins: Vec<_> = logins.collect();
        rotated.accounts.reseal(|_| ()).await.unwrap();
        for login in logins {
            login.await.unwrap();
        }
        rotated.accounts.reseal(|_| ()).await.unwrap();
        let after = app.another_node_with(NEW_ONLY).await;
        for n in 0..60 {
            let keys = opened(&after, &format!("person{n}")).await;
            assert_eq!(keys, [Some(OTHER_KEY.to_owned()), Some(KEY.to_owned())], "person{n}");
        }
    }
}

on_each_empty_database! {
    async fn command_reseals_and_prints_one_sentence(database: Arc<TestDatabase>) {
        let app = TestApp::start(&database, &[]).await;
        app.log_in("alice").await;
        app.log_in("bob").await;
        let first = reseal(&database, NEW_FIRST[0].1).await;
        assert_eq!((first.code, first.stderr.as_str()), (Some(0), ""));
        let sentence = "Resealed the session keys of 2 identities and 0 phone numbers: nothing stored needs \
                        another key than the newest.\n";
        assert_eq!(first.stdout, sentence);
        let second = reseal(&database, NEW_ONLY[0].1).await;
        assert_eq!((second.code, second.stdout.contains("of 0 identities")), (Some(0), true), "{second:?}");
        assert_eq!(opened(&app.another_node_with(NEW_ONLY).await, "alice").await[0].as_deref(), Some(KEY));
        app.store.clone().close().await.unwrap();
    }

    async fn command_reports_unreadable_values(database: Arc<TestDatabase>) {
        let app = TestApp::start(&database, &[]).await;
        app.log_in("alice").await;
        let run = reseal(&database, NEW_ONLY[0].1).await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
        assert!(
            run.stderr.contains("of 0 identities and 0 phone numbers; those of 1 open with no value of SECRET_KEY"),
            "{run:?}"
        );
        assert_eq!(opened(&app, "alice").await[0].as_deref(), Some(KEY));
        app.store.clone().close().await.unwrap();
    }

    async fn command_refuses_an_outdated_database(database: Arc<TestDatabase>) {
        let run = reseal(&database, NEW_ONLY[0].1).await;
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.contains("behind this program: run `miniaccount migrate` first"), "{run:?}");
        assert_eq!(crate::harness::db_tables(&database.db_connect().await).await, [""; 0]);
    }
}

/// Runs `miniaccount admin reseal`.
async fn reseal(database: &TestDatabase, secret_key: &'static str) -> ProgramOutput {
    let url = database.url.expose_secret().to_owned();
    let run = move || {
        let folder = folder();
        let program = Program::new(folder.path(), &["admin", "reseal"]).set("DATABASE_URL", &url);
        program.set("SECRET_KEY", secret_key).set("WECHAT_APP_ID", "wx1").set("WECHAT_APP_SECRET", "secret").run()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Logs in a second after the previous login, with this session key from WeChat.
async fn log_in_with(app: &TestApp, code: &str, session_key: &str) {
    app.clock.advance(Duration::from_secs(1));
    let name = code.split('.').next().unwrap();
    app.wechat.reply(code, Reply::user(&format!("o_{name}")).with("session_key", session_key));
    app.log_in(code).await;
}

async fn db_identity(app: &TestApp, name: &str) -> identity::Model {
    let openid = OpenId(format!("o_{name}"));
    app.store.identity_by_openid("wx1", &openid).await.unwrap().unwrap().0
}

async fn db_identities(app: &TestApp) -> Vec<identity::Model> {
    let db = app.db().await;
    let identities = identity::Entity::find().all(&db).await.unwrap();
    db.close().await.unwrap();
    identities
}

/// A user's current and previous session keys, if this node can open them.
async fn opened(app: &TestApp, name: &str) -> [Option<String>; 2] {
    let identity = db_identity(app, name).await;
    [Some(identity.session_key), identity.previous_session_key].map(|sealed| {
        let key = app.keys.open(&["session_key", "wx1", &format!("o_{name}")], &sealed?)?;
        Some(String::from_utf8(key.expose_secret().to_vec()).unwrap())
    })
}

fn sealed(app: &TestApp, name: &str, key: &str) -> Sealed {
    app.keys.seal(&["session_key", "wx1", &format!("o_{name}")], key.as_bytes()).unwrap()
}

/// Writes a value to a sealed column.
async fn db_write(app: &TestApp, name: &str, column: identity::Column, value: Sealed) {
    use sea_orm::{ColumnTrait, QueryFilter};
    let (id, db) = (db_identity(app, name).await.id, app.db().await);
    let update = identity::Entity::update_many().col_expr(column, Expr::value(value));
    assert_eq!(update.filter(identity::Column::Id.eq(id)).exec(&db).await.unwrap().rows_affected, 1);
    db.close().await.unwrap();
}

/// Inserts `person0`, `person1`, …, each with a session key sealed by this node, which is faster than logging in.
async fn db_make_people(app: &TestApp, count: usize) {
    let db = app.db().await;
    let now = app.accounts.now();
    let people: Vec<_> = (0..count).map(|n| person(app, n, now)).collect();
    for chunk in people.chunks(50) {
        let (users, identities): (Vec<_>, Vec<_>) = chunk.iter().cloned().unzip();
        let rows = users.into_iter().map(user::ActiveModel::from);
        user::Entity::insert_many(rows).exec_without_returning(&db).await.unwrap();
        let rows = identities.into_iter().map(identity::ActiveModel::from);
        identity::Entity::insert_many(rows).exec_without_returning(&db).await.unwrap();
    }
    db.close().await.unwrap();
}

fn person(app: &TestApp, n: usize, now: Timestamp) -> (user::Model, identity::Model) {
    let name = format!("person{n}");
    let user = user::Model {
        id: UserId(random::uuid_v7(now)),
        nickname: None,
        avatar_url: None,
        locale: None,
        sealed_phone: None,
        phone_index: None,
        status: user::Status::Active,
        role: user::Role::User,
        created_at: now,
        updated_at: now,
        last_login_at: now,
        deletes_at: None,
    };
    let identity = identity::Model {
        id: IdentityId(random::uuid_v7(now)),
        user_id: user.id,
        app_id: "wx1".to_owned(),
        openid: OpenId(format!("o_{name}")),
        session_key: sealed(app, &name, KEY),
        session_key_at: now,
        previous_session_key: None,
        created_at: now,
    };
    (user, identity)
}
