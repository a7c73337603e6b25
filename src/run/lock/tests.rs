//! The rules of the lock on a store in memory with the semantics that SSM documents: create fails when there is one,
//! every overwrite raises the version, a new parameter starts at one. The wire is tested with the emulator.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex as StdMutex};

use super::*;

#[derive(Clone, Default)]
struct Memory(Arc<StdMutex<BTreeMap<String, Stored>>>, Arc<Trouble>);

/// Requests that go wrong from now on.
#[derive(Default)]
struct Trouble {
    failing_fetches: AtomicU32,
    lost_answers_of_replace: AtomicU32,
}

fn one_less(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Memory {
    fn holder(&self) -> Option<Holder> {
        self.0.lock().expect("memory").get(NAME).and_then(|stored| serde_json::from_str(&stored.value).ok())
    }
}

impl LockStore for Memory {
    async fn create(&self, _: &Place, name: &str, value: &str) -> Result<Option<i64>, String> {
        let mut all = self.0.lock().expect("memory");
        if all.contains_key(name) {
            return Ok(None);
        }
        all.insert(name.to_owned(), Stored { value: value.to_owned(), version: 1 });
        Ok(Some(1))
    }

    async fn replace(&self, _: &Place, name: &str, value: &str) -> Result<i64, String> {
        let mut all = self.0.lock().expect("memory");
        let version = all.get(name).map_or(1, |stored| stored.version + 1);
        all.insert(name.to_owned(), Stored { value: value.to_owned(), version });
        if one_less(&self.1.lost_answers_of_replace) { Err("the answer is lost".to_owned()) } else { Ok(version) }
    }

    async fn fetch(&self, _: &Place, name: &str) -> Result<Option<Stored>, String> {
        if one_less(&self.1.failing_fetches) {
            return Err("throttled".to_owned());
        }
        Ok(self.0.lock().expect("memory").get(name).cloned())
    }

    async fn remove(&self, _: &Place, name: &str) -> Result<(), String> {
        self.0.lock().expect("memory").remove(name);
        Ok(())
    }
}

/// Time that passes only in sleeps and when told to.
#[derive(Clone)]
struct Hand(Arc<StdMutex<Timestamp>>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(StdMutex::new("2026-11-23T06:00:00Z".parse().expect("time"))))
    }

    fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().expect("clock");
        *now = later(*now, by);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("clock")
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(SignedDuration::try_from(duration).expect("duration"));
    }
}

const NAME: &str = "/auditseal/lock/111122223333/b";

fn location() -> Vec<(Place, String)> {
    let place = Place::Aws { account: "111122223333".to_owned(), region: "us-east-1".to_owned() };
    vec![(place, NAME.to_owned())]
}

async fn take<'a>(store: &'a Memory, clock: &'a Hand, run: &str) -> Result<Locks<'a, Memory, Hand>, LockError> {
    Locks::take(store, clock, location(), "somebody", run, Duration::ZERO).await
}

#[tokio::test]
async fn one_holder_at_a_time_and_the_refusal_names_the_run() {
    let (store, clock) = (Memory::default(), Hand::new());
    let first = take(&store, &clock, "one").await.expect("free");
    let Err(LockError::Held { holder, .. }) = take(&store, &clock, "two").await else { panic!("held") };
    assert_eq!(holder.run, "one");
    first.give_back().await;
    assert_eq!(store.holder(), None);
    take(&store, &clock, "two").await.expect("free again");
}

#[tokio::test]
async fn a_killed_holder_blocks_until_its_lease_ends() {
    let (store, clock) = (Memory::default(), Hand::new());
    take(&store, &clock, "killed").await.expect("free");
    clock.advance(LEASE - SignedDuration::from_secs(1));
    assert!(matches!(take(&store, &clock, "next").await, Err(LockError::Held { .. })));
    clock.advance(SignedDuration::from_mins(1));
    let next = take(&store, &clock, "next").await.expect("expired");
    next.check().await.expect("held");
    assert_eq!(store.holder().expect("holder").run, "next");
}

#[tokio::test]
async fn a_holder_that_lost_its_lock_writes_nothing_more() {
    let (store, clock) = (Memory::default(), Hand::new());
    let first = take(&store, &clock, "one").await.expect("free");
    let (place, name) = location().remove(0);
    assert!(unlock(&store, &place, &name, "one").await.expect("broken"));
    // Somebody else's lock has the same version: it is the run that tells them apart.
    let second = take(&store, &clock, "two").await.expect("free");
    clock.advance(TRUST);
    assert!(first.check().await.is_err());
    second.check().await.expect("held");
    first.give_back().await;
    assert_eq!(store.holder().expect("holder").run, "two", "only one's own lock is given back");
}

#[tokio::test]
async fn a_holder_that_looks_after_its_lease_keeps_it() {
    let (store, clock) = (Memory::default(), Hand::new());
    let first = take(&store, &clock, "one").await.expect("free");
    for _ in 0..60 {
        clock.advance(SignedDuration::from_mins(2));
        first.check().await.expect("held");
        assert!(matches!(take(&store, &clock, "two").await, Err(LockError::Held { .. })));
    }
}

#[tokio::test]
async fn a_lock_that_cannot_be_read_for_a_moment_is_read_again() {
    let (store, clock) = (Memory::default(), Hand::new());
    store.1.failing_fetches.store(ATTEMPTS - 1, Ordering::SeqCst);
    let first = take(&store, &clock, "one").await.expect("free");
    clock.advance(TRUST);
    store.1.failing_fetches.store(ATTEMPTS - 1, Ordering::SeqCst);
    first.check().await.expect("held");
    clock.advance(TRUST);
    store.1.failing_fetches.store(ATTEMPTS, Ordering::SeqCst);
    assert_eq!(
        first.check().await,
        Err("throttled".to_owned()),
        "nothing is written under a lock that nobody has seen"
    );
}

#[tokio::test]
async fn a_held_lock_that_cannot_be_read_for_a_moment_still_refuses() {
    let (store, clock) = (Memory::default(), Hand::new());
    let _first = take(&store, &clock, "one").await.expect("free");
    store.1.failing_fetches.store(ATTEMPTS - 1, Ordering::SeqCst);
    assert!(matches!(take(&store, &clock, "two").await, Err(LockError::Held { .. })));
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_is_still_ones_own() {
    let (store, clock) = (Memory::default(), Hand::new());
    let first = take(&store, &clock, "one").await.expect("free");
    clock.advance(LEASE - RENEW + SignedDuration::from_secs(1));
    let renewed = later(clock.now(), LEASE);
    store.1.lost_answers_of_replace.store(1, Ordering::SeqCst);
    first.check().await.expect("held");
    assert!(store.holder().expect("holder").until >= renewed);
    first.give_back().await;
    assert_eq!(store.holder(), None, "its version is known, so it is given back");
}

#[tokio::test]
async fn only_the_named_run_is_unlocked() {
    let (store, clock) = (Memory::default(), Hand::new());
    let (place, name) = location().remove(0);
    assert!(!unlock(&store, &place, &name, "one").await.expect("nothing there"));
    let _first = take(&store, &clock, "one").await.expect("free");
    assert!(matches!(unlock(&store, &place, &name, "two").await, Err(LockError::Held { .. })));
    assert!(unlock(&store, &place, &name, "one").await.expect("broken"));
}
