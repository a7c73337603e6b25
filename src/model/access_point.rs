//! S3 access points, of one region and of several: further doors to a bucket, each with a policy and switches of its own.

use serde::{Deserialize, Serialize};

use super::bucket::PublicAccessBlock;

/// One access point of a bucket (`s3control:GetAccessPoint`). Its policy is asked for apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPoint {
    pub name: String,
    pub arn: String,
    pub bucket: String,
    /// The account that owns the access point, not always that of the bucket.
    pub account: String,
    /// Requests come only through this VPC; `None` is the internet.
    pub vpc: Option<String>,
    /// Set when it was made and never changed afterwards.
    pub block: PublicAccessBlock,
}

/// A Multi-Region access point, as it leads to one bucket (`s3:ListMultiRegionAccessPoints`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiRegionAccessPoint {
    pub point: AccessPoint,
    /// The policy in force (`s3:GetMultiRegionAccessPointPolicy`).
    pub policy: Option<String>,
}
