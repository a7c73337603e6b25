use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

const AFTER: &str = "\
Examples:
  auditseal validate                       check manifests/, offline
  auditseal plan                           show what differs and what would be done
  auditseal plan --out plan.json           save the plan for a review
  auditseal apply plan.json                apply exactly what was reviewed
  auditseal plan --detailed-exitcode       0 in sync, 2 changes pending, 3 refused

Exit codes: 0 done, 1 failed, 2 changes pending (--detailed-exitcode), 3 refused, 64 wrong usage, 130/143 interrupted.";

/// Seals Databricks audit logs on AWS: declares the secure configuration, shows the difference, and makes it so.
#[derive(Debug, Parser)]
#[command(name = "auditseal", version, after_help = AFTER, max_term_width = 100, propagate_version = true)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

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
    #[arg(short, long, global = true, value_name = "PATH", default_value = "manifests")]
    pub manifest: PathBuf,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
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
    /// Check manifests, offline
    Validate(Validate),
    /// Show what differs from the declaration and the ordered changes; changes nothing
    Plan(Plan),
    /// Print a saved plan, or a manifest with every default filled in
    Show(Show),
    /// Plan, ask, make the changes, read them back, verify
    Apply(Apply),
    /// Break the lock that an interrupted apply left
    Unlock(Unlock),
    /// Say what a guard, finding or manifest code means and what to do
    Explain(Explain),
    /// Print the JSON Schema of the manifest, or of the plan document
    Schema(Schema),
    /// Print a shell completion script
    Completions(Completions),
    /// Print the manual page
    Man,
    /// Print the versions of program, manifest and plan format
    Version,
}

#[derive(Debug, Args)]
pub struct Validate {}

#[derive(Debug, Args)]
pub struct Plan {
    /// Save the plan to this file (mode 0600), for `auditseal apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit 2 when changes are pending, 0 only when in sync
    #[arg(long)]
    pub detailed_exitcode: bool,
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
    /// How long to wait for a lock that somebody else holds, for example 5m
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub lock_timeout: std::time::Duration,
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
    Plan,
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
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| format!("`{text}` is no duration such as 30s or 5m"))?;
    span.try_into().map_err(|_| format!("`{text}` is negative"))
}
