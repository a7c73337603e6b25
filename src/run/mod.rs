//! The use cases. The only room that wires the others together.

pub mod access;
pub mod apply;
pub mod clock;
pub mod connect;
pub mod forget;
pub mod format;
pub mod journal_file;
pub mod lock;
pub mod permissions;
pub mod plan;
pub mod policy;
mod preflight;
pub mod review;
pub mod revision;
pub mod rollback;
pub mod runs;
