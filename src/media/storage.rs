//! The storage of pictures: a folder on this machine, or an S3-compatible bucket.

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
use crate::config::{Bucket, MediaLocation};

/// The timeouts of a bucket, for a connection and for a response.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often a failed call of a bucket is retried, and how long after the first attempt.
const RETRIES: usize = 2;
const RETRY_TIMEOUT: Duration = Duration::from_secs(8);

/// `Cache-Control` of a picture, which never changes under its name: a year, the longest time in common use. Objects in
/// a bucket have it too, for clients that read the bucket directly.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// The storage of pictures.
#[derive(Debug)]
pub struct Storage(Backend);

#[derive(Debug)]
enum Backend {
    Folder(PathBuf, LocalFileSystem),
    Bucket(Box<AmazonS3>),
}

/// Why a picture cannot be written, read or deleted. The messages are for the log.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The folder or the bucket failed.
    #[error("the storage of pictures failed: {0}")]
    Failed(#[from] object_store::Error),
    /// The folder cannot be created.
    #[error("the folder of pictures cannot be created: {0}")]
    Folder(io::Error),
}

/// A stored picture.
pub struct StoredPicture {
    /// Its length in bytes.
    pub length: u64,
    /// Its bytes, which are read when they are polled.
    pub bytes: BoxStream<'static, Result<Bytes, StorageError>>,
}

impl Storage {
    /// The storage of the settings. Creates and calls nothing yet.
    ///
    /// # Errors
    /// When the client of the bucket cannot be built.
    pub fn new(location: &MediaLocation) -> Result<Self, StorageError> {
        Ok(Self(match location {
            MediaLocation::Folder(folder) => {
                let folder = std::path::absolute(folder).map_err(StorageError::Folder)?;
                Backend::Folder(folder, LocalFileSystem::new().with_fsync(true))
            }
            MediaLocation::Bucket(bucket) => Backend::Bucket(Box::new(client(bucket)?)),
        }))
    }

    /// Writes a picture atomically.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn put(&self, key: &MediaKey, picture: Vec<u8>) -> Result<(), StorageError> {
        match &self.0 {
            Backend::Folder(folder, files) => {
                create_private(folder).map_err(StorageError::Folder)?;
                files.put(&self.path(key)?, picture.into()).await?;
            }
            Backend::Bucket(bucket) => {
                let head = [(Attribute::ContentType, key.format().media_type()), (Attribute::CacheControl, IMMUTABLE)];
                let options = PutOptions::from(head.into_iter().collect::<Attributes>());
                bucket.put_opts(&self.path(key)?, picture.into(), options).await?;
            }
        }
        Ok(())
    }

    /// Reads a picture; `None` if there is none with this key.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn get(&self, key: &MediaKey) -> Result<Option<StoredPicture>, StorageError> {
        match self.objects().get(&self.path(key)?).await {
            Ok(found) => {
                let length = found.meta.size;
                Ok(Some(StoredPicture { length, bytes: Box::pin(found.into_stream().map_err(StorageError::from)) }))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(cause.into()),
        }
    }

    /// Deletes a picture, and the remains of an interrupted write. It is not an error if there are none.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn delete(&self, key: &MediaKey) -> Result<(), StorageError> {
        if let Backend::Folder(folder, _) = &self.0 {
            // a file is written under this name, and renamed when it is complete
            ignore_not_found(fs::remove_file(folder.join(format!("{key}#1")))).map_err(StorageError::Folder)?;
        }
        match self.objects().delete(&self.path(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(cause) => Err(cause.into()),
        }
    }

    fn objects(&self) -> &dyn ObjectStore {
        match &self.0 {
            Backend::Folder(_, files) => files,
            Backend::Bucket(bucket) => bucket.as_ref(),
        }
    }

    fn path(&self, key: &MediaKey) -> Result<Path, StorageError> {
        match &self.0 {
            Backend::Folder(folder, _) => {
                Path::from_absolute_path(folder.join(key.as_str())).map_err(|cause| StorageError::Failed(cause.into()))
            }
            Backend::Bucket(_) => Ok(Path::from(key.as_str())),
        }
    }
}

/// The client of a bucket. If the host of the endpoint begins with the name of the bucket, as COS and OSS require, the
/// name is omitted from the path.
fn client(bucket: &Bucket) -> Result<AmazonS3, object_store::Error> {
    let options = ClientOptions::new().with_connect_timeout(CONNECT_TIMEOUT).with_timeout(TIMEOUT);
    let retries = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region)
        .with_access_key_id(bucket.access_key.expose_secret())
        .with_secret_access_key(bucket.secret_key.expose_secret())
        .with_client_options(options)
        // not every S3-compatible server has the call that deletes several objects
        .with_disable_bulk_delete(true)
        .with_retry(retries);
    let Some(endpoint) = &bucket.endpoint else { return builder.build() };
    let builder = builder.with_virtual_hosted_style_request(bucket.is_in_endpoint());
    builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint).build()
}

/// Creates the folder with permissions for its owner only.
fn create_private(folder: &std::path::Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

/// Ignores that a file did not exist.
fn ignore_not_found(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl std::fmt::Debug for StoredPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredPicture").field("length", &self.length).finish_non_exhaustive()
    }
}
