//! Makes the files of SQLite readable for their owner alone, because they contain all accounts. SQLite itself creates
//! the database with the mode that the umask allows, and its other files with the mode of the database.

use std::path::Path;

use crate::config::SqliteDatabase;

/// The suffixes of SQLite's files.
#[cfg(unix)]
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Creates the file before SQLite would, and restricts the permissions of existing files.
pub(super) fn restrict_permissions(database: &SqliteDatabase) {
    if let SqliteDatabase::File { path, create } = database {
        if *create {
            create_private(path);
        }
        restrict_all(path);
    }
}

/// Creates the file with mode 600. Errors are ignored: SQLite reports why it cannot open a file.
#[cfg(unix)]
fn create_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).ok();
}

#[cfg(unix)]
fn restrict_all(path: &Path) {
    // SQLite follows a symbolic link before it adds the suffixes
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    for suffix in SUFFIXES {
        let mut file = path.clone().into_os_string();
        file.push(suffix);
        restrict(Path::new(&file));
    }
}

#[cfg(unix)]
fn restrict(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = file.metadata() else { return };
    let mode = metadata.permissions().mode();
    let owner_mode = mode & 0o700;
    if !metadata.is_file() || mode & 0o777 == owner_mode {
        return;
    }
    let result = std::fs::set_permissions(file, std::fs::Permissions::from_mode(owner_mode));
    let file = file.display();
    match result {
        Ok(()) => tracing::warn!(%file, "others could read this file of the database: now only its owner can"),
        Err(cause) => {
            tracing::warn!(%file, %cause, "others can read this file of the database: set its mode to 600");
        }
    }
}

#[cfg(not(unix))]
fn create_private(_: &Path) {}

#[cfg(not(unix))]
fn restrict_all(_: &Path) {}
