//! Every request that the tool can make. Reads are questions with one answer (`model::live::Read`); writes are below.
//! Steps are writes, observation deduplicates by query, the provider executes both, and the permission table is derived
//! from them, so that what the tool may need and what it does cannot drift apart.

mod permission;
mod write;

pub use crate::model::live::{Query, Read};
pub use permission::{Permission, read_permission, write_permissions};
pub use write::{GrantChange, Write, WriteOutcome};
