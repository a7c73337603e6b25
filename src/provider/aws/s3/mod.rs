//! Simple Storage Service: the sub-resources of a bucket, read and written one operation each. Requests name the account
//! that the bucket must belong to (`x-amz-expected-bucket-owner`), so that a bucket of that name in somebody else's account
//! is neither believed nor changed.

mod lifecycle;
mod newest;
mod notification;
mod objects;
mod read;
mod replication;
mod whole;
mod write;

pub use objects::{Condition, Kept, Listed, Object, Objects};
pub(super) use whole::{Unkept, Whole};

/// The operations, on a client for reads or one for writes.
#[derive(Clone, Debug)]
pub(super) struct S3 {
    client: aws_sdk_s3::Client,
    /// Account id expected of every bucket.
    owner: Option<String>,
    region: String,
}

impl S3 {
    pub(super) fn new(client: aws_sdk_s3::Client, owner: Option<String>, region: String) -> Self {
        Self { client, owner, region }
    }

    fn owner(&self) -> Option<String> {
        self.owner.clone()
    }
}
