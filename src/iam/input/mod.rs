//! Requests and policies as JSON documents: the input of `policy simulate` and `policy includes`.
//!
//! What a request leaves out does not exist: no policy, no context key. Three things are added to the context: keys that
//! follow from principal and resource (C2–C4, by [`evaluate`]), and, without a value, keys that every request of such a
//! principal has (C5, C6) or that membership in an organization brings (C3). A policy that cannot be read as a policy is
//! taken as unknown, and named.

mod given;
mod pair;
mod presence;
mod request;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::evaluate::{Decision, Layer, Policies, Request, StatementRef, evaluate};
pub use given::Given;
pub use pair::{Compared, Pair};

/// A policy that is not understood. It may allow and may deny everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    pub policy: String,
    pub reason: String,
}

/// A request, made ready for [`evaluate`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "request::Input")]
pub struct Simulation {
    pub request: Request,
    pub policies: Policies,
    pub unread: Vec<Unread>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Simulated {
    pub decision: Decision,
    /// Statements that decided, or that could decide if more were known.
    pub deciding: Vec<StatementRef>,
    /// Layers that do not (certainly) allow.
    pub missing: Vec<Layer>,
    pub unread: Vec<Unread>,
}

impl Simulation {
    #[must_use]
    pub fn run(&self) -> Simulated {
        let evaluation = evaluate(&self.request, &self.policies);
        Simulated {
            decision: evaluation.decision,
            deciding: evaluation.deciding,
            missing: evaluation.missing,
            unread: self.unread.clone(),
        }
    }
}

/// An input document holds one item, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inputs<T> {
    One(Box<T>),
    Many(Vec<T>),
}

impl<T: DeserializeOwned> Inputs<T> {
    /// Reads an input document.
    ///
    /// # Errors
    /// When the text is not JSON, names a member twice, or is not such a document; the error knows line and column.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start().starts_with('[') {
            serde_json::from_str(text).map(Self::Many)
        } else {
            serde_json::from_str(text).map(|one| Self::One(Box::new(one)))
        }
    }
}
