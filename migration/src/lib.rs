//! The migrations of the database schema, one file for each change, in order. The effect of a released file never
//! changes; a new change is a new file. The files name tables and columns by plain text and never import the entities,
//! which change over time while an old migration must not.
//!
//! Not every engine rolls back an interrupted migration. Therefore each migration is idempotent: it can run again from
//! its beginning, and creates what does not exist yet.

mod engine;
mod m20261122_000001_create_users;
mod m20261122_000002_create_identities;
mod m20261122_000003_create_union_links;
mod m20261122_000004_create_sessions;
mod m20261122_000005_create_feed;
mod m20261122_000006_create_code_exchanges;
mod m20261122_000007_index_ended_sessions;
mod m20261127_000008_leave_room_in_pages;
mod m20261127_000009_note_used_generations;
mod m20261127_000010_lighten_sessions;
mod m20261128_000011_create_access_tokens;
mod m20261128_000012_seal_phone_numbers;
mod m20261128_000013_create_media_files;
mod m20261128_000014_create_media_checks;
mod m20261128_000015_delete_accounts;
mod m20261128_000016_merge_users;
mod m20261128_000017_create_merge_tickets;
mod m20261128_000018_create_user_metadata;
mod m20261128_000019_create_content_flags;
mod m20261128_000020_create_push_events;
mod table;
mod transaction;

use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};

pub use engine::Engine;
use transaction::EngineMigration;

/// Applies and reverts the migrations in order.
#[derive(Clone, Copy, Debug)]
pub struct Migrator(Engine);

impl Migrator {
    /// The migrations for an engine.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self(engine)
    }

    /// The names of all migrations, in order: the same on every engine.
    #[must_use]
    pub fn names() -> Vec<String> {
        list(Engine::Sqlite).iter().map(|migration| migration.name().to_owned()).collect()
    }
}

impl MigratorTraitSelf for Migrator {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let wrapped =
            |migration| -> Box<dyn MigrationTrait> { Box::new(EngineMigration { engine: self.0, migration }) };
        list(self.0).into_iter().map(wrapped).collect()
    }
}

fn list(engine: Engine) -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m20261122_000001_create_users::Migration),
        Box::new(m20261122_000002_create_identities::Migration(engine)),
        Box::new(m20261122_000003_create_union_links::Migration(engine)),
        Box::new(m20261122_000004_create_sessions::Migration),
        Box::new(m20261122_000005_create_feed::Migration),
        Box::new(m20261122_000006_create_code_exchanges::Migration(engine)),
        Box::new(m20261122_000007_index_ended_sessions::Migration),
        Box::new(m20261127_000008_leave_room_in_pages::Migration(engine)),
        Box::new(m20261127_000009_note_used_generations::Migration),
        Box::new(m20261127_000010_lighten_sessions::Migration),
        Box::new(m20261128_000011_create_access_tokens::Migration),
        Box::new(m20261128_000012_seal_phone_numbers::Migration),
        Box::new(m20261128_000013_create_media_files::Migration),
        Box::new(m20261128_000014_create_media_checks::Migration),
        Box::new(m20261128_000015_delete_accounts::Migration),
        Box::new(m20261128_000016_merge_users::Migration),
        Box::new(m20261128_000017_create_merge_tickets::Migration),
        Box::new(m20261128_000018_create_user_metadata::Migration),
        Box::new(m20261128_000019_create_content_flags::Migration),
        Box::new(m20261128_000020_create_push_events::Migration),
    ]
}
