//! Changes → ordered, guarded, serialisable plan. A plan is complete data: applying it decides nothing.

mod build;
mod depend;
pub mod effects;
pub mod explain;
pub mod guard;
mod nearest;
pub mod order;
pub mod possible;
pub mod preflight;
mod project;
mod prove;
mod reorder;
mod search;
mod select;
mod shift;
#[cfg(test)]
pub(crate) mod tests;
mod waits;
mod waived;
mod walk;
mod writes;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::call::{Query, Write};
use crate::diff::FieldChange;
use crate::finding::Finding;
use crate::model::reference::Output;
use crate::model::{Address, Fact, Gap, Intent, Observed, Place};

pub use build::{Built, Inputs, SETTLE_SECONDS, build, principal_ids};
pub use depend::{is_main, same_group};
pub use effects::{Effects, effects};
pub use explain::{Explanation, Reasoning, explain};
pub use nearest::{UnknownAddress, nearest};
pub use preflight::Preflight;
pub use project::project;
pub use reorder::{Order, Ordered, Waits, safe_order};
pub use select::{LeftOut, Partial, Selection, select};
pub use waits::{DELIVERY_CHANGE_SECONDS, DELIVERY_DEADLINE_SECONDS};
pub use waived::{Reckoning, Waived, reckon};

/// Version of the plan document; a plan of another version is refused.
pub const FORMAT_VERSION: &str = "1.0";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Create,
    Update,
    /// Make before break: a new one, then the old one switched off.
    Replace,
    Delete,
    Noop,
}

/// What happens to one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub address: Address,
    pub action: Action,
    pub reason: String,
    pub irreversible: bool,
    /// Field paths whose value only the cloud can choose.
    pub known_after_apply: Vec<String>,
    pub fields: Vec<FieldChange>,
    pub depends_on: Vec<Address>,
}

/// What a step works towards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub query: Query,
    /// The wanted answer.
    pub fact: Fact,
    /// The answer when the plan was made: the before-image. It is asked again right before the write, and has to differ
    /// from the wanted one in the same way; `None` where an earlier step of the plan changes it.
    pub before: Option<Observed<Fact>>,
    /// Whether the wanted answer has to be there after this step; false for all but the last of several requests.
    pub settles: bool,
}

/// Index of a step in `Plan::steps`.
pub type StepId = usize;

/// One thing the applier does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub id: StepId,
    pub address: Address,
    /// In words, imperative: `write the transition bucket policy`.
    pub title: String,
    pub action: StepAction,
    pub depends_on: Vec<StepId>,
    /// `None` for waits.
    pub target: Option<Target>,
    /// References that this step resolves: output → token.
    pub gives: BTreeMap<Output, String>,
    /// How long a transient failure, or a read-back that does not show the write yet, may last.
    pub settle_seconds: u64,
    /// Sent when the wait that guards this step fails: puts back what was before.
    pub undo: Option<PlacedWrite>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacedWrite {
    pub place: Place,
    pub write: Write,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepAction {
    Write {
        place: Place,
        write: Write,
    },
    /// Waits until a log-delivery configuration has succeeded later than the given steps finished, undoing those of
    /// them that can be undone when it has not within the deadline.
    AwaitDelivery {
        place: Place,
        config_id: String,
        after_steps: Vec<StepId>,
        deadline_seconds: u64,
    },
    /// Waits for a change that the cloud takes time to act on.
    Pause {
        seconds: u64,
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Pass,
    Warn,
    /// Allowed by `--allow CODE`.
    Allowed,
    Refuse,
}

/// The verdict of one named check over the finished plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardResult {
    pub code: String,
    pub verdict: Verdict,
    pub message: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub noop: usize,
}

/// A log-delivery configuration that does what a manifest declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    pub manifest: String,
    pub place: Place,
    pub config_id: String,
}

/// Which manifest the plan was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub name: String,
    /// SHA-256 of the canonical declaration.
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub format_version: String,
    /// What the plan is for; left out of the document when it is to make live state what is declared.
    #[serde(default, skip_serializing_if = "Intent::is_apply")]
    pub intent: Intent,
    pub manifest: Vec<Source>,
    /// Caller's role ARN with path (or its plain ARN), per AWS account.
    pub caller: BTreeMap<String, String>,
    pub summary: Summary,
    /// Whether every input was read.
    pub complete: bool,
    pub gaps: Vec<Gap>,
    /// SHA-256 of the live facts that the plan was made from.
    pub reads_digest: String,
    pub changes: Vec<Change>,
    /// The day, in UTC, that waivers were held against.
    pub today: jiff::civil::Date,
    /// Differences that are left as they are, by waivers that hold.
    pub waived: Vec<Waived>,
    pub guards: Vec<GuardResult>,
    pub findings: Vec<Finding>,
    /// Codes given with `--allow`.
    pub allowed: Vec<String>,
    /// What `--target` and `--exclude` leave out; `None` when the plan is of the whole.
    pub partial: Option<Partial>,
    pub steps: Vec<Step>,
    /// Who can read, write, tamper and list: now, after every step, and in the end.
    pub access: Effects,
    /// Whether the caller has the permissions that the steps need.
    #[serde(default, skip_serializing_if = "Preflight::is_empty")]
    pub preflight: Preflight,
    /// Enabled configurations that deliver as declared, as far as they exist.
    pub deliveries: Vec<Delivery>,
    /// Stable ids of principals that were read → their ARNs: policies may name a role by its id.
    pub principals: BTreeMap<String, String>,
    /// Desired state, so that a saved plan can be applied and its guards run again without manifests.
    pub desired: Vec<crate::model::Desired>,
}
