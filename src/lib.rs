//! `auditseal` reconciles the secure configuration of Databricks audit-log delivery on AWS.
//!
//! One way for data, with a pure middle:
//!
//! ```text
//!  manifests/*.toml ─manifest─▶ Desired ──┐
//!                                         ├─harden─▶ Wanted ─┐
//!  AWS, Databricks ◀─provider─ observe ─▶ Live ──────────────┴─diff─▶ changes ─plan─▶ steps ─apply─▶ journal, verify
//! ```
//!
//! # Rooms
//!
//! Which rooms a room may use. A test reads this table and every source file, and fails when they disagree.
//!
//! | room | uses | IO |
//! |---|---|---|
//! | `model` | | no |
//! | `finding` | `model` | no |
//! | `call` | `model` | no |
//! | `iam` | `model` | no |
//! | `manifest` | `model`, `finding` | `load.rs` |
//! | `harden` | `model`, `finding`, `iam` | no |
//! | `provider` | `model`, `call` | yes |
//! | `observe` | `model`, `finding`, `call`, `provider` | by port |
//! | `diff` | `model`, `iam` | no |
//! | `access` | `model`, `finding`, `iam` | no |
//! | `plan` | `model`, `finding`, `call`, `iam`, `diff`, `harden`, `access` | no |
//! | `journal` | `model`, `call` | no |
//! | `rollback` | `model`, `finding`, `call`, `iam`, `diff`, `harden`, `plan`, `journal` | no |
//! | `apply` | `model`, `call`, `iam`, `diff`, `plan`, `journal`, `observe`, `provider` | by port |
//! | `drift` | `model`, `finding`, `call`, `iam`, `access`, `diff`, `plan` | no |
//! | `review` | `model`, `iam`, `manifest`, `harden`, `access` | no |
//! | `adopt` | `model`, `iam`, `manifest`, `harden`, `access`, `diff`, `plan` | no |
//! | `report` | `model`, `finding`, `call`, `iam`, `access`, `diff`, `plan`, `journal`, `apply`, `manifest`, `review`, `drift` | no |
//! | `alert` | `model`, `finding`, `report` | sinks, outbox |
//! | `run` | `adopt`, `model`, `finding`, `call`, `iam`, `access`, `manifest`, `harden`, `review`, `provider`, `observe`, `diff`, `plan`, `journal`, `rollback`, `apply`, `drift`, `report`, `alert` | yes |

pub mod access;
pub mod adopt;
pub mod alert;
pub mod apply;
pub mod call;
pub mod diff;
pub mod drift;
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
pub mod review;
pub mod rollback;
pub mod run;
