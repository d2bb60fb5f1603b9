//! Creates `feed` and `feed_heads`, and inserts one head for each of the sixteen lanes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, string_len, string_len_null, uuid, uuid_null};

use crate::table;

const LANES: i32 = 16;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let heads =
            table::create(manager, "feed_heads").col(integer("lane").primary_key()).col(big_integer("position")).take();
        manager.create_table(heads).await?;
        let mut lanes = Query::insert().into_table("feed_heads").columns(["lane", "position"]).take();
        for lane in 0..LANES {
            lanes.values_panic([lane.into(), 0_i64.into()]);
        }
        lanes.on_conflict(OnConflict::column("lane").do_nothing_on(["lane"]).to_owned());
        manager.execute(lanes).await?;
        let feed = table::create(manager, "feed")
            .col(integer("lane"))
            .col(big_integer("position"))
            .col(uuid("user_id"))
            .col(string_len("kind", 16))
            .col(uuid_null("session_id"))
            .col(string_len_null("end_reason", 16))
            .col(big_integer("created_at"))
            .primary_key(Index::create().col("lane").col("position"))
            .take();
        manager.create_table(feed).await?;
        let by_age = Index::create().col(table::ascending("created_at")).take();
        table::add_index(manager, "feed", "idx-feed-created_at", by_age).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("feed").take()).await?;
        manager.drop_table(Table::drop().table("feed_heads").take()).await
    }
}
