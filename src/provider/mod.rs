//! Adapters to AWS and Databricks. The two ports are different traits, so that whoever plans cannot write.

mod authorities;
pub mod aws;
pub mod databricks;
pub mod router;
mod sent;

use std::future::Future;

use crate::call::{Query, Write, WriteOutcome};
use crate::model::{Fact, Observed, Place};

pub use authorities::{Authorities, AuthoritiesError};
pub use sent::Requests;

/// Asks live state.
pub trait Reader: Send + Sync {
    /// One question, with all its pages. A failure is an answer too: `Observed::Unknown` with the reason and, for a
    /// refusal, the missing permission; only a documented "does not exist" is `Observed::Absent`.
    fn read(&self, query: &Query) -> impl Future<Output = Observed<Fact>> + Send;
}

/// Changes live state.
pub trait Writer: Reader {
    /// One request, sent once as far as the tool can tell: transport retries happen only where the request is idempotent.
    fn write(&self, place: &Place, write: &Write) -> impl Future<Output = Result<WriteOutcome, WriteError>> + Send;
}

/// How a write failed, as far as the applier has to tell failures apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Refused for lack of permission: never retried, except while IAM propagates.
    #[error("{message}")]
    Denied { permission: Option<String>, message: String },
    /// A state that passes: throttling, 5xx, `OperationAborted`, IAM principals and roles that are not visible yet, the
    /// Databricks delivery probe. Whether it took effect is unknown: the applier reads before it sends again.
    #[error("{message}")]
    Transient { retry_after: Option<std::time::Duration>, message: String },
    /// The cloud says that what should be created exists already.
    #[error("{message}")]
    Exists { message: String },
    /// Will not work by trying again.
    #[error("{message}")]
    Rejected { message: String },
}
