//! Journals of earlier runs, from the store to the folder and back.

use std::fs::OpenOptions;

use futures::{StreamExt, TryStreamExt};

use super::names::{self, run_of};
use super::{Remote, Store, StoreError, decide};
use crate::apply::Clock;
use crate::model::desired::Store as Declared;
use crate::provider::aws::{Condition, Kept, Listed};

/// Journals that are fetched at one time.
const FETCHED: usize = 8;
/// Journals among which the last run is looked for: the time of an object is that of its last write, and that of a journal
/// that was left and brought later is not that of its run.
const LATEST: usize = 8;

/// Which journals are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// Of the last runs: was the last one stopped?
    Newest,
    /// Of runs whose ids begin so; all of them when there is none, for whoever says which there are.
    Run(&'a str),
    All,
}

impl Store {
    /// Makes sure that the folder has the journals that are asked for, as far as the store knows them. Reads only.
    ///
    /// # Errors
    /// When the store cannot be read, or tells something else than the folder.
    pub async fn fetch(&self, which: Which<'_>) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let mut listed = remote.journals().await?;
        listed.sort_by(|left, right| (right.modified, &right.name).cmp(&(left.modified, &left.name)));
        let wanted: Vec<&Listed> = match which {
            Which::Newest => listed.iter().take(LATEST).collect(),
            Which::All => listed.iter().collect(),
            Which::Run(asked) => {
                let begins = |one: &&Listed| run_of(&one.name).is_some_and(|run| run.starts_with(asked));
                let near: Vec<&Listed> = listed.iter().filter(begins).collect();
                if near.is_empty() { listed.iter().collect() } else { near }
            }
        };
        let fetched = wanted.into_iter().map(|one| remote.bring(one));
        futures::stream::iter(fetched).buffer_unordered(FETCHED).try_collect::<()>().await
    }

    /// Keeps in the store what earlier runs left in the folder: of a run that was killed between the two, or of the time before
    /// a store was declared.
    ///
    /// # Errors
    /// When the store cannot be used, or tells something else than the folder.
    pub async fn settle<C: Clock>(&self, clock: &C) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let listed = remote.journals().await?;
        for name in names::journals(&self.folder).map_err(remote.failed(Declared::RUNS))? {
            if let Some(here) = remote.left(&name)? {
                remote.hand_over(clock, &name, &here, listed.iter().find(|one| one.name == name)).await?;
            }
        }
        Ok(())
    }
}

impl Remote {
    async fn journals(&self) -> Result<Vec<Listed>, StoreError> {
        let mut listed = self.objects.list(&names::below(Declared::RUNS)).await.map_err(|gap| self.unavailable(gap))?;
        listed.retain(|one| run_of(&one.name).is_some());
        Ok(listed)
    }

    /// Brings the file to what the object says, when that says more.
    async fn bring(&self, listed: &Listed) -> Result<(), StoreError> {
        let name = &listed.name;
        let here = self.read(name)?;
        let is_enough = |here: &Vec<u8>| u64::try_from(here.len()).is_ok_and(|length| length >= listed.size);
        if here.as_ref().is_some_and(is_enough) {
            return Ok(());
        }
        // Gone between the two: whoever removed it has its reasons.
        let Some(there) = self.get(name).await? else { return Ok(()) };
        match decide::journal(here.as_deref().unwrap_or_default(), &there.bytes) {
            decide::Journal::Take => {
                self.write(name, &there.bytes)?;
                self.note(name, &there.etag, &there.bytes)
            }
            decide::Journal::Same | decide::Journal::Extend => Ok(()),
            decide::Journal::Diverged => Err(self.diverged(name)),
        }
    }

    /// A journal that no run on this machine is writing.
    fn left(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let file = OpenOptions::new().read(true).open(self.path_of(name)).map_err(self.failed(name))?;
        if matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)) {
            return Ok(None);
        }
        self.read(name)
    }

    async fn hand_over<C: Clock>(
        &self,
        clock: &C,
        name: &str,
        here: &[u8],
        listed: Option<&Listed>,
    ) -> Result<(), StoreError> {
        let condition = match listed {
            // It was there, and was removed: a lifecycle rule of the bucket, or somebody's decision.
            None if self.synced.get(name).is_some() => return Ok(()),
            None => Condition::New,
            Some(listed) if u64::try_from(here.len()).is_ok_and(|length| length <= listed.size) => return Ok(()),
            Some(_) => {
                let Some(there) = self.get(name).await? else { return Ok(()) };
                match decide::journal(here, &there.bytes) {
                    decide::Journal::Extend => Condition::Replaces(there.etag),
                    decide::Journal::Same | decide::Journal::Take => return Ok(()),
                    decide::Journal::Diverged => return Err(self.diverged(name)),
                }
            }
        };
        match self.put(clock, name, here, &condition).await? {
            Kept::Written(etag) => self.note(name, &etag, here),
            Kept::Differs => Err(self.diverged(name)),
        }
    }

    pub(super) fn diverged(&self, name: &str) -> StoreError {
        StoreError::Diverged { path: self.path_of(name), url: self.url_of(name) }
    }
}
