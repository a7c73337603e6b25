use clap::{Args, ValueEnum};

use super::duration;

const DRIFT: &str = "\
A check plans as `plan` does, changes nothing, and also asks whether logs are delivered: the status of \
the log-delivery configuration, the age of its last success, and the newest object that can be listed \
(s3:ListBucket: declare the caller's role under [observers], which may list and not read). What is \
open is remembered in .auditseal/drift.json beside the manifests: the next check marks with + what is \
new and lists what closed. With a [store] in the manifests that folder is a working copy: a machine that \
has forgotten it begins with what the store knows, and every check is kept there; a store that cannot be \
used is said and ends with 3, after what the folder knows was told. What could not be read neither \
opens nor closes anything. Who made a change is looked up in CloudTrail (cloudtrail:LookupEvents), when \
that is allowed.

Examples:
  auditseal drift                                     once, for cron, systemd, CI
  auditseal drift --format json --fail-on high        one document; 4 when such a thing is open
  auditseal drift --every 15m                         go on until SIGTERM or Ctrl-C
  auditseal drift --every 15m --listen 9187           with health and metrics on loopback

Exit codes: 0 in sync and everything was read; 2 drift; 3 something could not be read, a guard refuses \
a plan of this state, or another check goes on for longer than --lock-timeout; 4 --fail-on was given \
and something of that severity is open; 1 failed; 64 wrong usage; 130, 143 ended by SIGINT, \
SIGTERM. With --every a check that fails is said and counted, and the next one is made all the same.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl From<Severity> for auditseal::finding::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Low => Self::Low,
            Severity::Medium => Self::Medium,
            Severity::High => Self::High,
            Severity::Critical => Self::Critical,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = DRIFT)]
pub struct Drift {
    /// Exit 4 when something of this severity or a higher one is open
    #[arg(long, value_enum, value_name = "SEVERITY", conflicts_with = "every")]
    pub fail_on: Option<Severity>,
    /// Keep running, and check this often: 1m to 168h, give or take a tenth
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    pub every: Option<std::time::Duration>,
    /// Local folder that remembers what is open, where the manifests' own is read-only; a declared [store] is kept in step
    /// with it all the same [default: .auditseal beside the manifests]
    #[arg(long, value_name = "DIR")]
    pub store: Option<std::path::PathBuf>,
    /// How long to wait for another check that uses the same folder
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub lock_timeout: std::time::Duration,
    /// Serve /healthz, /readyz and /metrics here: a port of loopback, or ADDRESS:PORT
    #[arg(long, value_name = "ADDRESS", requires = "every", value_parser = address)]
    pub listen: Option<std::net::SocketAddr>,
}

const SHORTEST_INTERVAL: std::time::Duration = std::time::Duration::from_secs(60);
const LONGEST_INTERVAL: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);

/// `15m`, `1h`.
fn interval(text: &str) -> Result<std::time::Duration, String> {
    let interval = duration(text)?;
    if (SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&interval) {
        Ok(interval)
    } else {
        Err(format!("`{text}` is not between 1m and 168h"))
    }
}

/// `9187` is a port of loopback, for other addresses write `0.0.0.0:9187`.
fn address(text: &str) -> Result<std::net::SocketAddr, String> {
    let port = text.parse::<u16>().ok().map(|port| (std::net::Ipv4Addr::LOCALHOST, port).into());
    port.or_else(|| text.parse().ok())
        .ok_or_else(|| format!("`{text}` is no port and no address such as 127.0.0.1:9187"))
}
