//! S3 Access Grants: parts of buckets that S3 lends to somebody as a role of the account.

use serde::{Deserialize, Serialize};

/// One grant (`s3:ListAccessGrants`), joined with its location (`s3:ListAccessGrantsLocations`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessGrant {
    pub id: String,
    pub grantee: Grantee,
    /// `READ`, `WRITE` or `READWRITE`.
    pub permission: String,
    /// `s3://bucket/prefix*`, or one object without the `*`.
    pub scope: String,
    /// ARN of the role whose credentials S3 lends; `None` when the location was not listed.
    pub role: Option<String>,
}

/// To whom a grant is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "name")]
pub enum Grantee {
    /// ARN of a user or role.
    Iam(String),
    /// Id of a user in the directory of IAM Identity Center.
    DirectoryUser(String),
    DirectoryGroup(String),
}
