use clap::{Args, ValueEnum};

const REVIEW: &str = "\
BASE and HEAD are git revisions, in which the manifests are those of -m, or paths of manifests. \
What exists as a path is one; write refs/heads/NAME for a branch of the same name. Nothing but \
the repository is read. Somebody gains when the declaration names them for more than before, when \
a generated policy allows more or could not be proved not to, or when a waiver that can leave a \
way in appears or lasts longer.

Examples:
  auditseal review origin/main HEAD                           text
  auditseal review origin/main HEAD --format markdown         a comment, found again by its marker
  auditseal review origin/main HEAD --fail-on widening        4 when access widens
  auditseal review HEAD manifests                             what is not committed yet

Exit codes: 0 compared, 1 an invalid manifest or an unknown revision, 4 access widens and \
--fail-on widening was given, 64 wrong usage.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Widening,
}

#[derive(Debug, Args)]
#[command(after_help = REVIEW)]
pub struct Review {
    /// Git revision or path that is compared with
    #[arg(value_name = "BASE")]
    pub base: String,
    /// Git revision or path that is reviewed
    #[arg(value_name = "HEAD")]
    pub head: String,
    /// Exit 4 when access widens
    #[arg(long, value_enum)]
    pub fail_on: Option<FailOn>,
}
