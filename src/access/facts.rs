//! Live state as the proofs ask for it, with a note of what was asked: an answer that nobody asked for changes no proof.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::model::live::{Query, Read};
use crate::model::{Fact, Live, Observed, Place};

/// What was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    queries: BTreeSet<Query>,
    /// In whichever place.
    reads: BTreeSet<Read>,
    /// Whatever was read in a place.
    places: BTreeSet<Place>,
    /// What tells the metastores that workspaces of a Databricks account are attached to.
    metastores: BTreeSet<String>,
    /// Roles behind the credentials of any metastore.
    credentials: bool,
}

impl Asked {
    /// Whether the answer to a question was looked at, or would have been had there been one.
    pub fn covers(&self, query: &Query) -> bool {
        self.queries.contains(query)
            || self.reads.contains(&query.read)
            || self.places.contains(&query.place)
            || self.credentials && is_credentials(query)
            || self.metastores.iter().any(|account| tells_metastore(query, account).is_some())
    }
}

/// Live state that remembers what it was asked.
pub(super) struct Facts<'a> {
    live: &'a Live,
    asked: RefCell<Asked>,
}

impl<'a> Facts<'a> {
    pub fn of(live: &'a Live) -> Self {
        Self { live, asked: RefCell::default() }
    }

    /// What was asked so far.
    pub fn asked(self) -> Asked {
        self.asked.into_inner()
    }

    pub fn get(&self, query: &Query) -> Observed<Fact> {
        self.note(query);
        self.live.get(query)
    }

    /// The answer narrowed to one kind of fact, as [`Live::view`].
    pub fn view<T: Clone>(&self, place: &Place, read: Read, narrow: fn(&Fact) -> Option<&T>) -> Observed<T> {
        self.note(&Query { place: place.clone(), read: read.clone() });
        self.live.view(place, read, narrow)
    }

    pub fn contains(&self, query: &Query) -> bool {
        self.note(query);
        self.live.contains(query)
    }

    /// The answers to one question in every place where it was asked.
    pub fn everywhere<'s>(&'s self, read: &'s Read) -> impl Iterator<Item = &'a Observed<Fact>> + 's {
        self.asked.borrow_mut().reads.insert(read.clone());
        self.live.iter().filter(|(query, _)| query.read == *read).map(|(_, answer)| answer)
    }

    /// Everything that was asked in a place.
    pub fn in_place<'s>(&'s self, place: &'s Place) -> impl Iterator<Item = (&'a Query, &'a Observed<Fact>)> + 's {
        self.asked.borrow_mut().places.insert(place.clone());
        self.live.iter().filter(|(query, _)| query.place == *place)
    }

    /// Workspaces of a Databricks account that were asked about their metastore, with its id.
    pub fn metastores(&self, account: &str) -> BTreeSet<(Place, String)> {
        self.asked.borrow_mut().metastores.insert(account.to_owned());
        let told =
            self.live.iter().filter_map(|(query, _)| Some((query.place.clone(), tells_metastore(query, account)?)));
        told.map(|(place, metastore)| (place, metastore.to_owned())).collect()
    }

    /// Credentials of Unity Catalog, of whatever metastore and purpose.
    pub fn credentials(&self) -> impl Iterator<Item = &'a Observed<Fact>> {
        self.asked.borrow_mut().credentials = true;
        self.live.iter().filter(|(query, _)| is_credentials(query)).map(|(_, answer)| answer)
    }

    fn note(&self, query: &Query) {
        self.asked.borrow_mut().queries.insert(query.clone());
    }
}

fn is_credentials(query: &Query) -> bool {
    matches!(query.read, Read::StorageCredentials { .. } | Read::ServiceCredentials { .. })
}

fn tells_metastore<'q>(query: &'q Query, account: &str) -> Option<&'q str> {
    let Place::Workspace { account: of, .. } = &query.place else { return None };
    match &query.read {
        Read::StorageCredentials { metastore } | Read::SystemSchemas { metastore } if of == account => Some(metastore),
        _ => None,
    }
}
