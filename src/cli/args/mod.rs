//! What can be typed.

mod drift;
mod permissions;
mod policy;
mod review;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use drift::Drift;
pub use permissions::Permissions;
pub use policy::{Includes, Policy, PolicyVerb, Simulate};
pub use review::{FailOn, Review};

const AFTER: &str = "\
Examples:
  auditseal init --from-live               write a manifest of what is there
  auditseal validate                       check manifests/, offline
  auditseal plan                           show what differs and what would be done
  auditseal plan --out plan.json           save the plan for a review
  auditseal apply plan.json                apply exactly what was reviewed
  auditseal plan --detailed-exitcode       0 in sync, 2 changes pending, 3 refused
  auditseal drift                          a scheduled check: what is new since the last one

Exit codes: 0 done, 1 failed, 2 changes pending (--detailed-exitcode, drift), 3 refused, 64 wrong usage, 130/143 interrupted.";

/// Seals Databricks audit logs on AWS: declares the secure configuration, shows the difference, and makes it so.
#[derive(Debug, Parser)]
#[command(name = "auditseal", version, after_help = AFTER, max_term_width = 100, propagate_version = true)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Where manifests are, unless `--manifest` says otherwise.
pub const MANIFESTS: &str = "manifests";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Manifest file, or directory of manifests that are planned together
    #[arg(short, long, global = true, value_name = "PATH", default_value = MANIFESTS)]
    pub manifest: PathBuf,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The form was asked for, it is not the default.
    #[arg(skip)]
    pub format_given: bool,
    /// Colour of text output; NO_COLOR switches it off
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// One line for each change
    #[arg(long, global = true)]
    pub concise: bool,
    /// Also the ordered steps and the guards that pass; on stderr each request (method, host, path, status), never bodies
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Form of log lines on stderr
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Requests at one time and service (S3, KMS, IAM, Databricks; 1 to 100) [default: 10]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub parallelism: Option<u8>,
    /// AWS profile, when the manifests name one AWS account
    #[arg(long, global = true, value_name = "NAME")]
    pub aws_profile: Option<String>,
    /// Databricks profile, when the manifests name one Databricks account
    #[arg(long, global = true, value_name = "NAME")]
    pub databricks_profile: Option<String>,
    /// AWS endpoint instead of the real ones; plain HTTP only on loopback
    #[arg(long, global = true, value_name = "URL", env = "AWS_ENDPOINT_URL", hide_env_values = true)]
    pub endpoint_aws: Option<String>,
    /// Databricks endpoint for account and workspaces; plain HTTP only on loopback
    #[arg(long, global = true, value_name = "URL", env = "AUDITSEAL_ENDPOINT_DATABRICKS", hide_env_values = true)]
    pub endpoint_databricks: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write a manifest: of what is there, changing nothing, or for a new estate
    Init(Box<super::init::Init>),
    /// Check manifests, offline
    Validate(Validate),
    /// Write manifests in their canonical form: order, alignment; comments and meaning stay
    Fmt(Fmt),
    /// Show what differs from the declaration and the ordered changes; changes nothing
    Plan(Plan),
    /// Print a saved plan, or a manifest with every default filled in
    Show(Show),
    /// Plan, ask, make the changes, read them back, verify
    Apply(Apply),
    /// Check on a schedule: what differs, who can, whether logs are delivered, and what is new since the last check
    Drift(Drift),
    /// Say who can read, write, tamper with or list the logs, through what, and prove who cannot
    Access(Access),
    /// Plan, ask, and put back what a run changed
    Rollback(Rollback),
    /// Take the ownership marks off, and leave everything running
    Forget(Forget),
    /// List the runs of this machine, or show the steps of one
    Runs(Runs),
    /// Break the lock that an interrupted apply left
    Unlock(Unlock),
    /// List the sinks of findings, test them, send what waits for them
    Alert(super::alert::Alert),
    /// Evaluate policies offline: what they decide about a request, what they allow beyond others
    Policy(Policy),
    /// Say what a change of manifests does to access, controls and waivers, offline, for pull requests
    Review(Review),
    /// Print the least AWS policy and the Databricks roles that a command needs, offline
    Permissions(Permissions),
    /// Say what a guard, finding, control or manifest code means and what to do
    Explain(Explain),
    /// Print the JSON Schema of the manifest, or of what a verb prints
    Schema(Schema),
    /// Print a shell completion script
    Completions(Completions),
    /// Print the manual page
    Man,
    /// Print the versions of program, manifest and plan format
    Version,
}

#[derive(Debug, Args)]
pub struct Validate {
    /// Also fail on waivers that have ended
    #[arg(long)]
    pub strict: bool,
}

const FMT: &str = "\
Sections and keys come in the order of the documentation, `=` and trailing comments are aligned. \
Names of the files that changed go to stdout.

Examples:
  auditseal fmt                     every manifest of manifests/, and its defaults.toml
  auditseal fmt --check --diff      for CI: writes nothing, shows what would change
  auditseal fmt - < acme.toml       standard input to standard output, for editors

Exit codes: 0 done, 1 invalid TOML, or with --check a file that is not formatted, 64 wrong usage.";

#[derive(Debug, Args)]
#[command(after_help = FMT)]
pub struct Fmt {
    /// Files or directories; `-` is standard input [default: the manifests]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; exit 1 and list the files that are not formatted
    #[arg(long)]
    pub check: bool,
    /// Also show what changes
    #[arg(long)]
    pub diff: bool,
}

#[derive(Debug, Args)]
pub struct Plan {
    /// Save the plan to this file (mode 0600), for `auditseal apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit 2 when changes are pending, 0 only when in sync
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Instead of the plan, the chain of reasoning behind what it does to this address
    #[arg(long, value_name = "ADDRESS")]
    pub explain: Option<String>,
    /// Plan only this, with what it depends on: an address, MANIFEST/KIND, a kind or a manifest, `*` for any text; may be
    /// repeated
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// Leave this out, and what depends on it; written like --target; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
    /// Accept what a guard refuses, by its code; may be repeated
    #[arg(long, value_name = "CODE")]
    pub allow: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Show {
    /// A saved plan
    pub file: Option<PathBuf>,
    /// Print the manifests with every default filled in
    #[arg(long, conflicts_with = "file")]
    pub expanded: bool,
    /// Instead of the plan, the chain of reasoning behind what it does to this address
    #[arg(long, value_name = "ADDRESS", requires = "file")]
    pub explain: Option<String>,
}

#[derive(Debug, Args)]
pub struct Apply {
    /// A saved plan; without it, plan now and ask
    pub file: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Accept what a guard refuses, by its code; may be repeated
    #[arg(long, value_name = "CODE", conflicts_with = "file")]
    pub allow: Vec<String>,
    /// Apply only this, with what it depends on: an address, MANIFEST/KIND, a kind or a manifest, `*` for any text; may be
    /// repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with = "file")]
    pub target: Vec<String>,
    /// Leave this out, and what depends on it; written like --target; may be repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with = "file")]
    pub exclude: Vec<String>,
    /// How long to wait for a lock that somebody else holds, for example 5m
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub lock_timeout: std::time::Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Question {
    Read,
    Write,
    Tamper,
    List,
}

impl From<Question> for auditseal::access::Question {
    fn from(question: Question) -> Self {
        match question {
            Question::Read => Self::Read,
            Question::Write => Self::Write,
            Question::Tamper => Self::Tamper,
            Question::List => Self::List,
        }
    }
}

#[derive(Debug, Args)]
pub struct Access {
    /// Only this; without it, everything
    #[arg(value_enum)]
    pub question: Option<Question>,
    /// Only this principal: an ARN, or the name of a Databricks principal
    #[arg(long, value_name = "ARN")]
    pub principal: Option<String>,
    /// As it will be once the plan is applied, not as it is
    #[arg(long)]
    pub planned: bool,
    /// Service and resource control policies, where the organization may not be read: JSON with `levels`
    #[arg(long, value_name = "FILE")]
    pub organization: Option<PathBuf>,
}

const ROLLBACK: &str = "\
Only what still is as the run left it is put back; what somebody changed since is told and left alone. \
What was created stays, with its protection: buckets, keys and roles are never deleted, log-delivery \
configurations are disabled. Guards are those of apply: a state that lets in whom the manifests do not \
declare is refused unless its code is allowed. A rollback is a run too, and can be rolled back.

Examples:
  auditseal runs                          which runs there are
  auditseal rollback 3f2a91 --plan        show what would be put back, change nothing
  auditseal rollback 3f2a91               show it, ask, and do it

Exit codes: 0 done, or nothing to put back; 1 failed or declined; 3 refused; 64 wrong usage.";

#[derive(Debug, Args)]
#[command(after_help = ROLLBACK)]
pub struct Rollback {
    /// Id of the run, or its beginning, as `auditseal runs` lists it
    pub run: String,
    /// Only show the plan
    #[arg(long)]
    pub plan: bool,
    /// Save the plan to this file (mode 0600), for `auditseal apply FILE`; changes nothing now
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Accept what a guard refuses, by its code; may be repeated
    #[arg(long, value_name = "CODE")]
    pub allow: Vec<String>,
    /// How long to wait for a lock that somebody else holds, for example 5m
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub lock_timeout: std::time::Duration,
}

#[derive(Debug, Args)]
pub struct Forget {
    /// A manifest, or addresses such as `acme/bucket[audit]`; without it, everything that the manifests mark
    #[arg(value_name = "ADDRESS")]
    pub what: Vec<String>,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// How long to wait for a lock that somebody else holds, for example 5m
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub lock_timeout: std::time::Duration,
}

#[derive(Debug, Args)]
pub struct Runs {
    /// Id of a run, or the beginning of one; without it, all are listed, newest first: those of this machine, and of a
    /// declared [store]
    pub run: Option<String>,
}

#[derive(Debug, Args)]
pub struct Unlock {
    /// Id of the run that holds the lock, as the refusal printed it
    pub run: String,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// For example `self-lockout-bucket`; without a code, all are listed
    pub code: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    Manifest,
    Defaults,
    Plan,
    PlanExplain,
    Access,
    Drift,
    Init,
    Permissions,
    Review,
    PolicySimulate,
    PolicyIncludes,
    Runs,
    Alert,
    AlertSinks,
}

#[derive(Debug, Args)]
pub struct Schema {
    #[arg(value_enum, default_value_t = SchemaOf::Manifest)]
    pub of: SchemaOf,
}

#[derive(Debug, Args)]
pub struct Completions {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// The command tree, for completions and the manual page.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// `90s`, `5m`, `1h`.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| format!("`{text}` is no duration such as 30s or 5m"))?;
    span.try_into().map_err(|_| format!("`{text}` is negative"))
}
