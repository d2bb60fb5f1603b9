//! The generated key of a server with the emulator. It is stored next to the database, so that sessions survive a restart
//! without any setting.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretSlice;

use super::{DatabaseUrl, SqliteDatabase, credential};
use crate::random;

/// Loads the key next to the database, or creates it at the first start.
///
/// # Errors
/// When it can be neither read nor created, when others than its owner can read it, or when it is invalid.
pub fn load_or_create(database: &DatabaseUrl) -> io::Result<SecretSlice<u8>> {
    let path = path(database);
    load_or_create_at(&path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn load_or_create_at(path: &Path) -> io::Result<SecretSlice<u8>> {
    match load(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path)?;
            load(path)
        }
        loaded => loaded,
    }
}

/// The path of the key: next to an SQLite file, otherwise in the working directory.
fn path(database: &DatabaseUrl) -> PathBuf {
    match database {
        DatabaseUrl::Sqlite(SqliteDatabase::File { path, .. }) => path.with_added_extension("key"),
        _ => PathBuf::from("miniaccount.key"),
    }
}

fn load(path: &Path) -> io::Result<SecretSlice<u8>> {
    let mut file = File::open(path)?;
    refuse_readable_by_others(&file)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    credential::key(text.trim()).map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
}

#[cfg(unix)]
fn refuse_readable_by_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let is_readable_by_others = file.metadata()?.permissions().mode() & 0o077 != 0;
    let refusal =
        "others than its owner may read this key; set its mode to 600, or delete it, and a new one is created";
    if is_readable_by_others { Err(io::Error::new(io::ErrorKind::PermissionDenied, refusal)) } else { Ok(()) }
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &File) -> io::Result<()> {
    Ok(())
}

/// Writes the key to a temporary file and links that to its name. The file is complete as soon as it exists, and the key
/// of a process that was faster stays.
fn create(path: &Path) -> io::Result<()> {
    let draft = path.with_added_extension(format!("{:016x}.new", u64::from_ne_bytes(random::bytes())));
    let linked = write(&draft).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => removed,
        linked => linked.and(removed),
    }
}

fn write(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{}", STANDARD.encode(random::bytes::<32>()))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    fn database() -> (tempfile::TempDir, DatabaseUrl, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.db");
        let key = directory.path().join("a.db.key");
        (directory, format!("sqlite://{}?mode=rwc", file.display()).parse().unwrap(), key)
    }

    #[test]
    fn the_key_is_readable_by_its_owner_alone_and_survives_a_restart() {
        let (directory, url, path) = database();
        let first = load_or_create(&url).unwrap();
        let second = load_or_create(&url).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 32);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn concurrent_starts_share_one_key() {
        let (_directory, url, _) = database();
        let keys = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| load_or_create(&url).unwrap())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(keys.iter().all(|key| key.expose_secret() == keys[0].expose_secret()));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let (_directory, url, path) = database();
        load_or_create(&url).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = load_or_create(&url).unwrap_err().to_string();
        assert!(error.contains("a.db.key: others than its owner"), "{error}");
    }

    #[test]
    fn a_short_key_is_refused_and_not_shown() {
        let (_directory, url, path) = database();
        load_or_create(&url).unwrap();
        fs::write(&path, "c2hvcnQ=").unwrap();
        let error = load_or_create(&url).unwrap_err().to_string();
        assert!(error.contains("32") && !error.contains("c2hvcnQ="), "{error}");
    }

    #[test]
    fn the_key_is_beside_an_sqlite_file_or_else_in_the_working_directory() {
        for (url, expected) in [
            ("sqlite://miniaccount.db?mode=rwc", "miniaccount.db.key"),
            ("sqlite:///var/lib/my%20data/a%25b.db", "/var/lib/my data/a%b.db.key"),
            ("sqlite://accounts", "accounts.key"),
            ("sqlite:a.db", "a.db.key"),
            ("sqlite::memory:", "miniaccount.key"),
            ("sqlite://a?mode=memory&cache=shared", "miniaccount.key"),
            ("postgres://u:p@h/d", "miniaccount.key"),
        ] {
            assert_eq!(path(&url.parse().unwrap()), Path::new(expected), "{url}");
        }
    }
}
