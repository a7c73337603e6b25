//! The lock of a location: an SSM parameter that exists before any bucket does and is shared by a team and its CI.
//! Creating it without overwrite is atomic; its version is the fence (SSM API reference, PutParameter).

#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::apply::{Clock, Lease};
use crate::model::Place;

/// A holder that was killed blocks others no longer than this.
const LEASE: SignedDuration = SignedDuration::from_mins(15);
/// A lease is renewed when less than this is left.
const RENEW: SignedDuration = SignedDuration::from_mins(10);
/// A holder asks for its lock at most this often: each write in between is covered by the answer.
const TRUST: SignedDuration = SignedDuration::from_secs(20);
const POLL: Duration = Duration::from_secs(5);
/// A request about a lock that fails is made this often, with this pause: a throttled one need not end a run.
const ATTEMPTS: u32 = 4;
const AGAIN: Duration = Duration::from_secs(2);

/// A stored parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub value: String,
    pub version: i64,
}

/// Where locks are kept.
pub trait LockStore: Send + Sync {
    /// Creates the parameter; `Ok(None)` when it exists already.
    fn create(
        &self,
        place: &Place,
        name: &str,
        value: &str,
    ) -> impl Future<Output = Result<Option<i64>, String>> + Send;
    /// Replaces the value and gives the new version.
    fn replace(&self, place: &Place, name: &str, value: &str) -> impl Future<Output = Result<i64, String>> + Send;
    fn fetch(&self, place: &Place, name: &str) -> impl Future<Output = Result<Option<Stored>, String>> + Send;
    fn remove(&self, place: &Place, name: &str) -> impl Future<Output = Result<(), String>> + Send;
}

/// What a lock says of its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub run: String,
    pub owner: String,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// Why a lock was not had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "`{name}` is held by {} (run {}, since {}); wait, or break it with `auditseal unlock {}`",
        holder.owner, holder.run, holder.since, holder.run
    )]
    Held { name: String, holder: Box<Holder> },
    #[error("the lock `{name}` could not be used: {message}")]
    Failed { name: String, message: String },
}

/// Name of the parameter that locks a bucket.
#[must_use]
pub fn parameter(account: &str, bucket: &str) -> String {
    format!("/auditseal/lock/{account}/{bucket}")
}

struct Held {
    place: Place,
    name: String,
    holder: Holder,
    version: i64,
    checked: Timestamp,
    /// A value that was sent and of which it is not known whether it was stored.
    renewing: Option<String>,
}

impl Held {
    fn new(place: &Place, name: &str, holder: Holder, version: i64, checked: Timestamp) -> Self {
        Self { place: place.clone(), name: name.to_owned(), holder, version, checked, renewing: None }
    }

    /// The version, if what is stored is this lock. Versions start anew when a parameter was removed: the run has to be
    /// ours too.
    fn shown_version(&self, stored: &Stored) -> Option<i64> {
        if self.renewing.as_ref() == Some(&stored.value) {
            return Some(stored.version);
        }
        let ours = stored.version == self.version
            && serde_json::from_str::<Holder>(&stored.value).is_ok_and(|holder| holder.run == self.holder.run);
        ours.then_some(stored.version)
    }
}

/// Why a lock that was held is not known to be held.
enum Trouble {
    Lost,
    Failed(String),
}

/// The locks of a run, taken in the order of their names so that two runs cannot wait for each other.
pub struct Locks<'a, S, C> {
    store: &'a S,
    clock: &'a C,
    held: Mutex<Vec<Held>>,
}

impl<'a, S: LockStore, C: Clock> Locks<'a, S, C> {
    /// Takes every lock, waiting up to `timeout` for each that somebody else holds.
    ///
    /// # Errors
    /// When one is held, or the store cannot be used; locks already taken are given back.
    pub async fn take(
        store: &'a S,
        clock: &'a C,
        mut locations: Vec<(Place, String)>,
        owner: &str,
        run: &str,
        timeout: Duration,
    ) -> Result<Self, LockError> {
        locations.sort();
        locations.dedup();
        let locks = Self { store, clock, held: Mutex::new(Vec::new()) };
        for (place, name) in locations {
            match locks.take_one(&place, &name, owner, run, timeout).await {
                Ok(held) => locks.held.lock().await.push(held),
                Err(error) => {
                    locks.give_back().await;
                    return Err(error);
                }
            }
        }
        Ok(locks)
    }

    async fn take_one(
        &self,
        place: &Place,
        name: &str,
        owner: &str,
        run: &str,
        timeout: Duration,
    ) -> Result<Held, LockError> {
        let failed = |message: String| LockError::Failed { name: name.to_owned(), message };
        let mut waited = Duration::ZERO;
        let mut attempts = 0;
        loop {
            let now = self.clock.now();
            let holder = Holder { run: run.to_owned(), owner: owner.to_owned(), since: now, until: later(now, LEASE) };
            let value = serde_json::to_string(&holder).map_err(|error| failed(error.to_string()))?;
            let trouble = match self.store.create(place, name, &value).await {
                Ok(Some(version)) => {
                    return Ok(Held::new(place, name, holder, version, now));
                }
                Ok(None) => None,
                Err(message) => Some(message),
            };
            let (stored, trouble) = match self.store.fetch(place, name).await {
                Ok(stored) => (stored, trouble),
                Err(message) => (None, Some(message)),
            };
            let Some(stored) = stored else {
                // Neither made nor there: refused, throttled, or given back by its holder just now.
                if let Some(message) = trouble {
                    attempts += 1;
                    if attempts >= ATTEMPTS {
                        return Err(failed(message));
                    }
                    self.clock.sleep(AGAIN).await;
                }
                continue;
            };
            let found: Option<Holder> = serde_json::from_str(&stored.value).ok();
            if let Some(holder) = found.as_ref().filter(|found| found.run == run) {
                // The answer to our own request was lost.
                let (holder, version) = (holder.clone(), stored.version);
                return Ok(Held::new(place, name, holder, version, now));
            }
            let expired = found.as_ref().is_none_or(|found| found.until < now);
            if expired {
                let version = self.store.replace(place, name, &value).await.map_err(failed)?;
                // Two may have found it expired at once: the later version wins, the other waits again.
                let after = self.store.fetch(place, name).await.map_err(failed)?;
                if after.is_some_and(|after| after.version == version && after.value == value) {
                    return Ok(Held::new(place, name, holder, version, now));
                }
            }
            if waited >= timeout
                && let Some(found) = found
            {
                return Err(LockError::Held { name: name.to_owned(), holder: Box::new(found) });
            }
            self.clock.sleep(POLL).await;
            waited += POLL;
        }
    }

    /// Looks whether a lock is still ours, and renews its lease when little of it is left.
    async fn check_one(&self, held: &mut Held, now: Timestamp) -> Result<(), Trouble> {
        let stored = self.store.fetch(&held.place, &held.name).await.map_err(Trouble::Failed)?;
        let Some(version) = stored.as_ref().and_then(|stored| held.shown_version(stored)) else {
            return Err(Trouble::Lost);
        };
        held.version = version;
        if held.holder.until.duration_since(now) < RENEW {
            let renewed = Holder { until: later(now, LEASE), ..held.holder.clone() };
            let value = serde_json::to_string(&renewed).map_err(|error| Trouble::Failed(error.to_string()))?;
            // The answer may be lost although the value was stored: what it would store is ours too.
            held.renewing = Some(value.clone());
            held.version = self.store.replace(&held.place, &held.name, &value).await.map_err(Trouble::Failed)?;
            held.holder = renewed;
            held.renewing = None;
        }
        Ok(())
    }

    /// Gives back what is still held.
    pub async fn give_back(&self) {
        for held in self.held.lock().await.drain(..) {
            if let Ok(Some(stored)) = self.store.fetch(&held.place, &held.name).await
                && held.shown_version(&stored).is_some()
            {
                // A lock that cannot be removed ends with its lease.
                let _ = self.store.remove(&held.place, &held.name).await;
            }
        }
    }
}

impl<S: LockStore, C: Clock> Lease for Locks<'_, S, C> {
    async fn check(&self) -> Result<(), String> {
        let mut all = self.held.lock().await;
        for held in all.iter_mut() {
            let now = self.clock.now();
            if now < later(held.checked, TRUST) {
                continue;
            }
            let mut attempts = 0;
            while let Err(trouble) = self.check_one(held, now).await {
                attempts += 1;
                match trouble {
                    Trouble::Lost => {
                        return Err(format!(
                            "the lock `{}` was lost to another run; nothing more is written",
                            held.name
                        ));
                    }
                    Trouble::Failed(message) if attempts >= ATTEMPTS => return Err(message),
                    Trouble::Failed(_) => self.clock.sleep(AGAIN).await,
                }
            }
            held.checked = now;
        }
        Ok(())
    }
}

/// Breaks the lock of a run, whoever holds it.
///
/// # Errors
/// When it is held by another run than the named one, or cannot be removed.
pub async fn unlock<S: LockStore>(store: &S, place: &Place, name: &str, run: &str) -> Result<bool, LockError> {
    let failed = |message: String| LockError::Failed { name: name.to_owned(), message };
    let Some(stored) = store.fetch(place, name).await.map_err(failed)? else { return Ok(false) };
    match serde_json::from_str::<Holder>(&stored.value) {
        Ok(holder) if holder.run != run => Err(LockError::Held { name: name.to_owned(), holder: Box::new(holder) }),
        _ => {
            store.remove(place, name).await.map_err(failed)?;
            Ok(true)
        }
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
