//! Deletes unused pictures: first the object, then the row. An interrupted deletion is repeated.

use std::time::Duration;

use entity::{Timestamp, UserId, media_file};

use crate::{account::Accounts, media::MediaKey, store::DbErr};

/// The age at which an unfinished upload counts as interrupted.
const ABANDONED_AFTER: Duration = Duration::from_mins(10);

/// Consecutive failures after which a run stops: the storage is unavailable.
const MAX_FAILURES: usize = 5;

impl Accounts {
    /// Deletes up to `limit` pictures that are due, and returns the number of rows removed. Several nodes may do so at
    /// the same time.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::account) async fn delete_pictures(&self, now: Timestamp, limit: u64) -> Result<u64, DbErr> {
        let due = self.store.media_files_due(now - ABANDONED_AFTER, now, limit).await?;
        // pictures whose objects could not be deleted are retried by the next run
        let (removed, _) = self.delete_each(due, now).await?;
        Ok(removed)
    }

    /// Deletes the unused pictures of a user. `false` if one could not be deleted; it is retried later.
    pub(in crate::account) async fn delete_replaced(&self, owner: UserId) -> bool {
        let deleted = async {
            let due = self.store.media_files_to_delete_of(owner).await?;
            self.delete_each(due, self.clock.now()).await
        };
        match deleted.await {
            Ok((_, worked)) => worked,
            Err(cause) => {
                tracing::warn!(%cause, "a replaced picture could not be deleted: it is tried again");
                false
            }
        }
    }

    /// Deletes the objects, and then the rows of the deleted objects. Pictures that failed move to the end of the
    /// queue, so that they do not block the others. Returns the number of rows removed, and whether every deletion
    /// succeeded.
    async fn delete_each(&self, pictures: Vec<media_file::Model>, now: Timestamp) -> Result<(u64, bool), DbErr> {
        let (mut gone, mut failed, mut failures) = (Vec::new(), Vec::new(), 0);
        for picture in pictures {
            let deleted = match MediaKey::parse(&picture.key) {
                Some(key) => self.media.delete(&key).await,
                // no object has such a name
                None => Ok(()),
            };
            match deleted {
                Ok(()) => {
                    gone.push(picture.key);
                    failures = 0;
                }
                Err(cause) => {
                    tracing::warn!(%cause, "a picture could not be deleted: it is tried again");
                    failed.push(picture.key);
                    failures += 1;
                }
            }
            if failures == MAX_FAILURES {
                break;
            }
        }
        let worked = failed.is_empty();
        self.store.media_files_postpone(failed, now).await?;
        Ok((self.store.media_files_remove(gone).await?, worked))
    }
}
