//! The use cases. The only room that wires the others together.

pub mod access;
pub mod adopt;
pub mod alert;
pub mod apply;
pub mod clock;
pub mod connect;
pub mod drift;
pub mod drift_file;
pub mod drift_lock;
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
pub mod store;
pub mod watch;
