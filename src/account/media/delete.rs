//! Deletes pictures that are no longer in use: the object first, then the row. Whatever of it is cut is done again.

use std::time::Duration;

use entity::{Timestamp, UserId, media_file};

use crate::{account::Accounts, media::MediaKey, store::DbErr};

/// After this time an upload that is not finished was cut.
pub(super) const ABANDONED: Duration = Duration::from_mins(10);

/// Failures in a row after which no more is tried: the storage does not answer.
const MOST_FAILURES: usize = 5;

impl Accounts {
    /// Deletes up to `limit` pictures that are due, and returns how many rows are gone. Several nodes may do so at once.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::account) async fn delete_pictures(&self, now: Timestamp, limit: u64) -> Result<u64, DbErr> {
        let due = self.store.media_files_due(now - ABANDONED, now, limit).await?;
        // those whose objects could not be deleted are tried again the next time, and not at once
        let (removed, _) = self.delete_each(due, now).await?;
        Ok(removed)
    }

    /// Deletes the pictures of a user that are no longer in use, as far as that works at once. `false` where that
    /// did not work.
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

    /// Deletes the objects, and then the rows of those that are gone. The others go behind all that are to be deleted, so that
    /// they are in nobody's way. Returns how many rows are gone, and whether the storage failed in none.
    async fn delete_each(&self, pictures: Vec<media_file::Model>, now: Timestamp) -> Result<(u64, bool), DbErr> {
        let (mut gone, mut failed, mut failures) = (Vec::new(), Vec::new(), 0);
        for picture in pictures {
            let deleted = match MediaKey::parse(&picture.key) {
                Some(key) => self.media.delete(&key).await,
                // nothing was ever stored under such a name
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
            if failures == MOST_FAILURES {
                break;
            }
        }
        let worked = failed.is_empty();
        self.store.media_files_postpone(failed, now).await?;
        Ok((self.store.media_files_remove(gone).await?, worked))
    }
}
