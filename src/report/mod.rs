//! Any result → text, JSON, Markdown. Writes to a given writer or gives a `String`; never prints, never reads.
//!
//! Renderers decide how things look, not what they mean: nothing is judged, counted or left out here that the plan does
//! not say, and what could not be read is never shown as if it were in order. Colour only underlines: everything is
//! readable without it.

mod access;
mod change;
pub mod codes;
pub mod diagnostic;
mod document;
mod drift;
mod effects;
mod explain;
mod init;
mod json;
mod markdown;
mod notice;
mod permissions;
mod policy;
mod preflight;
mod review;
mod runs;
pub mod schema;
mod sinks;
mod statement;
mod style;
mod text;
mod text_diff;
mod value;
mod waived;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use access::{
    ACCESS_MARKER, AccessFilter, AccessOptions, access_json, access_markdown, access_schema, access_text,
};
pub use codes::{ALERTS, CODES, CONTROLS, Code, STORE, explain};
pub use drift::{
    DRIFT_MARKER, DriftOptions, drift_json, drift_line, drift_markdown, drift_news, drift_schema, drift_text,
};
pub use explain::{explanation_json, explanation_markdown, explanation_schema, explanation_text};
pub use init::{InitDelivery, InitReport, init_json, init_schema};
pub use json::plan_json;
pub use markdown::{PLAN_MARKER, plan_markdown};
pub use notice::{MAX_NOTICE_BYTES, notice_json, notice_ocsf, notice_schema, notice_slack, sarif};
pub use permissions::{permissions_json, permissions_schema, permissions_text};
pub use policy::{compared_json, compared_schema, compared_text, simulated_json, simulated_schema, simulated_text};
pub use preflight::preflight_summary;
pub use review::{REVIEW_MARKER, review_json, review_markdown, review_schema, review_text};
pub use runs::{run_json, run_text, runs_json, runs_schema, runs_text};
pub use schema::plan_schema;
pub use sinks::{answers_json, answers_text, sinks_json, sinks_schema, sinks_text};
pub use text::{TextOptions, code_text, plan_text};
pub use text_diff::text_diff;
