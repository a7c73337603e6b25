//! The journals of a machine, as whoever read the files hands them on.

use std::path::PathBuf;

use super::{Record, Unreadable};

/// A journal that was read.
#[derive(Clone, Debug)]
pub struct Found {
    pub path: PathBuf,
    pub record: Record,
}

/// A journal that cannot be used.
#[derive(Clone, Debug)]
pub struct Spoiled {
    /// The run, as the file's name says.
    pub run: String,
    pub path: PathBuf,
    pub why: Unreadable,
}

/// Every journal under a store, newest first; those that cannot be used apart.
#[derive(Clone, Debug, Default)]
pub struct Journals {
    pub found: Vec<Found>,
    pub spoiled: Vec<Spoiled>,
}
