//! Live state → a manifest that declares it as it is, in its own words: the way back of a plan.
//!
//! A [`Sketch`] is filled from what was read, [`page::text`] writes it, and [`exceptions`] waives exactly what a plan of it
//! would change. Who can read today is a proof's answer (`access`); what cannot be declared is said in a comment, and never
//! guessed. Nothing here reads, plans or writes files.

mod bucket;
mod candidate;
mod exceptions;
mod fresh;
mod key;
mod page;
mod people;
mod risk;
mod seal;
mod sketch;
#[cfg(test)]
mod tests;

pub use bucket::describe_bucket;
pub use candidate::{Candidate, Choice, candidates, choose};
pub use exceptions::{Target, Terms, exceptions, pending, unneeded, wider_first, write};
pub use fresh::{Fresh, fresh};
pub use key::{describe_key, key_of_bucket};
pub use page::text;
pub use people::{Found, people};
pub use sketch::{AccessLog, Exception, Person, Remarks, Sketch, Who, label};
