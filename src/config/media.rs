//! The storage of pictures, from several settings.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use super::{
    DatabaseUrl, SqliteDatabase,
    declarations::{DATABASE_URL, MEDIA_ACCESS_KEY, MEDIA_SECRET_KEY, MEDIA_URL},
    media_url::MediaUrl,
    raw::RawSettings,
};

/// Where pictures are stored.
#[derive(Clone, Debug)]
pub enum MediaLocation {
    /// In a folder on this machine.
    Folder(PathBuf),
    /// In a bucket.
    Bucket(Bucket),
}

/// An S3-compatible bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The URL of its endpoint, without a trailing slash; `None` is Amazon's endpoint of the region.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// The key that requests are signed with.
    pub access_key: SecretString,
    /// Its secret.
    pub secret_key: SecretString,
}

impl Bucket {
    /// Whether the host of the endpoint begins with the name of the bucket.
    #[must_use]
    pub fn is_in_endpoint(&self) -> bool {
        let url = self.endpoint.as_deref().and_then(|endpoint| Url::parse(endpoint).ok());
        let host = url.as_ref().and_then(Url::host_str);
        host.is_some_and(|host| host.strip_prefix(&self.name).is_some_and(|rest| rest.starts_with('.')))
    }
}

/// The location: a folder next to the database, or a bucket with its keys.
pub(super) fn location(raw: &RawSettings) -> Option<MediaLocation> {
    Some(match raw.get(&MEDIA_URL)? {
        MediaUrl::Folder(folder) => MediaLocation::Folder(beside(&raw.get(&DATABASE_URL)?, &folder)),
        MediaUrl::Bucket { name, endpoint, region } => MediaLocation::Bucket(Bucket {
            name,
            endpoint,
            region,
            access_key: raw.get(&MEDIA_ACCESS_KEY)??,
            secret_key: raw.get(&MEDIA_SECRET_KEY)??,
        }),
    })
}

/// A folder next to an SQLite file, otherwise in the working directory.
fn beside(database: &DatabaseUrl, folder: &Path) -> PathBuf {
    match database {
        DatabaseUrl::Sqlite(SqliteDatabase::File { path, .. }) => path.with_file_name("").join(folder),
        _ => folder.to_owned(),
    }
}

/// Refuses a bucket without its keys, and warns of keys without a bucket.
pub(super) fn check(raw: &mut RawSettings) {
    let Some(location) = raw.get(&MEDIA_URL) else { return };
    for key in [&MEDIA_ACCESS_KEY.declaration, &MEDIA_SECRET_KEY.declaration] {
        match location {
            MediaUrl::Bucket { .. } if !raw.is_set(key) => {
                raw.refuse(key, "is not set, and the bucket of MEDIA_URL needs it");
            }
            MediaUrl::Folder(_) if raw.is_set(key) => raw.warn(key, "has no effect: MEDIA_URL names a folder"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::media_url::media_url, *};

    #[test]
    fn folder_is_next_to_the_database() {
        for (database, folder, expected) in [
            ("sqlite://miniaccount.db?mode=rwc", "file:media", "media"),
            ("sqlite:///var/lib/a/a.db", "file:media", "/var/lib/a/media"),
            ("sqlite:///var/lib/a/a.db", "file:///srv/media", "/srv/media"),
            ("sqlite:///var/lib/a/a.db", "file:/srv/media", "/srv/media"),
            ("sqlite::memory:", "file:media", "media"),
            ("postgres://u:p@h/d", "file:pictures/a", "pictures/a"),
        ] {
            let MediaUrl::Folder(folder) = media_url(folder).unwrap() else { panic!("{folder}") };
            assert_eq!(beside(&database.parse().unwrap(), &folder), Path::new(expected), "{database}");
        }
    }

    #[test]
    fn endpoint_may_contain_the_name_of_the_bucket() {
        let bucket = |endpoint: Option<&str>| Bucket {
            name: "a-125".to_owned(),
            endpoint: endpoint.map(str::to_owned),
            region: String::new(),
            access_key: "k".into(),
            secret_key: "s".into(),
        };
        assert!(bucket(Some("https://a-125.cos.example")).is_in_endpoint());
        let others = ["https://cos.example", "https://a-1250.cos.example", "http://127.0.0.1:9000"];
        assert!(!others.iter().any(|it| bucket(Some(it)).is_in_endpoint()) && !bucket(None).is_in_endpoint());
    }

    #[test]
    fn bucket_without_keys_is_refused_and_keys_without_a_bucket_cause_a_warning() {
        let read = |set: &'static [(&'static str, &'static str)]| {
            let environment = move |name: &str| {
                let value = set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
                value.ok_or(std::env::VarError::NotPresent)
            };
            crate::config::read(&environment, None)
        };
        let refused = read(&[("MEDIA_URL", "s3://a?region=x"), ("MEDIA_ACCESS_KEY", "k")]).unwrap_err();
        assert_eq!(refused.errors, ["MEDIA_SECRET_KEY: is not set, and the bucket of MEDIA_URL needs it"]);
        let (config, _) =
            read(&[("MEDIA_URL", "s3://a?region=x"), ("MEDIA_ACCESS_KEY", "k"), ("MEDIA_SECRET_KEY", "s")]).unwrap();
        assert!(matches!(config.media, MediaLocation::Bucket(_)) && !format!("{:?}", config.media).contains("\"s\""));
        let (_, warnings) = read(&[("MEDIA_ACCESS_KEY", "k")]).unwrap();
        assert!(
            warnings.contains(&"MEDIA_ACCESS_KEY: has no effect: MEDIA_URL names a folder".to_owned()),
            "{warnings:?}"
        );
    }
}
