//! Who can read, write, tamper with and list the delivered logs: S3, KMS, IAM, role chains and Unity Catalog together.
//!
//! Pure: a declaration and live state in, an [`Assessment`] out. Principals, actions and objects are enumerated, request
//! contexts are symbolic ([`crate::iam::symbolic`]). Every unknown enlarges what may be: *cannot* is said only when no
//! request, in whatever context and whatever the unread inputs say, is allowed.

mod acl;
mod alike;
mod allowed;
mod ask;
mod assess;
mod assessment;
mod basis;
mod caller;
mod chain;
mod compute;
mod copies;
mod databricks;
mod declared;
mod delivery;
mod documents;
mod entries;
mod entry;
mod estate;
mod facts;
mod filter;
mod foreign;
mod inventory;
mod lent;
mod mentioned;
mod objects;
mod organization;
mod outline;
mod outsiders;
mod part;
mod proof;
mod question;
mod reach;
mod resources;
mod second;
mod subject;
#[cfg(test)]
pub(crate) mod tests;
mod variables;
mod words;
mod worlds;

pub use assess::{Compiled, assess, assess_with};
pub use assessment::*;
pub use basis::{Basis, Changes};
pub use caller::{Caller, caller};
pub use part::Part;
