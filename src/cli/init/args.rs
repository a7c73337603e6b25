use clap::{Args, ValueEnum};

const INIT: &str = "\
With --from-live the accounts are read, and nothing in them is changed: the delivery of audit logs that \
works, its bucket, prefix, key and role, who reads and who administers, with a waiver for every control \
that does not hold yet. `auditseal plan` right after it changes nothing, and the file reads as a list of \
things to do. Without it, flags or a few questions on a terminal give a manifest for a new estate.

The file is manifests/NAME.toml, or what -m names. Nothing is ever overwritten. --format json prints \
what was found and written, and what a plan of it shows, as one document.

Examples:
  auditseal init --from-live --databricks-account-id 0d26daa6-5e44-4c97-a497-ef015f91254a
  auditseal init --from-live --bucket acme-audit --waive-until 2027-03-31 --owner platform-team
  auditseal init --from-live --stdout                       look at it first
  auditseal init                                            asks on the terminal
  auditseal init --databricks-account-id 0d26daa6-5e44-4c97-a497-ef015f91254a \\
    --aws-account-id 111122223333 --region us-east-1 --bucket acme-databricks-audit \\
    --admin-role arn:aws:iam::111122223333:role/PlatformAdmin

Exit codes: 0 written; 1 the file exists, or what was found cannot be declared; 3 something could not be \
read, or a guard refuses: nothing is written unless --allow names the code; 64 wrong usage, or no \
terminal to ask on.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PartitionName {
    Aws,
    AwsUsGov,
    AwsUsGovDod,
}

#[derive(Debug, Args)]
#[command(after_help = INIT)]
pub struct Init {
    /// Read the accounts, and adopt what is there
    #[arg(long)]
    pub from_live: bool,
    /// Databricks account id
    #[arg(long, value_name = "ID", env = "DATABRICKS_ACCOUNT_ID", hide_env_values = true)]
    pub databricks_account_id: Option<String>,
    /// AWS account id [default with --from-live: the caller's]
    #[arg(long, value_name = "ID")]
    pub aws_account_id: Option<String>,
    /// AWS region of the bucket [default with --from-live: where the bucket is]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Partition, where it does not follow from the region
    #[arg(long, value_enum, value_name = "NAME")]
    pub partition: Option<PartitionName>,
    /// Audit bucket; with --from-live, the one whose delivery is adopted
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// Prefix that logs are delivered under [default without --from-live: audit]
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// Delivery to adopt, when there are several: id or name of its configuration
    #[arg(long, value_name = "ID", requires = "from_live")]
    pub delivery: Option<String>,
    /// Name of the manifest [default: the bucket's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Delivery role of a new estate [default: one of its own is made]
    #[arg(long, value_name = "ARN")]
    pub role: Option<String>,
    /// AWS profile for the delivery role, when that is in another account
    #[arg(long, value_name = "NAME")]
    pub role_profile: Option<String>,
    /// Role that may read the logs; may be repeated
    #[arg(long, value_name = "ARN")]
    pub reader_role: Vec<String>,
    /// Databricks group that may select from system.access; may be repeated
    #[arg(long, value_name = "NAME")]
    pub reader_group: Vec<String>,
    /// Role that administers bucket and key; may be repeated [default with --from-live: whoever does]
    #[arg(long, value_name = "ARN")]
    pub admin_role: Vec<String>,
    /// Who answers for the waivers [default: the caller's ARN]
    #[arg(long, value_name = "TEXT", requires = "from_live")]
    pub owner: Option<String>,
    /// Last day of the waivers [default: 90 days from now]
    #[arg(long, value_name = "DATE", requires = "from_live")]
    pub waive_until: Option<String>,
    /// Accept what a plan would refuse, by its code (`unread-inputs` too); may be repeated
    #[arg(long, value_name = "CODE", requires = "from_live")]
    pub allow: Vec<String>,
    /// Print the manifest instead of writing it
    #[arg(long)]
    pub stdout: bool,
}
