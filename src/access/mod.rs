//! Who can read, write, tamper with and list the delivered logs: S3, KMS, IAM, role chains and Unity Catalog together.
//!
//! Pure: a declaration and live state in, an [`Assessment`] out. Principals, actions and objects are enumerated, request
//! contexts are symbolic ([`crate::iam::symbolic`]). Every unknown enlarges what may be: *cannot* is said only when no
//! request, in whatever context and whatever the unread inputs say, is allowed.

mod assessment;
mod databricks;
mod declared;
mod documents;
mod estate;
mod inventory;
mod language;
mod mentioned;
mod organization;
mod outsiders;
mod question;
mod subject;
mod worlds;

pub use assessment::*;
