//! Seals what is stored under the newest key, so that an older one can be thrown away. Servers may go on meanwhile: what
//! a login writes in between is newer, and stays. A run that was cut is simply run again.

use entity::{IdentityId, Sealed, identity};

use super::session_key_context;
use crate::{account::Accounts, error::ApiError, store::ResealedIdentity};

/// How many identities are read and written at once.
const BATCH: u64 = 200;

/// What came of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Identities that were written.
    pub identities: u64,
    /// Identities with something that no key of ours opens; it was left as it is.
    pub unopened: u64,
    /// Users whose telephone number was written.
    pub phones: u64,
    /// Users whose telephone number was left as it is: no key of ours opens it, or it is another user's by now.
    pub phones_left: u64,
}

/// What came of going through the identities once.
#[derive(Default)]
struct Pass {
    written: u64,
    /// Those a login has written in between: they want another pass.
    overtaken: u64,
    unopened: u64,
    /// How far the pass has come.
    after: Option<IdentityId>,
}

impl Accounts {
    /// Seals session keys, telephone numbers and access tokens under the newest key, and calls `progress` with the number
    /// of identities so far now and then.
    ///
    /// # Errors
    /// When the database fails; what was done until then is done.
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

    /// The next batch; `false` where there was none.
    async fn reseal_batch(&self, pass: &mut Pass) -> Result<bool, ApiError> {
        let rows = self.store.identities_not_sealed_by(&self.keys.mark(), pass.after, BATCH).await?;
        let Some(last) = rows.last() else { return Ok(false) };
        pass.after = Some(last.id);
        let mut batch = Vec::with_capacity(rows.len());
        for row in rows {
            let (resealed, is_whole) = self.resealed(row)?;
            pass.unopened += u64::from(!is_whole);
            batch.extend(resealed);
        }
        let written = self.store.identities_reseal(&batch).await?;
        pass.written += written;
        pass.overtaken += batch.len() as u64 - written;
        Ok(true)
    }

    /// An identity with whatever opens sealed anew (nothing where nothing does), and whether that is all of it.
    fn resealed(&self, read: identity::Model) -> Result<(Option<ResealedIdentity>, bool), ApiError> {
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
