//! Findings → outbox → sinks. What is to be sent is on disk before anything is sent, in order and one queue for each sink,
//! and leaves the disk only when the sink has taken it: at least once, so that a crash between any two steps repeats a
//! message (with the same id) and loses none.
//!
//! URLs and secrets are never stored: a queue knows the name of its sink only. They are looked up by `run`, which also
//! decides when to try again; this room makes one attempt and says what the answer means.

mod answer;
mod file;
mod http;
mod outbox;
mod route;
mod signature;

#[cfg(test)]
mod tests;

pub use answer::{ATTEMPTS, Answer, pause};
pub use file::{append, check_writable, replace};
pub use http::{Http, HttpError, Post, Timeouts};
pub use outbox::{ASIDE, Disk, Entry, Files, Guard, MOST_WAITING, Outbox, OutboxError, Put};
pub use route::{Target, targets};
pub use signature::{Key, KeyError};
