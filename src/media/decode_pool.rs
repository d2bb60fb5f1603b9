//! The pool that decodes and scales pictures on blocking threads, apart from the threads that serve requests. The
//! number of processors limits the concurrent work, and a budget limits its memory. A bounded number of pictures waits;
//! more are refused.

use std::{num::NonZero, sync::Arc};

use tokio::{sync::Semaphore, task::spawn_blocking};

use super::picture::{self, Avatar, PictureError};

/// Memory of all pictures that are being decoded, in MiB. The largest lossy WebP with transparency takes all of it.
const MEMORY: u32 = 256;

/// Pictures being decoded or waiting. Each holds its uploaded bytes.
const PICTURES: usize = 24;

/// The pool.
#[derive(Debug)]
pub struct DecodePool {
    pictures: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    processors: Arc<Semaphore>,
}

/// Why a picture is not decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not an accepted picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The pool is full.
    #[error("too many pictures are waiting to be decoded")]
    Overloaded,
    /// A decoder panicked; the panic is in the log.
    #[error("the picture decoder panicked")]
    Panicked,
}

impl Default for DecodePool {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            pictures: Arc::new(Semaphore::new(PICTURES)),
            memory: Arc::new(Semaphore::new(MEMORY as usize)),
            processors: Arc::new(Semaphore::new(processors)),
        }
    }
}

impl DecodePool {
    /// Makes an avatar of an uploaded picture. Cancelling the caller does not stop work that has begun, and its permits
    /// are held until it ends.
    ///
    /// # Errors
    /// When the bytes are not an accepted picture, when the pool is full, or when a decoder panics.
    pub async fn avatar<B>(&self, bytes: B) -> Result<Avatar, DecodeError>
    where
        B: AsRef<[u8]> + Send + 'static,
    {
        let overloaded = |_| DecodeError::Overloaded;
        let picture_permit = Arc::clone(&self.pictures).try_acquire_owned().map_err(overloaded)?;
        let memory = mebibytes(picture::check(bytes.as_ref())?.memory);
        // the semaphores are never closed
        let memory = Arc::clone(&self.memory).acquire_many_owned(memory).await;
        let memory = memory.map_err(|_| DecodeError::Overloaded)?;
        let processor = Arc::clone(&self.processors).acquire_owned().await;
        let processor = processor.map_err(|_| DecodeError::Overloaded)?;
        let work = spawn_blocking(move || {
            let avatar = picture::avatar(bytes.as_ref());
            drop((bytes, picture_permit, memory, processor));
            avatar
        });
        work.await.map_err(|_| DecodeError::Panicked)?.map_err(DecodeError::Picture)
    }
}

fn mebibytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024 * 1024)).unwrap_or(MEMORY).clamp(1, MEMORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picture_needs_at_most_the_whole_memory_budget() {
        assert_eq!((mebibytes(0), mebibytes(1024 * 1024 + 1), mebibytes(u64::MAX)), (1, 2, MEMORY));
    }

    #[tokio::test]
    async fn picture_beyond_the_limit_is_refused() {
        let pool = DecodePool::default();
        let _all = Arc::clone(&pool.pictures).acquire_many_owned(PICTURES.try_into().unwrap()).await.unwrap();
        assert!(matches!(pool.avatar(vec![1]).await, Err(DecodeError::Overloaded)));
    }
}
