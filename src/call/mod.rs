//! Every request that the tool can make. Reads are questions with one answer (`model::live::Read`); writes are below.
//! Steps are writes, observation deduplicates by query, the provider executes both, and the permission table is derived
//! from them, so that what the tool may need and what it does cannot drift apart.

mod document;
mod listing;
mod permission;
mod requirement;
mod write;

pub use crate::model::live::{Query, Read};
pub use document::{Document, MANAGED_POLICY_SIZE, documents};
pub use listing::{ActionNeed, AwsNeeds, DatabricksNeeds, LISTING_VERSION, Listing, Reasons};
pub use permission::{Permission, read_permission, read_permissions, write_permissions};
pub use requirement::{
    Requirement, Resource, StoreUse, lock_requirements, partition, question, read_requirements, store_requirements,
    write_requirements,
};
pub use write::{GrantChange, Write, WriteOutcome};
