//! How the server distinguishes a stolen refresh token from a lost response and from concurrent tabs.

use std::time::Duration;

use entity::session::{self, EndReason};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{DAY, refreshed, refusal, successor, text};
use crate::harness::{TestApp, TestUser, session_key};

const GRACE_PERIOD: Duration = Duration::from_secs(10);
const MILLISECOND: Duration = Duration::from_millis(1);

/// A successful refresh; returns the next access and refresh tokens.
async fn pair(app: &TestApp, token: &str) -> (String, String) {
    let payload = refreshed(app, token).await;
    (text(&payload["token"]), text(&payload["refreshToken"]))
}

/// Removes the time of the last refresh, as in the sessions of older versions.
async fn db_clear_last_refresh(app: &TestApp, user: &TestUser) {
    let update = session::Entity::update_many()
        .col_expr(session::Column::RefreshedAt, Expr::value(None::<i64>))
        .filter(session::Column::Id.eq(session_key(user)));
    assert_eq!(update.exec(&app.db().await).await.unwrap().rows_affected, 1);
}

on_each_database! {
    async fn repeated_reuse_after_each_refresh_is_detected(app: TestApp) {
        let alice = app.log_in("alice").await;
        let stolen = alice.refresh_token.clone();
        let (token, newest) = pair(&app, &stolen).await;
        app.with_token(&token).me().await.data();
        app.clock.advance(GRACE_PERIOD + MILLISECOND);
        assert_eq!(refusal(&app, &stolen).await, "REUSED");
        assert_eq!(app.db_session(&alice).await.end_reason, Some(EndReason::Reused));
        assert_eq!(app.with_token(&token).me().await.refusal(), "REUSED");
        assert_eq!(refusal(&app, &newest).await, "REUSED");
    }

    async fn concurrent_tabs_get_the_same_tokens_for_ten_seconds(app: TestApp) {
        let alice = app.log_in("alice").await;
        let (token, newest) = pair(&app, &alice.refresh_token).await;
        app.with_token(&token).me().await.data();
        for _ in 0..10 {
            app.clock.advance(Duration::from_secs(1));
            assert_eq!(successor(&app, &alice.refresh_token).await, newest);
        }
        assert_eq!(app.db_session(&alice).await.refresh_generation, 1);
        app.clock.advance(MILLISECOND);
        assert_eq!(refusal(&app, &alice.refresh_token).await, "REUSED");
    }

    async fn lost_response_can_be_repeated_days_later(app: TestApp) {
        let alice = app.log_in("alice").await;
        let (_, lost) = pair(&app, &alice.refresh_token).await;
        for _ in 0..3 {
            app.clock.advance(5 * DAY);
            assert_eq!(successor(&app, &alice.refresh_token).await, lost);
        }
        // now the response has arrived
        let (token, newest) = pair(&app, &alice.refresh_token).await;
        app.with_token(&token).me().await.data();
        assert_eq!(newest, lost);
        assert_eq!(app.db_session(&alice).await.used_generation, 1);
        assert_eq!(refusal(&app, &alice.refresh_token).await, "REUSED");
    }

    async fn use_of_the_new_access_token_on_another_node_counts(app: TestApp) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let alice = app.log_in("alice").await;
        let (token, _) = pair(&app, &alice.refresh_token).await;
        app.clock.advance(GRACE_PERIOD + MILLISECOND);
        // repeated uses of the token are recorded once, and count from the first response
        for _ in 0..3 {
            other.with_token(&token).me().await.data();
        }
        assert_eq!(app.db_session(&alice).await.used_generation, 1);
        assert_eq!(refusal(&app, &alice.refresh_token).await, "REUSED");
    }

    async fn old_access_token_stays_valid_and_proves_no_use_of_the_new_one(app: TestApp) {
        let alice = app.log_in("alice").await;
        let (first, second_refresh) = pair(&app, &alice.refresh_token).await;
        let (_, lost) = pair(&app, &second_refresh).await;
        app.clock.advance(GRACE_PERIOD + MILLISECOND);
        for token in [&alice.token, &first] {
            app.with_token(token).me().await.data();
        }
        assert_eq!(app.db_session(&alice).await.used_generation, 0);
        assert_eq!(successor(&app, &second_refresh).await, lost);
    }

    async fn reuse_of_a_later_generation_is_detected(app: TestApp) {
        let alice = app.log_in("alice").await;
        let mut refresh = alice.refresh_token.clone();
        for generation in 1..4 {
            let (token, newest) = pair(&app, &refresh).await;
            app.with_token(&token).me().await.data();
            assert_eq!(app.db_session(&alice).await.used_generation, generation);
            app.clock.advance(DAY);
            refresh = newest;
        }
        let (_, newest) = pair(&app, &refresh).await;
        app.clock.advance(DAY);
        assert_eq!(successor(&app, &refresh).await, newest);
        app.with_token(&pair(&app, &refresh).await.0).me().await.data();
        assert_eq!(refusal(&app, &refresh).await, "REUSED");
    }

    async fn session_refreshed_by_an_older_version_continues(app: TestApp) {
        let alice = app.log_in("alice").await;
        let newest = successor(&app, &alice.refresh_token).await;
        db_clear_last_refresh(&app, &alice).await;
        assert_eq!(successor(&app, &alice.refresh_token).await, newest);
        successor(&app, &newest).await;
        assert_eq!(refusal(&app, &alice.refresh_token).await, "REUSED");
    }
}
