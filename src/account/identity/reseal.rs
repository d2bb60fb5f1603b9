//! Re-encrypts stored values with the newest key, so that an older one can be removed from the settings. Servers may
//! keep running: a value that a login writes meanwhile is newer and is kept. An interrupted run can be repeated.

use entity::{IdentityId, Sealed, identity};

use super::session_key_context;
use crate::{account::Accounts, error::ApiError, store::ResealedIdentity};

/// Identities read and written by one batch.
const BATCH: u64 = 200;

/// The result of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Number of identities that were re-encrypted.
    pub identities: u64,
    /// Number of identities with a value that no key decrypts; such a value is left unchanged.
    pub unopened: u64,
    /// Number of telephone numbers that were re-encrypted.
    pub phones: u64,
    /// Number of telephone numbers left unchanged: no key decrypts them, or they belong to another user by now.
    pub phones_left: u64,
}

/// The state of one pass over the identities.
#[derive(Default)]
struct Pass {
    written: u64,
    /// Identities that a login has written meanwhile: they require another pass.
    overtaken: u64,
    unopened: u64,
    /// The cursor: the last identity read.
    after: Option<IdentityId>,
}

impl Accounts {
    /// Re-encrypts session keys, telephone numbers and access tokens with the newest key. Calls `progress` with the
    /// number of identities written so far after each batch.
    ///
    /// # Errors
    /// When the database fails. Completed batches remain.
    pub async fn reseal(&self, mut progress: impl FnMut(u64)) -> Result<Resealed, ApiError> {
        let mut identities = 0;
        loop {
            let mut pass = Pass::default();
            while self.reseal_batch(&mut pass).await? {
                progress(identities + pass.written);
            }
            identities += pass.written;
            if pass.overtaken == 0 {
                let phones = self.reseal_phones().await?;
                self.reseal_access_tokens().await?;
                let (phones, phones_left) = (phones.written, phones.left);
                return Ok(Resealed { identities, unopened: pass.unopened, phones, phones_left });
            }
        }
    }

    /// Processes the next batch; `false` at the end of the pass.
    async fn reseal_batch(&self, pass: &mut Pass) -> Result<bool, ApiError> {
        let rows = self.store.identities_not_sealed_by(&self.keys.newest_prefix(), pass.after, BATCH).await?;
        let Some(last) = rows.last() else { return Ok(false) };
        pass.after = Some(last.id);
        let mut batch = Vec::with_capacity(rows.len());
        for row in rows {
            let (resealed, is_whole) = self.reseal_identity(row)?;
            pass.unopened += u64::from(!is_whole);
            batch.extend(resealed);
        }
        let written = self.store.identities_reseal(&batch).await?;
        pass.written += written;
        pass.overtaken += batch.len() as u64 - written;
        Ok(true)
    }

    /// Re-encrypts the values of an identity that a key decrypts. Returns the identity if a value changed, and whether
    /// all values could be decrypted.
    fn reseal_identity(&self, read: identity::Model) -> Result<(Option<ResealedIdentity>, bool), ApiError> {
        let context = session_key_context(&read.app_id, &read.openid);
        let reseal = |held: &Sealed| self.keys.reseal(&context, held).map_err(ApiError::internal);
        let session_key = reseal(&read.session_key)?;
        let previous = read.previous_session_key.as_ref().map(reseal).transpose()?;
        let is_whole = session_key.is_some() && previous.as_ref().is_none_or(Option::is_some);
        let session_key = session_key.unwrap_or_else(|| read.session_key.clone());
        let previous_session_key = previous.flatten().or_else(|| read.previous_session_key.clone());
        let has_changed = session_key != read.session_key || previous_session_key != read.previous_session_key;
        Ok((has_changed.then_some(ResealedIdentity { read, session_key, previous_session_key }), is_whole))
    }
}
