//! The nouns: addresses, ARNs, places, the resource kinds (one file per kind), what a user desires and what is live.
//! Pure data: nothing here reads, compares or decides. A policy here is its exact text.
//!
//! # How to add a resource kind
//!
//! The compiler leads: start here, and follow what no longer compiles.
//!
//! 1. `model/<kind>.rs`: the value as it should be and as it is. `address.rs`: a [`Kind`], whose place in the list is its
//!    place in the output. `fact.rs` and `live.rs`: a [`Fact`] that an answer holds and a [`live::Read`] that asks for it.
//!    `wanted.rs`: a variant of [`WantedResource`]. What users declare goes into `desired.rs`.
//! 2. `manifest`: parse it with its span (`parse.rs`), its default once (`defaults.rs`), print it (`expand.rs`), and
//!    refuse what cannot be right (`rules.rs`), each refusal with a code.
//! 3. `call`: one write for each request, whether it is idempotent, and the permission of each read and write.
//! 4. `provider`: one request for each read and write. A documented "does not exist" is absent, everything else that
//!    fails is unknown.
//! 5. `observe/needed.rs`: when it is read, as early as its inputs allow. A read that needs the answer of another one
//!    costs every plan a round trip.
//! 6. `harden`: from the declaration and live state to what is wanted, with foreign things folded in and a reason.
//! 7. `diff/<kind>.rs`: one reason for each field. Destructure without `..`, so that a new field cannot be forgotten.
//! 8. `plan`: the writes of a change (`writes.rs`), their place in the order (`order.rs`), and the guards that they can
//!    break. What can stop a delivery is followed by a wait for one, with a way to undo it.
//! 9. `apply/content.rs`: which part of what is read back has to equal what was written.
//! 10. The sandbox serves and seeds it, and a test shows: the second plan is empty, every field that drifts is found
//!     and repaired, and an apply that is killed at any request is finished by the next.

pub mod access_grant;
pub mod access_point;
pub mod address;
pub mod alert;
pub mod arn;
pub mod authorization;
pub mod bucket;
pub mod databricks;
pub mod desired;
pub mod fact;
pub mod hex;
pub mod intent;
pub mod key;
pub mod live;
pub mod objects;
pub mod observed;
pub mod organization;
pub mod place;
pub mod reference;
pub mod role;
pub mod severity;
pub mod trail;
pub mod unity_catalog;
pub mod waiver;
pub mod wanted;

pub use address::{Address, Kind};
pub use alert::Alert;
pub use arn::Arn;
pub use desired::Desired;
pub use fact::Fact;
pub use hex::hex;
pub use intent::Intent;
pub use live::Live;
pub use observed::{Gap, Observed};
pub use place::Place;
pub use reference::Reference;
pub use severity::Severity;
pub use waiver::{Control, Waiver};
pub use wanted::{Wanted, WantedResource};

/// Tag key that marks a bucket, key or role as reconciled by this tool. Its value is `<databricks account>/<bucket>`.
pub const OWNER_TAG: &str = "auditseal:owner";
