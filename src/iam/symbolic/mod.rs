//! What a set of policies decides over *every* request context, not over one.
//!
//! A context key takes infinitely many values, but the conditions of some policies tell only finitely many kinds of them
//! apart. For each key one value of every kind is tried (as `iam::region` does); the outcome of a condition is computed by the
//! same function as for a concrete request, so the two cannot disagree, and what is left to prove is that no kind of value
//! was forgotten. Where that cannot be shown, because a limit was reached or two free keys are compared with each other, the
//! conditions of the key are unknown, and an unknown can only weaken an answer.

mod answer;
mod describe;
mod engine;
mod known;
mod objects;
mod question;
mod rules;
mod space;

pub use answer::{Answer, Blocked, Literal, Witness};
pub use engine::{Asked, ask};
pub use objects::{Objects, is_object};
pub use question::{Keys, Limits, Part, World};
