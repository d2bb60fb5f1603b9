//! The key of a server that plays with the emulator: made once, kept beside the database, so that sessions outlive a
//! restart without anybody having to set anything.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretSlice;

use super::credential;
use crate::random;

/// The key beside the database: read, or made at the first start.
///
/// # Errors
/// When it can be neither read nor made, when others than its owner can read it, or when it is no good key.
pub fn load_or_create(database_url: &str) -> io::Result<SecretSlice<u8>> {
    let path = path(database_url);
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

/// Beside an SQLite file, else in the working directory.
fn path(database_url: &str) -> PathBuf {
    let file = database_url.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
    let (file, options) = file.unwrap_or_default().split_once('?').unwrap_or((file.unwrap_or_default(), ""));
    let in_memory = file == ":memory:" || options.split('&').any(|option| option == "mode=memory");
    if file.is_empty() || in_memory { PathBuf::from("miniaccount.key") } else { format!("{}.key", decode(file)).into() }
}

/// Undoes `%XX`, as the database driver does with the file name.
fn decode(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        match piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => bytes.extend([&[byte], &piece.as_bytes()[2..]].concat()),
            None => bytes.extend([b"%", piece.as_bytes()].concat()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn load(path: &Path) -> io::Result<SecretSlice<u8>> {
    let mut file = File::open(path)?;
    refuse_readable_by_others(&file)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    credential::key(text.trim()).map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault))
}

#[cfg(unix)]
fn refuse_readable_by_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let open_to_others = file.metadata()?.permissions().mode() & 0o077 != 0;
    let refusal = "others than its owner may read this key; set its mode to 600, or delete it to have a new one made";
    if open_to_others { Err(io::Error::new(io::ErrorKind::PermissionDenied, refusal)) } else { Ok(()) }
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &File) -> io::Result<()> {
    Ok(())
}

/// Writes the key under another name and links it in place: the file is whole from the moment it is there, and where
/// another process was faster, its key stays.
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

    fn database() -> (tempfile::TempDir, String, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.db");
        let key = directory.path().join("a.db.key");
        (directory, format!("sqlite://{}?mode=rwc", file.display()), key)
    }

    #[test]
    fn the_key_is_for_its_owner_alone_and_the_same_at_the_next_start() {
        let (directory, url, path) = database();
        let first = load_or_create(&url).unwrap();
        let second = load_or_create(&url).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 32);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn processes_that_start_together_use_one_key() {
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
    fn the_key_is_beside_the_database_or_else_in_the_working_directory() {
        for (url, expected) in [
            ("sqlite://miniaccount.db?mode=rwc", "miniaccount.db.key"),
            ("sqlite:///var/lib/my%20data/a%b.db", "/var/lib/my data/a%b.db.key"),
            ("sqlite:a.db", "a.db.key"),
            ("sqlite::memory:", "miniaccount.key"),
            ("sqlite://a?mode=memory&cache=shared", "miniaccount.key"),
            ("postgres://u:p@h/d", "miniaccount.key"),
        ] {
            assert_eq!(path(url), Path::new(expected), "{url}");
        }
    }
}
