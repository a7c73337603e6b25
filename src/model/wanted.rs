use std::collections::BTreeMap;

use super::live::Query;
use super::{Address, Fact, Gap, Kind, Observed};

/// One resource as it shall be: which question shows it, which answer is wanted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedResource {
    pub address: Address,
    pub query: Query,
    pub fact: Fact,
    /// The state to hold while a move is under way, when it differs from the final one: it names every live writer,
    /// prefix and key, so that the delivery that works today keeps working until the new one has succeeded.
    pub transition: Option<Fact>,
    /// Why a field is wanted, by field path as the diff prints it (`""` for the whole resource).
    pub reasons: BTreeMap<String, String>,
    /// Addresses that have to exist first.
    pub after: Vec<Address>,
}

/// Something that nothing declares and that is not changed, or is changed only when asked: shown, never counted as drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Kebab-case finding code.
    pub code: String,
    pub address: Address,
    pub message: String,
}

/// A log-delivery configuration to be switched on or off, found by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retirement {
    pub address: Address,
    pub config_id: String,
    pub reason: String,
    /// Switched off before the declared one is created, to free its slot. Only ever set on a configuration that is not
    /// the working delivery of a declared bucket.
    pub before_create: bool,
}

/// Everything that `harden` asks for, in no order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub resources: Vec<WantedResource>,
    /// Enabled deliveries to disable, once the declared one has succeeded.
    pub retire: Vec<Retirement>,
    pub notices: Vec<Notice>,
    /// Why planning has to be refused: (guard code, message).
    pub refusals: Vec<(String, String)>,
    /// Reads that failed and that a decision depends on.
    pub gaps: Vec<Gap>,
    /// Whether the delivery that is live today moves (role, prefix or key change), so that policies are written twice.
    pub moving: bool,
}

impl Wanted {
    #[must_use]
    pub fn find(&self, manifest: &str, kind: Kind, name: &str) -> Option<&WantedResource> {
        self.resources
            .iter()
            .find(|r| r.address.kind == kind && r.address.manifest == manifest && r.address.name == name)
    }
}

/// The wanted fact seen as an answer.
impl WantedResource {
    #[must_use]
    pub fn answer(&self) -> Observed<Fact> {
        Observed::Present(self.fact.clone())
    }
}
