//! The binary as its users meet it: a real process, with an environment and a folder of its own.

mod access;
mod alert;
mod authorities;
mod drift;
mod estate;
mod fmt;
mod init;
mod inputs;
mod parts;
mod permissions;
mod policy;
mod reasons;
mod recipes;
mod refusals;
mod review;
mod rollback;
mod runs;
mod signals;
mod store;
mod usage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use aws_credential_types::Credentials;
use serde_json::Value;
use tokio::process::Command;

use crate::harness::Case;

/// A user at a shell: a folder, and nothing in the environment that was not put there.
pub struct Shell {
    folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Shell {
    /// Nothing but a home and a path.
    pub fn bare() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let environment = BTreeMap::from([
            ("PATH".to_owned(), std::env::var("PATH").expect("PATH")),
            ("HOME".to_owned(), folder.path().display().to_string()),
            // No test asks the metadata service of the machine that it runs on.
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
        ]);
        Self { folder, environment }
    }

    /// A declared admin of the case's account, with its manifest in `manifests/`.
    pub async fn of(case: &Case) -> Self {
        Self::with_role(case, "PlatformAdmin").await
    }

    pub async fn with_role(case: &Case, role: &str) -> Self {
        let session = case.sandbox.aws.session(role, true).await.expect("session");
        Self::with_session(case, &session)
    }

    pub fn with_session(case: &Case, session: &Credentials) -> Self {
        let mut shell = Self::bare();
        case.sandbox.write_manifest(&shell.path("manifests")).expect("manifest");
        for (name, value) in case.sandbox.environment(session) {
            shell.environment.insert(name.to_owned(), value);
        }
        shell
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn unset(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, content).expect("file");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("file")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auditseal"));
        command
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().await.expect("the program starts");
        let ended = Ended {
            code: output.status.code().expect("an exit code, not a signal"),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        };
        // Whatever happens, no user is shown the inside of the program.
        for leak in ["panicked at", "stack backtrace", "RUST_BACKTRACE", "src/main.rs"] {
            assert!(!ended.all().contains(leak), "`auditseal {}` shows `{leak}`: {}", arguments.join(" "), ended.all());
        }
        ended
    }

    /// Runs and insists on the exit code.
    pub async fn ends(&self, arguments: &[&str], code: i32) -> Ended {
        let ended = self.run(arguments).await;
        assert_eq!(ended.code, code, "`auditseal {}` ended with\n{}", arguments.join(" "), ended.all());
        ended
    }

    /// Every file below the folder, as text.
    pub fn files(&self) -> String {
        let mut text = String::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("folder") {
                let path = entry.expect("entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    text.push_str(&String::from_utf8_lossy(&std::fs::read(path).expect("file")));
                }
            }
        }
        text
    }
}

impl Ended {
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// The one document that stdout holds.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not one JSON document: {error}\n{}", self.out))
    }

    #[track_caller]
    pub fn says(&self, part: &str) {
        assert!(self.all().contains(part), "`{part}` is not said:\n{}", self.all());
    }
}

/// What differs between two runs of a test, by name.
pub fn redacted(text: &str, case: &Case) -> String {
    let mut text = text.to_owned();
    let aws = &case.sandbox.aws;
    if let Some(insecure) = &case.sandbox.insecure {
        text = text.replace(&insecure.grant_id, "GRANT");
        text = text.replace(insecure.key_arn.rsplit('/').next().expect("key id"), "KEY");
    }
    text = text.replace(&aws.account, "ACCOUNT");
    // Ids that Databricks gave.
    let mut clean = String::new();
    for (index, part) in text.split('[').enumerate() {
        if index > 0 {
            clean.push('[');
        }
        match part.split_once(']') {
            Some((id, rest)) if id.len() == 36 && uuid::Uuid::parse_str(id).is_ok() => {
                clean.push_str("CONFIG]");
                clean.push_str(rest);
            }
            _ => clean.push_str(part),
        }
    }
    clean
}

/// A manifest that names nobody who exists: enough for everything that is offline.
pub const SMALL: &str = include_str!("../../../examples/manifests/minimal.toml");

pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("file").permissions().mode() & 0o777
}
