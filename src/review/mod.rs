//! Two sets of declarations → what the second changes, by declaration alone: no cloud is asked.
//!
//! Who gains or loses is said twice: as the lists of the declarations have it (`access`), and as the generated policies
//! prove it (`proof`), so that a gain that no list shows cannot pass. What was not proved counts as wider.

mod access;
mod controls;
mod fields;
mod irreversible;
mod pairs;
mod proof;
#[cfg(test)]
mod tests;
mod waivers;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;

use crate::access::Question;
use crate::model::waiver::LocalAddress;
use crate::model::{Control, Desired};

pub use waivers::widens;

/// Version of the document.
pub const FORMAT_VERSION: &str = "1.0";

/// What becomes of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    Added,
    Removed,
    Changed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ManifestChange {
    pub name: String,
    pub change: Fate,
    /// Its earlier name. A name is in addresses only: nothing changes in the cloud.
    pub renamed_from: Option<String>,
}

/// One value of a manifest, by its path there, with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueChange {
    pub manifest: String,
    pub path: String,
    /// `null` when absent.
    pub before: Value,
    pub after: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Gains,
    Loses,
}

/// Somebody who can, or can no longer, as far as the declaration says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AccessChange {
    pub manifest: String,
    pub change: Direction,
    pub question: Question,
    /// ARN of a role, or name of a Databricks principal.
    pub who: String,
    /// What it is about, in words.
    pub what: String,
    /// Path of the manifest that says so.
    pub because: String,
}

/// Whether one side of a comparison allows what the other does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum More {
    /// Proved.
    No,
    Yes {
        /// Nobody in particular when `None`: a policy of a role.
        principal: Option<String>,
        action: String,
        resource: String,
    },
    NotProved {
        reason: String,
    },
}

/// A generated policy before and after: whether more is allowed, whether less is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyProof {
    pub manifest: String,
    pub policy: LocalAddress,
    pub wider: More,
    pub narrower: More,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverFate {
    Appears,
    Extended,
    Shortened,
    /// Another owner or reason.
    Reworded,
    Removed,
    /// Its last day is over.
    Expired,
    EndsSoon,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaiverChange {
    pub manifest: String,
    pub change: WaiverFate,
    pub control: Control,
    pub address: Option<LocalAddress>,
    pub owner: String,
    pub reason: String,
    pub until: Date,
    pub until_before: Option<Date>,
    /// Whether what is waived can leave a way in that the declaration does not name.
    pub opens: bool,
}

/// Something that a plan of the new declaration does and that cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Irreversible {
    pub manifest: String,
    /// Of the guard or finding that `explain` knows.
    pub code: String,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    Weakened,
    Strengthened,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ControlChange {
    pub manifest: String,
    pub change: Strength,
    /// A control of the closed list, or in a word what no list has.
    pub control: String,
    pub path: String,
    pub before: Value,
    pub after: Value,
}

/// Everything that the second set of declarations changes, riskiest parts first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Review {
    pub format_version: String,
    /// The day that waivers were held against.
    pub today: Date,
    /// Whether anybody gains, a policy allows more or was not proved not to, or a waiver opens a way in.
    pub widens: bool,
    pub manifests: Vec<ManifestChange>,
    pub access: Vec<AccessChange>,
    pub proofs: Vec<PolicyProof>,
    pub irreversible: Vec<Irreversible>,
    pub waivers: Vec<WaiverChange>,
    pub controls: Vec<ControlChange>,
    pub fields: Vec<ValueChange>,
}

/// Compares the declarations of two sides. Their order does not matter.
#[must_use]
pub fn review(base: &[Desired], head: &[Desired], today: Date) -> Review {
    let mut review = Review {
        format_version: FORMAT_VERSION.to_owned(),
        today,
        widens: false,
        manifests: Vec::new(),
        access: Vec::new(),
        proofs: Vec::new(),
        irreversible: Vec::new(),
        waivers: Vec::new(),
        controls: Vec::new(),
        fields: Vec::new(),
    };
    for pair in pairs::pairs(base, head) {
        let fields = fields::changes(&pair);
        review.manifests.extend(pair.fate(!fields.is_empty() || waivers::differ(&pair)));
        review.access.extend(access::changes(&pair));
        review.proofs.extend(proof::proofs(&pair, today));
        review.irreversible.extend(irreversible::steps(&pair));
        review.waivers.extend(waivers::changes(&pair, today));
        review.controls.extend(controls::changes(&pair, &fields));
        review.fields.extend(fields);
    }
    review.access.sort();
    let by_risk = |one: &ControlChange| (one.change, one.manifest.clone(), one.path.clone());
    review.controls.sort_by_key(by_risk);
    review.waivers.sort_by_key(|one| (!one.opens, one.manifest.clone(), one.control, one.change));
    review.widens = review.access.iter().any(|one| one.change == Direction::Gains)
        || review.proofs.iter().any(|one| one.wider != More::No)
        || review.waivers.iter().any(waivers::widens);
    review
}
