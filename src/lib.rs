//! `auditseal` reconciles the secure configuration of Databricks audit-log delivery on AWS.
pub mod apply;
pub mod call;
pub mod diff;
pub mod finding;
pub mod harden;
pub mod iam;
pub mod journal;
pub mod manifest;
pub mod model;
pub mod observe;
pub mod plan;
pub mod provider;
pub mod report;
pub mod run;
