//! The database engine of a server. Several engines speak the protocol of PostgreSQL or MySQL, but support different
//! operations in a migration.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite.
    Sqlite,
    /// PostgreSQL itself.
    Postgres,
    /// CockroachDB, which speaks the protocol of PostgreSQL.
    CockroachDb,
    /// YugabyteDB, which speaks the protocol of PostgreSQL.
    YugabyteDb,
    /// MySQL or MariaDB.
    MySql,
    /// TiDB, which speaks the protocol of MySQL.
    TiDb,
    /// OceanBase, which speaks the protocol of MySQL.
    OceanBase,
}

impl Engine {
    /// Detects the engine by the server's `version()`.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn detect(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let backend = db.get_database_backend();
        if backend == DbBackend::Sqlite {
            return Ok(Self::Sqlite);
        }
        let row = db.query_one_raw(Statement::from_string(backend, "SELECT version() AS version")).await?;
        let version = row.map(|row| row.try_get::<String>("", "version")).transpose()?;
        Ok(Self::of_version(backend, &version.unwrap_or_default()))
    }

    /// The engine of a `version()` text.
    fn of_version(backend: DbBackend, version: &str) -> Self {
        match backend {
            DbBackend::Postgres if version.starts_with("CockroachDB") => Self::CockroachDb,
            DbBackend::Postgres if version.contains("-YB-") => Self::YugabyteDb,
            DbBackend::Postgres => Self::Postgres,
            DbBackend::MySql if version.contains("TiDB") => Self::TiDb,
            DbBackend::MySql if version.contains("OceanBase") => Self::OceanBase,
            DbBackend::MySql => Self::MySql,
            _ => Self::Sqlite,
        }
    }

    /// Whether a rollback undoes changes of the schema (DDL). The other engines commit each DDL statement by itself, or
    /// in steps that outlive the statement.
    #[must_use]
    pub fn rolls_back_ddl(self) -> bool {
        matches!(self, Self::Sqlite | Self::Postgres)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_is_detected_by_its_version() {
        let (sqlite, postgres, mysql) = (DbBackend::Sqlite, DbBackend::Postgres, DbBackend::MySql);
        for (backend, version, engine) in [
            (postgres, "PostgreSQL 15.14 (Debian 15.14-0+deb12u1) on x86_64-pc-linux-gnu, 64-bit", Engine::Postgres),
            (postgres, "PostgreSQL 16.4 on aarch64-unknown-linux-gnu, compiled by gcc, 64-bit", Engine::Postgres),
            (
                postgres,
                "CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu, built 2023/09/27 01:53:43)",
                Engine::CockroachDb,
            ),
            (postgres, "CockroachDB OSS v21.2.3 (x86_64-unknown-linux-gnu, built 2021/12/14)", Engine::CockroachDb),
            (postgres, "PostgreSQL 11.2-YB-2.20.1.3-b0 on x86_64-pc-linux-gnu, 64-bit", Engine::YugabyteDb),
            (postgres, "PostgreSQL 15.2-YB-2025.1.0.0-b0 on x86_64-pc-linux-gnu, 64-bit", Engine::YugabyteDb),
            (mysql, "8.0.43", Engine::MySql),
            (mysql, "8.4.0-commercial", Engine::MySql),
            (mysql, "10.11.14-MariaDB-0+deb12u2", Engine::MySql),
            (mysql, "11.4.2-MariaDB-ubu2404-log", Engine::MySql),
            (mysql, "5.7.25-TiDB-v6.5.0", Engine::TiDb),
            (mysql, "8.0.11-TiDB-v8.5.1", Engine::TiDb),
            (mysql, "5.7.25-OceanBase-v4.2.1.0", Engine::OceanBase),
            (mysql, "5.7.25-OceanBase_CE-v4.3.5.1", Engine::OceanBase),
            (mysql, "5.7.25-OceanBase seekdb-v1.4.0.0", Engine::OceanBase),
            (mysql, "3.1.4-OceanBase CE", Engine::OceanBase),
            (postgres, "", Engine::Postgres),
            (mysql, "", Engine::MySql),
            (sqlite, "", Engine::Sqlite),
        ] {
            assert_eq!(Engine::of_version(backend, version), engine, "{version}");
        }
    }
}
