//! Housekeeping removes old exchanges.

use super::*;

on_each_database! {
    async fn old_exchanges_are_removed_in_batches_and_recent_ones_stay(app: TestApp) {
        for n in 0..7 {
            db_claim(&app, &format!("old.{n}"), app.accounts.now() + Duration::from_secs(n)).await;
        }
        app.clock.advance(LONG);
        app.log_in("alice").await;
        let (store, now) = (&app.store, app.accounts.now());
        for expected in [3, 3, 1, 0] {
            assert_eq!(store.code_exchanges_purge(now, 3).await.unwrap(), expected);
        }
        assert_eq!(db_exchanges(&app).await.len(), 1);
    }

    async fn housekeeping_continues_until_no_old_exchange_is_left(app: TestApp) {
        let old = (0..1200u32).map(|n| {
            let code_hash = CodeHash([&n.to_be_bytes()[..], &[0; 28]].concat());
            code_exchange::ActiveModel::from(code_exchange::Model {
                code_hash,
                outcome: None,
                expires_at: Timestamp(1),
            })
        });
        let db = app.db().await;
        for chunk in old.collect::<Vec<_>>().chunks(100) {
            code_exchange::Entity::insert_many(chunk.to_vec()).exec_without_returning(&db).await.unwrap();
        }
        app.log_in("alice").await;
        app.accounts.purge().await.unwrap();
        assert_eq!(code_exchange::Entity::find().count(&db).await.unwrap(), 1);
        app.log_in("alice").await;
        assert_eq!(app.wechat.times_sent("alice"), 1);
    }
}
