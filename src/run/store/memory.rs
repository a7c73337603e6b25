//! What checks remember, in the folder and in the store.

use super::synced::digest;
use super::{Remote, Store, StoreError, decide};
use crate::apply::Clock;
use crate::drift::Memory;
use crate::model::desired::Store as Declared;
use crate::provider::aws::{Condition, Kept, Object};

const NAME: &str = Declared::MEMORY;
/// Checks that write at one time meet again at most so often.
const MEETINGS: u32 = 5;

impl Store {
    /// Makes the memory the same in the folder and in the store. When both changed, what either knows to be open stays open.
    ///
    /// # Errors
    /// When the store cannot be used, or one of the two is damaged: neither is then overwritten.
    pub async fn sync_memory<C: Clock>(&self, clock: &C) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        for _ in 0..MEETINGS {
            if remote.meet(clock).await? {
                return Ok(());
            }
        }
        Err(StoreError::Contended { url: remote.url_of(NAME) })
    }
}

impl Remote {
    /// Whether both are the same now; `false` when somebody else wrote meanwhile.
    async fn meet<C: Clock>(&self, clock: &C) -> Result<bool, StoreError> {
        let here = self.read(NAME)?;
        if here.as_ref().is_some_and(|here| Memory::parse(&String::from_utf8_lossy(here)).is_err()) {
            // The file is read next, and says what is wrong with it; it goes nowhere.
            return Ok(true);
        }
        let there = self.get(NAME).await?;
        let (ours, base) = (here.as_deref().map(digest), self.synced.get(NAME));
        let theirs = there.as_ref().map(|there| digest(&there.bytes));
        let known = there.as_ref().zip(theirs.as_ref()).map(|(there, digest)| (there.etag.as_str(), digest.as_str()));
        let decision = decide::memory(ours.as_deref(), base.as_ref(), known);
        match (decision, here, there) {
            (decide::Memory::Note, _, Some(there)) => self.note(NAME, &there.etag, &there.bytes)?,
            (decide::Memory::Create, Some(here), _) => return self.replace(clock, &here, Condition::New).await,
            (decide::Memory::Replace, Some(here), Some(there)) => {
                return self.replace(clock, &here, Condition::Replaces(there.etag)).await;
            }
            (decide::Memory::Take, _, Some(there)) => {
                self.parsed(&there)?;
                self.write(NAME, &there.bytes)?;
                self.note(NAME, &there.etag, &there.bytes)?;
            }
            (decide::Memory::Merge, Some(here), Some(there)) => {
                let Ok(ours) = Memory::parse(&String::from_utf8_lossy(&here)) else { return Ok(true) };
                let text = self.parsed(&there)?.merged(ours).text().map_err(|error| self.unavailable(error))?;
                self.write(NAME, text.as_bytes())?;
                return self.replace(clock, text.as_bytes(), Condition::Replaces(there.etag)).await;
            }
            _ => {}
        }
        Ok(true)
    }

    async fn replace<C: Clock>(&self, clock: &C, content: &[u8], condition: Condition) -> Result<bool, StoreError> {
        match self.put(clock, NAME, content, &condition).await? {
            Kept::Written(etag) => self.note(NAME, &etag, content).map(|()| true),
            Kept::Differs => Ok(false),
        }
    }

    fn parsed(&self, there: &Object) -> Result<Memory, StoreError> {
        Memory::parse(&String::from_utf8_lossy(&there.bytes))
            .map_err(|error| StoreError::Unusable { url: self.url_of(NAME), error })
    }
}
