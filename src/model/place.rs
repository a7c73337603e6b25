use std::fmt;

use serde::{Deserialize, Serialize};

/// An AWS partition as Databricks sees it: GovCloud has a variant for the US Department of Defense, with the same AWS
/// partition but other Databricks accounts and hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    Aws,
    AwsUsGov,
    AwsUsGovDod,
}

impl Partition {
    /// The partition field of ARNs.
    #[must_use]
    pub fn arn_name(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
            Partition::AwsUsGov | Partition::AwsUsGovDod => "aws-us-gov",
        }
    }

    /// The principal that writes audit logs, from the trust policy that Databricks documents for log delivery
    /// (docs.databricks.com "Configure audit log delivery"; terraform-provider-databricks `aws/constants.go`).
    #[must_use]
    pub fn delivery_principal(self) -> &'static str {
        match self {
            Partition::Aws => "arn:aws:iam::414351767826:role/SaasUsageDeliveryRole-prod-IAMRole-3PLHICCRR1TK",
            Partition::AwsUsGov => {
                "arn:aws-us-gov:iam::044793339203:role/SaasUsageDeliveryRole-prod-aws-gov-IAMRole-L4QM0RCHYQ1G"
            }
            Partition::AwsUsGovDod => {
                "arn:aws-us-gov:iam::170661010020:role/SaasUsageDeliveryRole-prod-aws-gov-dod-IAMRole-1DMEHBYR8VC5P"
            }
        }
    }

    /// Host of the Databricks account API.
    #[must_use]
    pub fn account_host(self) -> &'static str {
        match self {
            Partition::Aws => "https://accounts.cloud.databricks.com",
            Partition::AwsUsGov => "https://accounts.cloud.databricks.us",
            Partition::AwsUsGovDod => "https://accounts-dod.cloud.databricks.mil",
        }
    }

    /// Suffix of workspace hosts. The DoD one is inferred, not documented.
    #[must_use]
    pub fn workspace_suffix(self) -> &'static str {
        match self {
            Partition::Aws => "cloud.databricks.com",
            Partition::AwsUsGov => "cloud.databricks.us",
            Partition::AwsUsGovDod => "cloud.databricks.mil",
        }
    }
}

/// Where a call goes: which account's API, as whom is decided by the edge that holds the credentials.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "cloud", rename_all = "snake_case")]
pub enum Place {
    Aws {
        account: String,
        region: String,
    },
    /// The Databricks account API.
    Databricks {
        account: String,
    },
    /// One workspace of a Databricks account.
    Workspace {
        account: String,
        workspace: i64,
        deployment: String,
    },
}

impl Place {
    /// The number of the AWS account; `None` for Databricks.
    #[must_use]
    pub fn aws_account(&self) -> Option<&str> {
        match self {
            Place::Aws { account, .. } => Some(account),
            Place::Databricks { .. } | Place::Workspace { .. } => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Aws { account, region } => write!(f, "AWS account {account} in {region}"),
            Place::Databricks { account } => write!(f, "Databricks account {account}"),
            Place::Workspace { workspace, .. } => write!(f, "Databricks workspace {workspace}"),
        }
    }
}
