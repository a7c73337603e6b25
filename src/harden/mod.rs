//! Desired + Live → [`Wanted`](crate::model::Wanted): the hardened state, whole.
//!
//! Policies are generated here, from the declaration and the recorded live writers alone, never from who runs the tool.
//! Foreign things that must not be touched (tags, lifecycle rules that keep the logs, denies, event destinations) are
//! folded in, so that the diff has no special cases. What cannot be planned safely is a refusal with a code; what could
//! not be read is a gap. What a waiver keeps as it is becomes part of what is wanted. Nothing here reads, writes or orders.

mod access_policy;
mod account;
mod bucket;
mod bucket_policy;
mod controls;
mod declared;
mod delivery;
mod draft;
mod estate;
mod fold;
mod fold_policy;
mod kept;
mod key;
mod key_policy;
mod lifecycle;
mod names;
mod parties;
mod principals;
mod replica;
mod role;
mod role_policy;
mod size;
mod slots;
mod statement;
#[cfg(test)]
mod tests;
mod unity_catalog;
mod waived;
mod workspace;
mod writers;

use jiff::civil::Date;

pub use controls::{control_of, wider_control_of};
pub use declared::{DeclaredPolicy, declared_policies};
pub use estate::harden;
pub use key::{KeyChoice, key_of};
pub use names::{own_sids, policy_names, replica_alias, replica_name, replica_place, replication_role};
pub use principals::named as named_roles;
pub use writers::{LiveWriter, live_writers, writer_of, writer_roles};

/// What is planned, what the user allows, and on which day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Only a part of the directory is planned: nothing is disabled or revoked in what manifests share.
    pub partial: bool,
    /// `--allow remove-undeclared-denies`.
    pub remove_denies: bool,
    /// Decides which waivers hold.
    pub today: Date,
}

impl Default for Scope {
    /// Until somebody says what day it is, every waiver has ended.
    fn default() -> Self {
        Self { partial: false, remove_denies: false, today: Date::MAX }
    }
}
