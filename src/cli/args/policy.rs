use std::path::PathBuf;

use clap::{Args, Subcommand};

const SIMULATE: &str = "\
A request is a JSON document; a list of requests gives a list of results in the same order:
  { \"principal\": \"arn:aws:iam::111122223333:role/Analyst\", \"action\": \"s3:GetObject\",
    \"resource\": \"arn:aws:s3:::logs/a.json\", \"resource_account\": \"111122223333\",
    \"context\": { \"aws:SecureTransport\": \"true\" },
    \"identity_policies\": [ { \"name\": \"S3Read\", \"policy\": { … } } ], \"resource_policy\": { … } }

Also: permissions_boundary, session_policy, service_control_policies and resource_control_policies \
(one list for each level), vpc_endpoint_policy, block_public_access, kms_grants, canonical_user, \
unknown_keys. Keys that follow from principal and resource are derived; aws:SecureTransport, \
aws:CurrentTime and the like, which every request has, are unknown unless given; every other key \
that is not given is absent. Results are printed as JSON unless --format text is given.

Examples:
  auditseal policy simulate request.json                  one result, as JSON
  auditseal policy simulate --format text a.json b.json   for people
  generate | auditseal policy simulate -                  from standard input

Exit codes: 0 every request was decided, 3 a decision is unknown, 1 invalid input, 64 wrong usage.";

#[derive(Debug, Args)]
pub struct Policy {
    #[command(subcommand)]
    pub verb: PolicyVerb,
}

#[derive(Debug, Subcommand)]
pub enum PolicyVerb {
    /// Say what policies decide about requests, and which statements decided
    Simulate(Simulate),
    /// Say whether one policy allows nothing that another does not, with a request that makes the difference
    Includes(Includes),
}

#[derive(Debug, Args)]
#[command(after_help = SIMULATE)]
pub struct Simulate {
    /// Requests with their policies, as JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

const INCLUDES: &str = "\
The candidate is included when the reference allows every request that the candidate allows; \
otherwise the witness is a request that only the candidate allows. Identity policies are compared \
with identity policies, resource policies with resource policies. Results are printed as JSON \
unless --format text is given.

Examples:
  auditseal policy includes --reference approved.json --candidate new.json
  auditseal policy includes --pairs pairs.json            [ { \"reference\": { … }, \"candidate\": { … } }, … ]

Exit codes: 0 included, 3 not included or not known, 1 invalid input, 64 wrong usage.";

#[derive(Debug, Args)]
#[command(after_help = INCLUDES)]
pub struct Includes {
    /// Policy that sets the limit; `-` is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "pairs", requires = "candidate")]
    pub reference: Option<PathBuf>,
    /// Policy that has to stay within it
    #[arg(long, value_name = "FILE", requires = "reference")]
    pub candidate: Option<PathBuf>,
    /// A list of pairs; gives a list of answers in the same order
    #[arg(long, value_name = "FILE", conflicts_with_all = ["reference", "candidate"])]
    pub pairs: Option<PathBuf>,
}
