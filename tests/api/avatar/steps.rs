//! An upload that is interrupted after any of its steps leaves nothing permanently: the sweeper removes all of it.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use entity::media_file::State;
use miniaccount::media::{Format, MediaKey};

use super::{assert_none, assert_only, avatar_url, db_pictures, files, jpeg, uploaded};
use crate::harness::{TestApp, TestUser, user_key};

/// Longer than the time limit of an upload.
const LONG: Duration = Duration::from_mins(11);

/// The steps up to the row.
async fn begun(app: &TestApp, user: &TestUser) -> MediaKey {
    let key = MediaKey::generate(Format::Jpeg);
    app.store.media_file_insert(key.as_str(), user_key(user), app.accounts.now()).await.unwrap();
    key
}

/// The steps up to the object.
async fn written(app: &TestApp, user: &TestUser) -> MediaKey {
    let key = begun(app, user).await;
    fs::create_dir_all(&app.media).unwrap();
    fs::write(app.media.join(key.as_str()), "picture").unwrap();
    key
}

async fn sweep(app: &TestApp) {
    app.accounts.purge().await.unwrap();
}

on_each_database! {
    async fn row_without_an_object_is_removed(app: TestApp) {
        let alice = app.log_in("alice").await;
        begun(&app, &alice).await;
        sweep(&app).await;
        assert_eq!(db_pictures(&app).await.len(), 1, "another request may still be writing the object");
        app.clock.advance(LONG);
        sweep(&app).await;
        assert_none(&app).await;
    }

    async fn unused_object_is_removed(app: TestApp) {
        let alice = app.log_in("alice").await;
        let current = uploaded(&alice.client, &jpeg()).await;
        written(&app, &alice).await;
        // a partial file of a process that died
        let half = begun(&app, &alice).await;
        fs::write(app.media.join(format!("{half}#1")), "pic").unwrap();
        sweep(&app).await;
        assert_eq!(files(&app).len(), 3);
        app.clock.advance(LONG);
        sweep(&app).await;
        assert_only(&app, &current).await;
    }

    async fn replaced_object_is_removed(app: TestApp) {
        let alice = app.log_in("alice").await;
        let first = uploaded(&alice.client, &jpeg()).await;
        let second = written(&app, &alice).await;
        let set = app.store.avatar_set(user_key(&alice), second.as_str(), &second.path(), app.accounts.now()).await;
        assert_eq!(set.unwrap().unwrap().avatar_url, Some(second.path()));
        assert_eq!(files(&app).len(), 2);
        assert_eq!(db_pictures(&app).await.iter().filter(|(_, state)| *state == State::Deleting).count(), 1);
        sweep(&app).await;
        assert_eq!(app.anonymous().get(&first).await.status, 404);
        assert_only(&app, &second.path()).await;
    }

    async fn row_of_a_deleted_object_is_removed(app: TestApp) {
        let alice = app.log_in("alice").await;
        let first = uploaded(&alice.client, &jpeg()).await;
        let second = written(&app, &alice).await;
        app.store.avatar_set(user_key(&alice), second.as_str(), &second.path(), app.accounts.now()).await.unwrap();
        fs::remove_file(app.media.join(first.strip_prefix("/media/").unwrap())).unwrap();
        sweep(&app).await;
        assert_only(&app, &second.path()).await;
    }

    async fn expired_upload_does_not_come_into_use(app: TestApp) {
        let alice = app.log_in("alice").await;
        let current = uploaded(&alice.client, &jpeg()).await;
        let late = written(&app, &alice).await;
        app.clock.advance(LONG);
        sweep(&app).await;
        let set = app.store.avatar_set(user_key(&alice), late.as_str(), &late.path(), app.accounts.now()).await;
        assert_eq!(set.unwrap(), None);
        assert_eq!(avatar_url(&app.log_in("alice").await.client).await, format!("http://api.example{current}"));
        assert_only(&app, &current).await;
    }

    async fn upload_during_the_account_deletion_leaves_nothing(app: TestApp) {
        let alice = app.log_in("alice").await;
        let late = begun(&app, &alice).await;
        assert!(app.accounts.delete_now(user_key(&alice)).await.unwrap());
        sweep(&app).await;
        assert_eq!(db_pictures(&app).await.len(), 1, "another request may still be writing the object");
        fs::create_dir_all(&app.media).unwrap();
        fs::write(app.media.join(late.as_str()), "picture").unwrap();
        let set = app.store.avatar_set(user_key(&alice), late.as_str(), &late.path(), app.accounts.now()).await;
        assert_eq!(set.unwrap(), None);
        app.clock.advance(LONG);
        sweep(&app).await;
        assert_none(&app).await;
    }

    async fn account_deletion_deletes_the_avatar_immediately(app: TestApp) {
        for is_command in [true, false] {
            let alice = app.log_in("alice").await;
            uploaded(&alice.client, &jpeg()).await;
            if is_command {
                assert!(app.accounts.delete_now(user_key(&alice)).await.unwrap());
            } else {
                app.accounts.schedule_deletion(user_key(&alice)).await.unwrap();
                app.clock.advance(Duration::from_hours(24 * 15));
                app.accounts.purge_accounts().await.unwrap();
            }
            assert_none(&app).await;
        }
    }

    async fn several_nodes_sweep_concurrently(app: TestApp) {
        let alice = app.log_in("alice").await;
        for _ in 0..30 {
            written(&app, &alice).await;
        }
        app.clock.advance(LONG);
        let nodes = [app.another_node().await, app.another_node().await, app.clone()];
        let sweeping = nodes.map(|node| tokio::spawn(async move { node.accounts.purge().await }));
        for sweeping in sweeping {
            sweeping.await.unwrap().unwrap();
        }
        sweep(&app).await;
        assert_none(&app).await;
    }
}

on_any_database! {
    async fn storage_failure_is_an_internal_error_and_leaves_nothing(app: TestApp) {
        let alice = app.log_in("alice").await;
        // a file in place of the media folder
        fs::write(&app.media, "").unwrap();
        let failed = super::upload(&alice.client, &jpeg()).await;
        assert_eq!((failed.status.as_u16(), failed.code()), (500, "INTERNAL_SERVER_ERROR"));
        assert!(!failed.text.contains("media"), "{}", failed.text);
        fs::remove_file(&app.media).unwrap();
        app.clock.advance(LONG);
        sweep(&app).await;
        let alice = app.log_in("alice").await;
        assert_none(&app).await;
        uploaded(&alice.client, &jpeg()).await;
    }

    async fn media_folder_is_private(app: TestApp) {
        assert!(!app.media.exists(), "the folder exists before the first upload");
        uploaded(&app.log_in("alice").await.client, &jpeg()).await;
        assert_eq!(app.media.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}
