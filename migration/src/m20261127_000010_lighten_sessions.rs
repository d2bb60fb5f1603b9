//! Makes sessions cheaper to write. A login inserts one and often ends another, and PostgreSQL spent most of that time
//! on foreign keys and indexes (163 µs for a login at the maximum number of sessions, 124 µs without them):
//!
//! - Drops the foreign keys. Each login locks its user's row before it inserts a session, and so does each transaction
//!   that removes a user; a session without a user authenticates nobody.
//! - Replaces the indexes by partial indexes for live and for ended sessions, on databases that have them: all but
//!   MySQL.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, string_len_null, uuid};
use sea_orm_migration::sea_orm::{DbBackend, Statement};

use crate::table;

const BY_IDENTITY: &str = "idx-sessions-identity_id";

/// The previous indexes, and the partial ones that replace them.
const FULL_INDEXES: [(&str, &[&str]); 3] = [
    ("idx-sessions-user_list", &["user_id", "ended_at", "id"]),
    ("idx-sessions-expires_at", &["expires_at"]),
    ("idx-sessions-ended_at", &["ended_at"]),
];
const PARTIAL_INDEXES: [(&str, &[&str]); 3] = [
    ("idx-sessions-live", &["user_id", "id"]),
    ("idx-sessions-live_expiry", &["expires_at"]),
    ("idx-sessions-ended", &["ended_at"]),
];

const COLUMNS: &str = "id, user_id, identity_id, refresh_generation, device_id, device_name, user_agent, ip_prefix, \
                       created_at, last_used_at, expires_at, ended_at, end_reason, refreshed_at, used_generation";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Sqlite => rebuild(manager, &mut []).await?,
            _ => drop_foreign_keys(manager).await?,
        }
        drop_index(manager, BY_IDENTITY).await?;
        if manager.get_database_backend() == DbBackend::MySql {
            return Ok(());
        }
        for (name, columns) in PARTIAL_INDEXES {
            table::add_index(manager, "sessions", name, partial(name, columns)).await?;
        }
        drop_indexes(manager, FULL_INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut keys = [cascade("user_id", "users"), cascade("identity_id", "identities")];
        if manager.get_database_backend() == DbBackend::Sqlite {
            rebuild(manager, &mut keys).await?;
        }
        table::add_index(manager, "sessions", BY_IDENTITY, index(&["identity_id"])).await?;
        for (name, columns) in FULL_INDEXES {
            table::add_index(manager, "sessions", name, index(columns)).await?;
        }
        drop_indexes(manager, PARTIAL_INDEXES).await?;
        if manager.get_database_backend() != DbBackend::Sqlite {
            for key in keys {
                manager.create_foreign_key(key).await?;
            }
        }
        Ok(())
    }
}

fn index(columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    for column in columns {
        // `user_id` and `identity_id` occur in equality conditions only; the other columns are read in their order
        if *column == "user_id" || *column == "identity_id" {
            index.col(*column);
        } else {
            index.col(table::ascending(column));
        }
    }
    index
}

fn partial(name: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let ended_at = Expr::col("ended_at");
    let rows = if name == "idx-sessions-ended" { ended_at.is_not_null() } else { ended_at.is_null() };
    index(columns).and_where(rows).take()
}

async fn drop_indexes(manager: &SchemaManager<'_>, indexes: [(&str, &[&str]); 3]) -> Result<(), DbErr> {
    for (name, _) in indexes {
        drop_index(manager, name).await?;
    }
    Ok(())
}

async fn drop_index(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    if manager.has_index("sessions", name).await? {
        manager.drop_index(Index::drop().name(name).table("sessions").to_owned()).await?;
    }
    Ok(())
}

/// Drops the foreign keys that exist: an interrupted run may have dropped one.
async fn drop_foreign_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (db, backend) = (manager.get_connection(), manager.get_database_backend());
    let schema = if backend == DbBackend::MySql { "DATABASE()" } else { "current_schema()" };
    let query = format!(
        "SELECT CONSTRAINT_NAME AS name FROM information_schema.TABLE_CONSTRAINTS
         WHERE CONSTRAINT_TYPE = 'FOREIGN KEY' AND TABLE_NAME = 'sessions' AND TABLE_SCHEMA = {schema}"
    );
    for row in db.query_all_raw(Statement::from_string(backend, query)).await? {
        let name: String = row.try_get("", "name")?;
        manager.drop_foreign_key(ForeignKey::drop().name(name).table("sessions").to_owned()).await?;
    }
    Ok(())
}

/// Rebuilds the table, because `SQLite` can neither drop nor add a foreign key. Dropping the old table drops its
/// indexes.
async fn rebuild(manager: &SchemaManager<'_>, keys: &mut [ForeignKeyCreateStatement]) -> Result<(), DbErr> {
    let mut sessions = table::create(manager, "sessions_anew");
    sessions
        .col(uuid("id").primary_key())
        .col(uuid("user_id"))
        .col(uuid("identity_id"))
        .col(big_integer("refresh_generation"))
        .col(string_len_null("device_id", 64))
        .col(string_len_null("device_name", 64))
        .col(string_len_null("user_agent", 256))
        .col(string_len_null("ip_prefix", 64))
        .col(big_integer("created_at"))
        .col(big_integer("last_used_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("ended_at"))
        .col(string_len_null("end_reason", 16))
        .col(big_integer_null("refreshed_at"))
        .col(big_integer("used_generation").default(0));
    for key in keys {
        sessions.foreign_key(key);
    }
    manager.create_table(sessions).await?;
    let db = manager.get_connection();
    db.execute_unprepared(&format!("INSERT INTO sessions_anew ({COLUMNS}) SELECT {COLUMNS} FROM sessions")).await?;
    manager.drop_table(Table::drop().table("sessions").take()).await?;
    manager.rename_table(Table::rename().table("sessions_anew", "sessions").take()).await
}

fn cascade(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk-sessions-{column}"))
        .from("sessions", column)
        .to(table, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}
