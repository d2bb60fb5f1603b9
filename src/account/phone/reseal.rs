//! Re-encrypts telephone numbers with the newest key, and renews their indexes.

use entity::UserId;

use crate::{account::Accounts, error::ApiError, wechat::PhoneNumber};

/// Users read by one batch.
const BATCH: u64 = 200;

/// The result of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::account) struct ResealedPhones {
    /// Number of telephone numbers that were re-encrypted.
    pub(in crate::account) written: u64,
    /// Number of telephone numbers left unchanged: no key decrypts them, or they belong to another user by now.
    pub(in crate::account) left: u64,
}

impl Accounts {
    /// Re-encrypts all numbers in one pass. A number that a user binds meanwhile is already encrypted with the newest
    /// key, if the servers have it.
    pub(in crate::account) async fn reseal_phones(&self) -> Result<ResealedPhones, ApiError> {
        let (mut done, mut after) = (ResealedPhones::default(), None);
        loop {
            let rows = self.store.phones_not_sealed_by(&self.keys.newest_prefix(), after, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(done) };
            after = Some(last.id);
            for row in rows {
                let number = self.phone_number_of(&row).ok().flatten().and_then(|text| PhoneNumber::parse(&text));
                let is_written = match number {
                    Some(number) => self.store.phone_reseal(&row, &self.stored_phone(row.id, &number)?).await?,
                    None => false,
                };
                done.written += u64::from(is_written);
                done.left += u64::from(!is_written && self.is_sealed_otherwise(row.id).await?);
            }
        }
    }

    /// Whether the number of a user is still encrypted with another key: the user may have bound a new one meanwhile.
    async fn is_sealed_otherwise(&self, user: UserId) -> Result<bool, ApiError> {
        let sealed = self.store.user(user).await?.and_then(|user| user.sealed_phone);
        Ok(sealed.is_some_and(|sealed| !sealed.0.starts_with(&self.keys.newest_prefix())))
    }
}
