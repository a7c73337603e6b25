//! The answer while it is being written: what is wanted, refused, noticed, and what could not be read.

use std::collections::BTreeMap;

use crate::model::live::{Query, Read};
use crate::model::wanted::{Notice, Retirement, Wanted};
use crate::model::{Address, Fact, Gap, Kind, Live, OWNER_TAG, Observed, Place, WantedResource};

use super::Scope;
use super::waived::InForce;

pub(super) struct Draft<'a> {
    pub live: &'a Live,
    pub scope: Scope,
    pub waivers: InForce<'a>,
    pub out: Wanted,
}

/// Says in the body of every answer that a read which a decision needs has failed.
pub(super) struct Unread;

impl Draft<'_> {
    /// An answer that a decision depends on: a failed read becomes a gap of the plan.
    pub(super) fn need<T: Clone>(
        &mut self,
        place: &Place,
        read: Read,
        narrow: fn(&Fact) -> Option<&T>,
    ) -> Result<Option<T>, Unread> {
        match self.live.view(place, read, narrow) {
            Observed::Present(value) => Ok(Some(value)),
            Observed::Absent => Ok(None),
            Observed::Unknown(gap) => {
                self.gap(gap);
                Err(Unread)
            }
        }
    }

    /// An answer that only refines: what was not read is left alone.
    pub(super) fn peek<T: Clone>(&self, place: &Place, read: Read, narrow: fn(&Fact) -> Option<&T>) -> Option<T> {
        self.live.view(place, read, narrow).present()
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        if !self.out.gaps.contains(&gap) {
            self.out.gaps.push(gap);
        }
    }

    pub(super) fn refuse(&mut self, code: &str, message: impl Into<String>) {
        let refusal = (code.to_owned(), message.into());
        if !self.out.refusals.contains(&refusal) {
            self.out.refusals.push(refusal);
        }
    }

    pub(super) fn notice(&mut self, code: &str, address: &Address, message: impl Into<String>) {
        let notice = Notice { code: code.to_owned(), address: address.clone(), message: message.into() };
        if !self.out.notices.contains(&notice) {
            self.out.notices.push(notice);
        }
    }

    pub(super) fn retire(&mut self, retirement: Retirement) {
        self.out.retire.push(retirement);
    }

    pub(super) fn want(&mut self, item: Item) {
        self.out.resources.push(item.0);
    }

    /// Live tags with ours among them; a thing that another owner's tag claims is refused. `None` when that could not be
    /// told.
    pub(super) fn owned_tags(
        &mut self,
        address: &Address,
        live: Option<BTreeMap<String, String>>,
        owner: &str,
    ) -> Option<BTreeMap<String, String>> {
        let mut tags = live.unwrap_or_default();
        if let Some(other) = tags.get(OWNER_TAG).filter(|other| *other != owner) {
            let message = format!(
                "{address} is marked as owned by `{other}`, not by `{owner}`: run `auditseal forget` there, or declare another one"
            );
            self.refuse("owned-by-another", message);
            return None;
        }
        tags.insert(OWNER_TAG.to_owned(), owner.to_owned());
        Some(tags)
    }
}

/// A wanted resource under construction.
pub(super) struct Item(WantedResource);

impl Item {
    pub(super) fn new(address: &Address, place: &Place, read: Read, fact: impl Into<Fact>) -> Self {
        Self(WantedResource {
            address: address.clone(),
            query: Query { place: place.clone(), read },
            fact: fact.into(),
            transition: None,
            reasons: BTreeMap::new(),
            after: Vec::new(),
        })
    }

    /// The reason for a field; the empty path is the whole resource.
    pub(super) fn because(mut self, path: impl Into<String>, reason: impl Into<String>) -> Self {
        self.0.reasons.insert(path.into(), reason.into());
        self
    }

    pub(super) fn reasons(mut self, reasons: BTreeMap<String, String>) -> Self {
        self.0.reasons.extend(reasons);
        self
    }

    /// Another resource of the same manifest that has to be there first.
    pub(super) fn after(self, kind: Kind, name: &str) -> Self {
        let address = Address::new(self.0.address.manifest.clone(), kind, name);
        self.after_address(address)
    }

    pub(super) fn after_address(mut self, address: Address) -> Self {
        if !self.0.after.contains(&address) {
            self.0.after.push(address);
        }
        self
    }

    pub(super) fn transition(mut self, transition: Option<Fact>) -> Self {
        self.0.transition = transition.filter(|transition| *transition != self.0.fact);
        self
    }
}
