//! The nouns: addresses, ARNs, places, the resource kinds (one file per kind), what a user desires and what is live.
//! Pure data: nothing here reads, compares or decides. A policy here is its exact text.

pub mod address;
pub mod arn;
pub mod bucket;
pub mod databricks;
pub mod desired;
pub mod fact;
pub mod key;
pub mod live;
pub mod observed;
pub mod place;
pub mod reference;
pub mod role;
pub mod wanted;

pub use address::{Address, Kind};
pub use arn::Arn;
pub use desired::Desired;
pub use fact::Fact;
pub use live::Live;
pub use observed::{Gap, Observed};
pub use place::Place;
pub use reference::Reference;
pub use wanted::{Wanted, WantedResource};

/// Tag key that marks a bucket, key or role as reconciled by this tool. Its value is `<databricks account>/<bucket>`.
pub const OWNER_TAG: &str = "auditseal:owner";
