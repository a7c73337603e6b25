//! Everything that needs more than one room: walls between rooms, the reconciler on a real wire, the binary.
//!
//! The clouds are never faked at the level of functions: requests go over HTTP to an independent AWS emulator and to the
//! Databricks simulator (`examples/sandbox`). One emulator serves the whole binary, with one AWS account for each case.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that meets what it did not expect has to fail; clippy sees helpers of tests as other code"
)]

#[allow(dead_code, reason = "shared with the demonstration, which uses other parts")]
#[path = "../../examples/sandbox/mod.rs"]
mod sandbox;

mod alerts;
mod cli;
mod drift;
mod enforcement;
mod estates;
mod faults;
mod harness;
mod inventory;
mod kill;
mod locks;
mod newest;
mod permissions;
mod predicted;
mod receiver;
mod reconcile;
mod rollback;
mod rooms;
mod scenarios;
mod simulator;
mod stores;
mod struck;
mod waits;
