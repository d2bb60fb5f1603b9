//! How the tables came to be, one file for each change, in order. A file that has been released is never edited;
//! the next change is a new file. Files name tables and columns by plain text and never import the entities,
//! which change with time while an old migration must not.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m20261122_000001_create_users;
mod m20261122_000002_create_identities;
mod m20261122_000003_create_union_links;
mod m20261122_000004_create_sessions;
mod m20261122_000005_create_feed;
mod m20261122_000006_create_code_exchanges;
mod m20261122_000007_index_ended_sessions;
mod m20261127_000008_leave_room_in_pages;
mod table;

/// Applies the migrations in order, and takes them back.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_create_users::Migration),
            Box::new(m20261122_000002_create_identities::Migration),
            Box::new(m20261122_000003_create_union_links::Migration),
            Box::new(m20261122_000004_create_sessions::Migration),
            Box::new(m20261122_000005_create_feed::Migration),
            Box::new(m20261122_000006_create_code_exchanges::Migration),
            Box::new(m20261122_000007_index_ended_sessions::Migration),
            Box::new(m20261127_000008_leave_room_in_pages::Migration),
        ]
    }
}
