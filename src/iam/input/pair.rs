//! Two policies to be compared.

use serde::Deserialize;

use super::super::evaluate::{Document, NamedPolicy};
use super::super::inclusion::{Inclusion, includes};
use super::{Given, Unread};

/// Two policies: does the reference allow everything that the candidate allows?
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "PairInput")]
pub struct Pair {
    pub reference: NamedPolicy,
    pub candidate: NamedPolicy,
    pub unread: Vec<Unread>,
}

/// Other members, such as a label, are of no concern here.
#[derive(Deserialize)]
struct PairInput {
    reference: Given,
    candidate: Given,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub inclusion: Inclusion,
    pub unread: Vec<Unread>,
}

impl From<PairInput> for Pair {
    fn from(PairInput { reference, candidate }: PairInput) -> Self {
        Self::new(reference, candidate)
    }
}

impl Pair {
    #[must_use]
    pub fn new(reference: Given, candidate: Given) -> Self {
        let mut unread = Vec::new();
        Self {
            reference: reference.named("reference".to_owned(), &mut unread),
            candidate: candidate.named("candidate".to_owned(), &mut unread),
            unread,
        }
    }

    #[must_use]
    pub fn run(&self) -> Compared {
        let inclusion = match (&self.reference.document, &self.candidate.document) {
            (Document::Known(reference), Document::Known(candidate)) => includes(reference, candidate),
            _ => Inclusion::Unknown("a policy is not understood".to_owned()),
        };
        Compared { inclusion, unread: self.unread.clone() }
    }
}
