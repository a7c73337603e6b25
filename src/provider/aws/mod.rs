//! Amazon Web Services, one file per service. A client serves one account in one region (`model::Place::Aws`): it answers
//! the questions of `call::Read` and sends the requests of `call::Write`, one API operation each, and knows nothing of what
//! is wanted or why.
//!
//! S3, KMS, IAM and STS go through the AWS SDK; the few operations of S3 Control, Systems Manager, Secrets Manager,
//! Organizations and CloudTrail that the tool needs are signed here (`signed`), which saves five generated crates. The edge
//! decides three things only: whether an
//! answer is present, absent or unknown; how a write failed; and that nothing is sent in plain text outside this machine.

mod access_grants;
mod access_point;
mod authorization;
mod client;
mod cloudtrail;
mod config;
mod credentials;
mod error;
mod failure;
mod iam;
mod json;
mod kms;
mod multi_region;
mod organizations;
mod s3;
mod s3control;
mod secrets;
mod signed;
mod simulation;
mod ssm;
mod sts;
mod trace;
mod xml;

#[cfg(test)]
mod tests;

pub use client::AwsClient;
pub use config::{AwsOptions, ConnectError, Http, Timeouts};
pub use s3::{Condition, Kept, Listed, Object, Objects};
pub use secrets::Secrets;
pub use ssm::{Parameter, Parameters};
