//! The IAM policy language: documents, their canonical form, matching, and what a set of policies decides about one request.
//!
//! Pure: text and values in, values out. Everything is two-sided: what cannot be known is [`Truth::Unknown`], and an unknown
//! never turns into a yes or a no on its way to the decision. Nothing here knows Databricks, plans or live state; callers hand
//! over documents, and a document that they could not read or parse as an unknown one.

pub mod canonical;
pub mod condition;
pub mod context;
mod decide;
pub mod document;
pub mod evaluate;
mod formula;
pub mod glob;
mod grant;
pub mod inclusion;
pub mod input;
pub mod json;
pub mod matching;
mod named;
pub mod operator;
pub mod principal;
pub mod public;
mod region;
mod role_path;
pub mod setting;
pub mod statement_diff;
mod states;
pub mod symbolic;
mod tally;
mod tape;
#[cfg(test)]
mod tests;
pub mod text;
pub mod truth;
pub mod written;

pub use canonical::{Canonical, Resolver, canonical, canonical_with, deleted_principals, equivalent, equivalent_with};
pub use document::{Effect, Element, Policy, PolicyError, PrincipalSpec, Statement, Version, parse};
pub use evaluate::{Decision, Document, Evaluation, Layer, NamedPolicy, Policies, Request, StatementRef, evaluate};
pub use inclusion::{Inclusion, includes};
pub use input::{Compared, Inputs, Pair, Simulated, Simulation};
pub use principal::Principal;
pub use public::is_public;
pub use statement_diff::{StatementDiff, diff_statements};
pub use text::{Text, Texts};
pub use truth::Truth;
