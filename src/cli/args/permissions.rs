use clap::{Args, ValueEnum};

const PERMISSIONS: &str = "\
The policy allows what the command may ask and send for the manifests, and nothing else: a bucket, a \
key, a role and the parameter of the lock by name, `*` only where AWS takes nothing narrower. Where \
no manifest is there, names stand as words to be replaced. Nothing is read but manifests.

Examples:
  auditseal permissions                     for `plan`
  auditseal permissions apply --reasons     also which call needs which action
  auditseal permissions drift --format json | jq '.aws[0].policies[0]'
                                            one policy, for aws iam create-policy

Exit codes: 0 printed, 1 an invalid manifest, 64 wrong usage.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PermissionsOf {
    Plan,
    Apply,
    Drift,
    Access,
    Rollback,
    Forget,
    Unlock,
    Runs,
    Init,
}

impl From<PermissionsOf> for auditseal::run::permissions::Command {
    fn from(of: PermissionsOf) -> Self {
        match of {
            PermissionsOf::Plan => Self::Plan,
            PermissionsOf::Apply => Self::Apply,
            PermissionsOf::Drift => Self::Drift,
            PermissionsOf::Access => Self::Access,
            PermissionsOf::Rollback => Self::Rollback,
            PermissionsOf::Forget => Self::Forget,
            PermissionsOf::Unlock => Self::Unlock,
            PermissionsOf::Runs => Self::Runs,
            PermissionsOf::Init => Self::Init,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = PERMISSIONS)]
pub struct Permissions {
    /// The command; `init` is `init --from-live`
    #[arg(value_enum, value_name = "COMMAND", default_value_t = PermissionsOf::Plan)]
    pub of: PermissionsOf,
    /// Also every action with what it is on and the calls that need it
    #[arg(long)]
    pub reasons: bool,
}
