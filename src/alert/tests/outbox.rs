//! A queue that is killed at any operation loses nothing, and repeats only under the same id.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::alert::outbox::Guard;
use crate::alert::{Disk, Files, MOST_WAITING, Outbox, Put};
use crate::finding::{Finding, Notice, NoticeState, Severity};

fn notice(number: i64) -> Notice {
    let time = jiff::Timestamp::from_second(number).unwrap();
    Notice {
        state: NoticeState::Opened,
        manifest: Some("acme".to_owned()),
        fingerprint: format!("f{number}"),
        finding: Finding {
            code: "x".to_owned(),
            severity: Severity::High,
            subject: format!("acme/bucket[{number}]"),
            message: "a \"quoted\" message\nof two lines".to_owned(),
            help: None,
            span: None,
        },
        since: time,
        at: time,
        changed_by: None,
    }
}

/// A process that dies: after a number of operations, every further one fails, and the one at which it dies is done, not
/// done, or for a write done by half.
struct Dying {
    left: Cell<usize>,
    effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Effect {
    None,
    Half,
    Whole,
}

impl Dying {
    fn step(&self, run: impl Fn(Effect) -> io::Result<()>) -> io::Result<()> {
        let dead = || io::Error::other("killed");
        match self.left.get() {
            0 => Err(dead()),
            1 => {
                self.left.set(0);
                if self.effect != Effect::None {
                    run(self.effect)?;
                }
                Err(dead())
            }
            more => {
                self.left.set(more - 1);
                run(Effect::Whole)
            }
        }
    }

    fn alive<T>(&self, value: io::Result<T>) -> io::Result<T> {
        if self.left.get() == 0 { Err(io::Error::other("killed")) } else { value }
    }
}

impl Files for Dying {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.step(|_| Disk.create_folder(path))
    }
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.step(|effect| match effect {
            Effect::Half => std::fs::write(path, &content[..content.len() / 2]),
            _ => Disk.write(path, content),
        })
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|_| Disk.rename(from, to))
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.step(|_| Disk.sync_folder(path))
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.alive(Disk.read(path))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(|_| Disk.remove(path))
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.step(|_| Disk.remove_folder(path))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.alive(Disk.list(path))
    }
    fn folders(&self, path: &Path) -> io::Result<Vec<String>> {
        self.alive(Disk.folders(path))
    }
    fn lock(&self, _path: &Path) -> io::Result<Option<Guard>> {
        self.alive(Ok(Some(Guard::of(None))))
    }
}

fn store() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn put<F: Files>(outbox: &Outbox<F>, sink: &str, notice: &Notice) -> Option<Put> {
    let lock = outbox.lock().ok()??;
    outbox.put(&lock, sink, notice).ok()
}

/// Sends everything that waits; what is received, in order.
fn drain<F: Files>(outbox: &Outbox<F>, sink: &str, received: &mut Vec<Notice>) -> Option<()> {
    for entry in outbox.waiting(sink).ok()? {
        if let Some(notice) = outbox.read(&entry).ok()? {
            received.push(notice);
            outbox.done(&entry).ok()?;
        }
    }
    Some(())
}

/// What a caller does: keeps three notices, remembers those that were kept, and sends. Killed at any point, and run again by
/// a process that lives, the receiver has every one, in their order, and doubles of the first only.
#[test]
fn killed_at_any_operation_it_loses_nothing() {
    let notices: Vec<Notice> = (1..=3).map(notice).collect();
    for effect in [Effect::None, Effect::Half, Effect::Whole] {
        let mut finished = false;
        for operations in 1..200 {
            let folder = store();
            let mut received = Vec::new();
            let dying = Outbox::on(Dying { left: Cell::new(operations), effect }, folder.path());
            let kept = notices.iter().all(|one| put(&dying, "soc", one) == Some(Put::Kept));
            finished = kept && drain(&dying, "soc", &mut received).is_some();
            // The next run: what was not remembered as told is told again.
            let outbox = Outbox::at(folder.path());
            if !kept {
                for one in &notices {
                    assert!(matches!(put(&outbox, "soc", one), Some(Put::Kept | Put::Already)));
                }
            }
            drain(&outbox, "soc", &mut received).unwrap();
            let mut first = received.clone();
            let mut seen = BTreeSet::new();
            first.retain(|one| seen.insert(one.id()));
            assert_eq!(first, notices, "killed at operation {operations} ({effect:?})");
            assert!(received.len() <= notices.len() + 1, "one message at most is sent twice");
            assert!(outbox.waiting("soc").unwrap().is_empty());
            let damaged = folder.path().join("outbox/soc/damaged");
            assert!(!damaged.exists(), "a crash damages nothing");
            if finished {
                break;
            }
        }
        assert!(finished, "the run never came to its end");
    }
}

#[test]
fn order_and_identity() {
    let folder = store();
    let outbox = Outbox::at(folder.path());
    for number in [5, 3, 9] {
        assert_eq!(put(&outbox, "soc", &notice(number)), Some(Put::Kept));
    }
    assert_eq!(put(&outbox, "soc", &notice(3)), Some(Put::Already));
    assert_eq!(put(&outbox, "chat", &notice(3)), Some(Put::Kept), "each sink has a queue of its own");
    let again = Notice { at: jiff::Timestamp::from_second(99).unwrap(), ..notice(5) };
    assert_eq!(put(&outbox, "soc", &again), Some(Put::Already), "the same notice, made again by the next run");
    let mut received = Vec::new();
    drain(&outbox, "soc", &mut received).unwrap();
    assert_eq!(received, [notice(5), notice(3), notice(9)]);
    assert_eq!(outbox.sinks().unwrap(), ["chat", "soc"]);
    assert_eq!(outbox.waiting("chat").unwrap().len(), 1);
    assert!(outbox.waiting("nobody").unwrap().is_empty());
}

#[test]
fn refused_ones_are_kept_and_go_back_to_their_places() {
    let folder = store();
    let outbox = Outbox::at(folder.path());
    (1..=3).for_each(|number| assert_eq!(put(&outbox, "soc", &notice(number)), Some(Put::Kept)));
    let first = outbox.waiting("soc").unwrap().remove(0);
    outbox.refuse(&first).unwrap();
    assert_eq!((outbox.waiting("soc").unwrap().len(), outbox.refused("soc").unwrap()), (2, 1));
    assert_eq!(put(&outbox, "soc", &notice(1)), Some(Put::Already), "it is not told again behind its own back");
    let lock = outbox.lock_sink("soc").unwrap().unwrap();
    assert_eq!(outbox.retry_refused(&lock, "soc").unwrap(), 1);
    let mut received = Vec::new();
    drain(&outbox, "soc", &mut received).unwrap();
    assert_eq!(received, [notice(1), notice(2), notice(3)]);
}

#[test]
fn damaged_ones_are_set_aside_and_stop_nobody() {
    let folder = store();
    let outbox = Outbox::at(folder.path());
    (1..=4).for_each(|number| assert_eq!(put(&outbox, "soc", &notice(number)), Some(Put::Kept)));
    let queue = folder.path().join("outbox/soc");
    let entries: Vec<PathBuf> = {
        let mut names = Disk.list(&queue).unwrap();
        names.retain(|name| name.ends_with(".json"));
        names.sort();
        names.into_iter().map(|name| queue.join(name)).collect()
    };
    let text = std::fs::read_to_string(&entries[0]).unwrap();
    std::fs::write(&entries[0], text.split_at(text.len() / 2).0).unwrap();
    // Another message under this one's name, and another sink's message.
    std::fs::copy(&entries[3], &entries[1]).unwrap();
    std::fs::write(&entries[2], std::fs::read_to_string(&entries[2]).unwrap().replace("\"soc\"", "\"chat\"")).unwrap();
    let mut received = Vec::new();
    drain(&outbox, "soc", &mut received).unwrap();
    assert_eq!(received, [notice(4)]);
    assert_eq!(Disk.list(&queue.join("damaged")).unwrap().len(), 3);
}

#[test]
fn a_full_queue_drops_nothing() {
    let folder = store();
    let outbox = Outbox::at(folder.path());
    put(&outbox, "soc", &notice(1)).unwrap();
    let queue = folder.path().join("outbox/soc");
    for number in 2..=MOST_WAITING {
        std::fs::write(queue.join(format!("{number:020}-x{number}.json")), "").unwrap();
    }
    assert_eq!(put(&outbox, "soc", &notice(2)), Some(Put::Full));
    assert_eq!(put(&outbox, "soc", &notice(1)), Some(Put::Already));
    assert_eq!(outbox.waiting("soc").unwrap().len(), MOST_WAITING);
    outbox.done(&outbox.waiting("soc").unwrap().remove(0)).unwrap();
    assert_eq!(put(&outbox, "soc", &notice(2)), Some(Put::Kept));
}

#[test]
fn locks_are_one_holders_and_a_removed_sink_leaves_nothing() {
    let folder = store();
    let (one, two) = (Outbox::at(folder.path()), Outbox::at(folder.path()));
    put(&one, "soc", &notice(1)).unwrap();
    put(&one, "soc", &notice(2)).unwrap();
    one.refuse(&one.waiting("soc").unwrap().remove(0)).unwrap();
    let held = one.lock_sink("soc").unwrap().unwrap();
    assert!(two.lock_sink("soc").unwrap().is_none());
    assert!(two.lock_sink("chat").unwrap().is_some(), "another sink is not held up");
    assert_eq!(put(&two, "soc", &notice(3)), Some(Put::Kept), "nor is who adds to the queue");
    assert_eq!(one.remove(&held, "soc").unwrap(), 3);
    drop(held);
    assert!(!folder.path().join("outbox/soc").exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        put(&one, "soc", &notice(1)).unwrap();
        let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path().join("outbox/soc")), 0o700);
        let name = Disk.list(&folder.path().join("outbox/soc")).unwrap();
        assert!(name.iter().all(|name| mode(folder.path().join("outbox/soc").join(name)) == 0o600));
    }
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Put(i64),
    Send,
    Refuse,
    Retry,
    Kill(usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (0..12_i64).prop_map(Deed::Put),
        2 => Just(Deed::Send),
        1 => Just(Deed::Refuse),
        1 => Just(Deed::Retry),
        2 => (1..12_usize).prop_map(Deed::Kill),
    ];
    prop::collection::vec(deed, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done, in whatever order, and wherever processes die while they do it: whatever was kept is received.
    #[test]
    fn everything_kept_is_received(deeds in deeds()) {
        let folder = store();
        let (mut kept, mut received) = (BTreeSet::new(), Vec::new());
        let outbox = Outbox::at(folder.path());
        let mut dying: Option<usize> = None;
        for deed in deeds {
            match (deed, dying.take()) {
                (Deed::Kill(at), _) => dying = Some(at),
                (Deed::Put(number), Some(left)) => {
                    let outbox = Outbox::on(Dying { left: Cell::new(left), effect: Effect::Half }, folder.path());
                    if put(&outbox, "soc", &notice(number)).is_some() {
                        kept.insert(notice(number).id());
                    }
                }
                (Deed::Put(number), None) => {
                    put(&outbox, "soc", &notice(number)).unwrap();
                    kept.insert(notice(number).id());
                }
                (Deed::Send, Some(left)) => {
                    let outbox = Outbox::on(Dying { left: Cell::new(left), effect: Effect::Whole }, folder.path());
                    drain(&outbox, "soc", &mut received);
                }
                (Deed::Send, None) => drain(&outbox, "soc", &mut received).unwrap(),
                (Deed::Refuse, _) => {
                    if let Some(entry) = outbox.waiting("soc").unwrap().first() {
                        outbox.refuse(entry).unwrap();
                    }
                }
                (Deed::Retry, _) => {
                    let lock = outbox.lock_sink("soc").unwrap().unwrap();
                    outbox.retry_refused(&lock, "soc").unwrap();
                }
            }
        }
        let lock = outbox.lock_sink("soc").unwrap().unwrap();
        outbox.retry_refused(&lock, "soc").unwrap();
        drain(&outbox, "soc", &mut received).unwrap();
        let received: BTreeSet<String> = received.iter().map(Notice::id).collect();
        prop_assert!(kept.is_subset(&received), "lost: {:?}", kept.difference(&received).collect::<Vec<_>>());
    }
}
