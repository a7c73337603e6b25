//! What waits for sinks, in the folder and in the store.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt};

use super::decide::Message;
use super::names::{self, below, is_message};
use super::{Remote, Store, StoreError, decide};
use crate::alert::{Disk, Files};
use crate::apply::Clock;
use crate::model::desired::Store as Declared;
use crate::provider::aws::{Condition, Kept};

/// Messages that are moved at one time.
const MOVED: usize = 8;

impl Store {
    /// Makes the outbox the same in the folder and in the store: what was put into either is in both, what was taken out of
    /// either is in neither. What is new comes before what goes: a message that was put aside is never nowhere.
    ///
    /// # Errors
    /// When the store cannot be used. What was done until then is done.
    pub async fn sync_outbox<C: Clock>(&self, clock: &C) -> Result<(), StoreError> {
        self.meet_outbox(clock, |_| true).await
    }

    /// Brings what waits in the store into the folder, and changes nothing in the store.
    ///
    /// # Errors
    /// As [`Store::sync_outbox`].
    pub async fn fetch_outbox<C: Clock>(&self, clock: &C) -> Result<(), StoreError> {
        self.meet_outbox(clock, |fate| !matches!(fate, Message::Upload | Message::RemoveThere)).await
    }

    async fn meet_outbox<C: Clock>(&self, clock: &C, does: fn(Message) -> bool) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let listed = remote.objects.list(&below(Declared::OUTBOX)).await.map_err(|gap| remote.unavailable(gap))?;
        let there: BTreeSet<String> = listed.into_iter().map(|one| one.name).filter(|name| is_message(name)).collect();
        let here = names::messages(&self.folder).map_err(remote.failed(Declared::OUTBOX))?;
        let here: BTreeSet<String> = here.into_iter().collect();
        let known = remote.synced.messages().map_err(remote.failed("synced"))?;
        let known: BTreeSet<String> = known.into_iter().collect();
        let gone = here.iter().any(|name| known.contains(name) && !there.contains(name));
        let intact = !gone || !remote.was_emptied().await?;
        let all: BTreeSet<&String> = here.iter().chain(&known).chain(&there).collect();
        let fates =
            |name: &String| decide::message(here.contains(name), known.contains(name), there.contains(name), intact);
        let (goes, comes): (Vec<&String>, Vec<&String>) = all
            .into_iter()
            .filter(|name| does(fates(name)))
            .partition(|name| matches!(fates(name), Message::RemoveHere | Message::RemoveThere));
        for part in [comes, goes] {
            let moved = part.into_iter().map(|name| remote.carry_out(clock, name, fates(name)));
            futures::stream::iter(moved).buffer_unordered(MOVED).try_collect::<()>().await?;
        }
        Ok(())
    }
}

impl Remote {
    /// Whether the memory of checks is gone too: then somebody emptied the store, or made it anew, and what is missing there
    /// was not delivered.
    async fn was_emptied(&self) -> Result<bool, StoreError> {
        Ok(self.synced.get(Declared::MEMORY).is_some() && self.get(Declared::MEMORY).await?.is_none())
    }

    async fn carry_out<C: Clock>(&self, clock: &C, name: &str, fate: Message) -> Result<(), StoreError> {
        let forget = || self.synced.forget(name).map_err(self.failed("synced"));
        match fate {
            Message::Same => Ok(()),
            Message::Note => self.note(name, "", &[]),
            Message::Upload => {
                // Taken by a sink meanwhile.
                let Some(content) = self.read(name)? else { return Ok(()) };
                match self.put(clock, name, &content, &Condition::New).await? {
                    Kept::Written(etag) => self.note(name, &etag, &content),
                    // Somebody else's message of the same finding: one of the two is enough.
                    Kept::Differs => self.note(name, "", &[]),
                }
            }
            Message::Download => {
                let Some(object) = self.get(name).await? else { return Ok(()) };
                self.write(name, &object.bytes)?;
                self.note(name, &object.etag, &object.bytes)
            }
            Message::RemoveHere => {
                Disk.remove(&self.path_of(name)).map_err(self.failed(name))?;
                forget()
            }
            Message::RemoveThere => {
                self.delete(clock, name).await?;
                forget()
            }
            Message::Forget => forget(),
        }
    }
}
