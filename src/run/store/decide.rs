//! What becomes of a file that is kept in two places, from what is here, what is there, and what was the same in both when
//! they were last compared. Pure.

use serde::{Deserialize, Serialize};

/// What was the same here and there: the ETag of the object, and a digest of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Base {
    pub etag: String,
    pub digest: String,
}

/// Of a message, which never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// As it should be.
    Same,
    /// It is in both places, and that was not known.
    Note,
    Upload,
    Download,
    /// Somebody else's run has delivered it, or put it aside.
    RemoveHere,
    /// It was delivered, or put aside, here.
    RemoveThere,
    /// It is in neither place.
    Forget,
}

/// `intact` says that the store is not known to have been emptied: then what is missing there was removed on purpose.
pub(super) fn message(here: bool, base: bool, there: bool, intact: bool) -> Message {
    match (here, base, there) {
        (true, true, true) | (false, false, false) => Message::Same,
        (true, false, true) => Message::Note,
        (true, false, false) => Message::Upload,
        // Sent twice, under one id, is better than lost.
        (true, true, false) if !intact => Message::Upload,
        (true, true, false) => Message::RemoveHere,
        (false, false, true) => Message::Download,
        (false, true, true) => Message::RemoveThere,
        (false, true, false) => Message::Forget,
    }
}

/// Of the memory of checks, which each check replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    Same,
    Note,
    /// The first one, or the store was emptied.
    Create,
    /// Over the one that is known.
    Replace,
    Take,
    /// Both changed.
    Merge,
}

/// `here` is the digest of the file and `there` ETag and digest of the object.
pub(super) fn memory(here: Option<&str>, base: Option<&Base>, there: Option<(&str, &str)>) -> Memory {
    match (here, there) {
        (None, None) => Memory::Same,
        (Some(_), None) => Memory::Create,
        (None, Some(_)) => Memory::Take,
        (Some(here), Some((etag, digest))) => {
            let unchanged_there = base.is_some_and(|base| base.etag == etag);
            let unchanged_here = base.is_some_and(|base| base.digest == here);
            match (here == digest, unchanged_here, unchanged_there) {
                (true, _, true) => Memory::Same,
                (true, _, false) => Memory::Note,
                (false, _, true) => Memory::Replace,
                (false, true, false) => Memory::Take,
                (false, false, false) => Memory::Merge,
            }
        }
    }
}

/// Of a journal, which only grows, and which one run writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Journal {
    Same,
    /// What is here goes on where the object ends.
    Extend,
    /// The object goes on where the file ends.
    Take,
    /// Neither is the beginning of the other.
    Diverged,
}

pub(super) fn journal(here: &[u8], there: &[u8]) -> Journal {
    match (here.starts_with(there), there.starts_with(here)) {
        (true, true) => Journal::Same,
        (true, false) => Journal::Extend,
        (false, true) => Journal::Take,
        (false, false) => Journal::Diverged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_is_lost_and_none_that_was_delivered_comes_back() {
        for (here, base, there, expected) in [
            (false, false, false, Message::Same),
            (false, false, true, Message::Download),
            (false, true, false, Message::Forget),
            (false, true, true, Message::RemoveThere),
            (true, false, false, Message::Upload),
            (true, false, true, Message::Note),
            (true, true, false, Message::RemoveHere),
            (true, true, true, Message::Same),
        ] {
            assert_eq!(message(here, base, there, true), expected, "{here} {base} {there}");
            // An emptied store takes nothing away here.
            assert_ne!(message(here, base, there, false), Message::RemoveHere);
        }
        assert_eq!(message(true, true, false, false), Message::Upload);
    }

    #[test]
    fn a_memory_is_replaced_only_by_whoever_knew_it() {
        let base = Base { etag: "1".to_owned(), digest: "a".to_owned() };
        let known = Some(&base);
        for (here, base, there, expected) in [
            (None, None, None, Memory::Same),
            (None, known, None, Memory::Same),
            (Some("a"), None, None, Memory::Create),
            (Some("a"), known, None, Memory::Create),
            (None, None, Some(("1", "a")), Memory::Take),
            (None, known, Some(("1", "a")), Memory::Take),
            (Some("a"), known, Some(("1", "a")), Memory::Same),
            (Some("a"), None, Some(("1", "a")), Memory::Note),
            (Some("b"), known, Some(("1", "a")), Memory::Replace),
            (Some("a"), known, Some(("2", "c")), Memory::Take),
            (Some("b"), known, Some(("2", "c")), Memory::Merge),
            (Some("b"), None, Some(("2", "c")), Memory::Merge),
            (Some("c"), known, Some(("2", "c")), Memory::Note),
        ] {
            assert_eq!(memory(here, base, there), expected, "{here:?} {base:?} {there:?}");
        }
    }

    #[test]
    fn a_journal_only_grows() {
        for (here, there, expected) in [
            ("a\n", "a\n", Journal::Same),
            ("a\nb\n", "a\n", Journal::Extend),
            ("a\n", "a\nb\n", Journal::Take),
            ("", "a\n", Journal::Take),
            ("a\nb\n", "a\nc\n", Journal::Diverged),
        ] {
            assert_eq!(journal(here.as_bytes(), there.as_bytes()), expected);
        }
    }
}
