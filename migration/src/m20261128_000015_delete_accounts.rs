//! Adds to `users` the time of the account's deletion, and indexes what the deletion reads: the accounts that are due,
//! and the ended sessions of one user. MySQL has no partial indexes; there, the index of a user's sessions includes the
//! ended ones.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer_null;
use sea_orm_migration::sea_orm::DbBackend;

use crate::table;

const DUE: &str = "idx-users-deletes_at";
const ENDED_OF_USER: &str = "idx-sessions-ended_of_user";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !manager.has_column("users", "deletes_at").await? {
            let column = big_integer_null("deletes_at");
            manager.alter_table(Table::alter().table("users").add_column(column).take()).await?;
        }
        let due = Index::create().col(table::ascending("deletes_at")).take();
        if manager.get_database_backend() == DbBackend::MySql {
            return table::add_index(manager, "users", DUE, due).await;
        }
        table::add_index(manager, "users", DUE, rows_with(due, "deletes_at")).await?;
        let ended = Index::create().col("user_id").take();
        table::add_index(manager, "sessions", ENDED_OF_USER, rows_with(ended, "ended_at")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table) in [(ENDED_OF_USER, "sessions"), (DUE, "users")] {
            if manager.has_index(table, name).await? {
                manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
            }
        }
        manager.alter_table(Table::alter().table("users").drop_column("deletes_at").take()).await
    }
}

/// Restricts an index to the rows in which a column is not null.
fn rows_with(mut index: IndexCreateStatement, column: &'static str) -> IndexCreateStatement {
    index.and_where(Expr::col(column).is_not_null()).take()
}
