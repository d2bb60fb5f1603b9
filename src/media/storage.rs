//! Where pictures lie: a folder of this machine, or a bucket that speaks S3.

use std::{fs, io, path::PathBuf, time::Duration};

use bytes::Bytes;
use futures_util::{TryStreamExt, stream::BoxStream};
use object_store::{
    Attribute, Attributes, ClientOptions, ObjectStore, ObjectStoreExt, PutOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    local::LocalFileSystem,
    path::Path,
};
use secrecy::ExposeSecret;

use super::MediaKey;
use crate::config::{Bucket, MediaPlace};

/// How long a bucket may take to accept a connection, and to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often a call that a bucket failed is tried again, and until when a new try begins.
const RETRIES: usize = 2;
const RETRY_TIMEOUT: Duration = Duration::from_secs(8);

/// `Cache-Control` of a picture, which never changes under its name: a year, the longest in use. The head of an object has
/// it as well, for clients that read the bucket without this server.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// The place where pictures lie.
#[derive(Debug)]
pub struct Storage(Place);

#[derive(Debug)]
enum Place {
    Folder(PathBuf, LocalFileSystem),
    Bucket(Box<AmazonS3>),
}

/// Why a picture cannot be written, read or deleted. For the log alone.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The storage says so.
    #[error("the storage of pictures failed: {0}")]
    Failed(#[from] object_store::Error),
    /// The folder cannot be made.
    #[error("the folder of pictures cannot be made: {0}")]
    Folder(io::Error),
}

/// A picture that is stored.
pub struct Stored {
    /// Its length in bytes.
    pub length: u64,
    /// Its bytes, read as they are asked for.
    pub bytes: BoxStream<'static, Result<Bytes, StorageError>>,
}

impl Storage {
    /// The place that the settings name. Nothing is created or called yet.
    ///
    /// # Errors
    /// When no client of the bucket can be built.
    pub fn new(place: &MediaPlace) -> Result<Self, StorageError> {
        Ok(Self(match place {
            MediaPlace::Folder(folder) => {
                let folder = std::path::absolute(folder).map_err(StorageError::Folder)?;
                Place::Folder(folder, LocalFileSystem::new().with_fsync(true))
            }
            MediaPlace::Bucket(bucket) => Place::Bucket(Box::new(client(bucket)?)),
        }))
    }

    /// Writes a picture. It is there as a whole, or not at all.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn put(&self, key: &MediaKey, picture: Vec<u8>) -> Result<(), StorageError> {
        match &self.0 {
            Place::Folder(folder, files) => {
                make_private(folder).map_err(StorageError::Folder)?;
                files.put(&self.path(key)?, picture.into()).await?;
            }
            Place::Bucket(bucket) => {
                let head = [(Attribute::ContentType, key.format().media_type()), (Attribute::CacheControl, IMMUTABLE)];
                let options = PutOptions::from(head.into_iter().collect::<Attributes>());
                bucket.put_opts(&self.path(key)?, picture.into(), options).await?;
            }
        }
        Ok(())
    }

    /// A picture; `None` where there is none of the name.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn get(&self, key: &MediaKey) -> Result<Option<Stored>, StorageError> {
        match self.objects().get(&self.path(key)?).await {
            Ok(found) => {
                let length = found.meta.size;
                Ok(Some(Stored { length, bytes: Box::pin(found.into_stream().map_err(StorageError::from)) }))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Deletes a picture, and what a write that was cut has left of it. It is no error if there is none.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn delete(&self, key: &MediaKey) -> Result<(), StorageError> {
        if let Place::Folder(folder, _) = &self.0 {
            // a file is written under this name, and takes its own when it is whole
            absent(fs::remove_file(folder.join(format!("{key}#1")))).map_err(StorageError::Folder)?;
        }
        match self.objects().delete(&self.path(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(cause) => Err(cause.into()),
        }
    }

    fn objects(&self) -> &dyn ObjectStore {
        match &self.0 {
            Place::Folder(_, files) => files,
            Place::Bucket(bucket) => bucket.as_ref(),
        }
    }

    fn path(&self, key: &MediaKey) -> Result<Path, StorageError> {
        match &self.0 {
            Place::Folder(folder, _) => {
                Path::from_absolute_path(folder.join(key.as_str())).map_err(|cause| StorageError::Failed(cause.into()))
            }
            Place::Bucket(_) => Ok(Path::from(key.as_str())),
        }
    }
}

/// The client of a bucket. Where the host of the endpoint begins with the name of the bucket, as COS and OSS want it, it is
/// left out of the path.
fn client(bucket: &Bucket) -> Result<AmazonS3, object_store::Error> {
    let options = ClientOptions::new().with_connect_timeout(CONNECT_TIMEOUT).with_timeout(TIMEOUT);
    let retries = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region)
        .with_access_key_id(bucket.access_key.expose_secret())
        .with_secret_access_key(bucket.secret_key.expose_secret())
        .with_client_options(options)
        // one object by each call: not every server knows the call for many
        .with_disable_bulk_delete(true)
        .with_retry(retries);
    let Some(endpoint) = &bucket.endpoint else { return builder.build() };
    let builder = builder.with_virtual_hosted_style_request(bucket.is_in_endpoint());
    builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint).build()
}

/// Makes the folder, for its owner alone.
fn make_private(folder: &std::path::Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// What is not there need not be removed.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").field("length", &self.length).finish_non_exhaustive()
    }
}
