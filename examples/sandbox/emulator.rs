//! The AWS emulator of the sandbox: MiniStack (PyPI, MIT) with the corrections of
//! `python/launcher.py`, in a private Python environment under the target directory.
//!
//! The emulator checks IAM, bucket and key policies (`AUTH=true`), which makes it an independent
//! judge of what the applied configuration allows. A 12-digit access key is the root user of that
//! account, so that one emulator serves any number of unrelated estates.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};

/// How long the emulator may take to answer its first request.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Logs of earlier runs are removed after this time.
const LOG_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// A running emulator. It ends when this is dropped, and also when this process ends in any way,
/// because it watches a pipe from this process.
pub struct Emulator {
    child: Mutex<Child>,
    _lifeline: ChildStdin,
    port: u16,
    log: PathBuf,
    accounts: AtomicU64,
}

impl Emulator {
    /// Installs the emulator if needed and starts it on a free loopback port. Blocks: about one
    /// second, or as long as pip needs the first time.
    pub fn start() -> Result<Self> {
        let sandbox = sandbox_directory();
        fs::create_dir_all(&sandbox).with_context(|| format!("create {}", sandbox.display()))?;
        remove_old_logs(&sandbox);
        let python = Python::prepare(&sandbox, "requirements.txt")?;
        let log = log_path(&sandbox);
        let output = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let mut child = python
            .command()
            .arg(sources().join("launcher.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(output)
            .spawn()
            .context("start the AWS emulator")?;
        let lifeline = child.stdin.take().ok_or_else(|| anyhow!("the emulator has no stdin"))?;
        let stdout = child.stdout.take().ok_or_else(|| anyhow!("the emulator has no stdout"))?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("read the emulator's port")?;
        let Ok(port) = line.trim().parse() else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("the AWS emulator did not start: {}", tail(&log));
        };
        let child = Mutex::new(child);
        let accounts = AtomicU64::new(100_000_000_000);
        let emulator = Self { child, _lifeline: lifeline, port, log, accounts };
        emulator.wait_until_ready()?;
        Ok(emulator)
    }

    /// The one emulator of this process, started on first use. A static is never dropped; the
    /// emulator ends with the process all the same.
    pub fn shared() -> Result<Arc<Self>> {
        static SHARED: Mutex<Option<Arc<Emulator>>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.as_ref() {
            return Ok(Arc::clone(running));
        }
        let started = Arc::new(Self::start()?);
        *shared = Some(Arc::clone(&started));
        Ok(started)
    }

    /// `http://127.0.0.1:port`, without the proxy's additions.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// An AWS account id that nobody else in this emulator uses.
    pub fn fresh_account(&self) -> String {
        format!("{:012}", self.accounts.fetch_add(1, Ordering::Relaxed))
    }

    /// The emulator's log file.
    pub fn log(&self) -> &Path {
        &self.log
    }

    fn wait_until_ready(&self) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if self.answers() {
                return Ok(());
            }
            let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(status) = child.try_wait()? {
                bail!("the AWS emulator ended with {status}: {}", tail(&self.log));
            }
            drop(child);
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the AWS emulator does not answer: {}", tail(&self.log))
    }

    fn answers(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(5)) else {
            return false;
        };
        let _ = stream.set_read_timeout(Some(START_LIMIT));
        let request = "GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = [0; 12];
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer.ends_with(b"200")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The interpreter that has the emulator's packages.
struct Python {
    executable: PathBuf,
    /// Where the packages are when they are not the interpreter's own.
    packages: Option<PathBuf>,
}

impl Python {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.arg("-B");
        command.env_remove("PYTHONHOME").env_remove("PYTHONPATH");
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command
    }

    /// The environment for the present text of a requirements file; made once, under a file lock.
    fn prepare(sandbox: &Path, requirements: &str) -> Result<Self> {
        let requirements = sources().join(requirements);
        let text = fs::read(&requirements).with_context(|| format!("read {}", requirements.display()))?;
        let digest: String = Sha256::digest(&text).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let environment = sandbox.join(format!("venv-{digest}"));
        let lock_path = sandbox.join(format!("venv-{digest}.lock"));
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path)?;
        lock.lock().with_context(|| format!("lock {}", lock_path.display()))?;
        if !environment.join("complete").exists() {
            let _ = fs::remove_dir_all(&environment);
            Self::install(&environment, &requirements)?;
            fs::write(environment.join("complete"), "")?;
        }
        Ok(Self::of(&environment))
    }

    fn of(environment: &Path) -> Self {
        let packages = environment.join("packages");
        if packages.is_dir() {
            return Self { executable: system_python(), packages: Some(packages) };
        }
        let bin = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python3" };
        Self { executable: environment.join(bin), packages: None }
    }

    fn install(environment: &Path, requirements: &Path) -> Result<()> {
        let system = system_python();
        let version = "import sys; sys.exit(sys.version_info < (3, 10))";
        let found = Command::new(&system).args(["-c", version]).output();
        let needs = "the AWS sandbox needs Python 3.10 or newer with venv or pip \
                     (Debian and Ubuntu: apt-get install python3-venv); set SANDBOX_PYTHON to choose one";
        match found {
            Ok(output) if output.status.success() => {}
            Ok(_) => bail!("{} is too old: {needs}", system.display()),
            Err(_) => bail!("{} was not found: {needs}", system.display()),
        }
        let venv = Command::new(&system).args(["-m", "venv"]).arg(environment).output()?;
        let mut pip = if venv.status.success() {
            Self::of(environment).command()
        } else {
            // Without ensurepip (Debian without python3-venv) the system's pip can still unpack.
            let _ = fs::remove_dir_all(environment);
            fs::create_dir_all(environment)?;
            Command::new(&system)
        };
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip.args(["--prefer-binary", "--require-hashes", "-r"]).arg(requirements);
        if !venv.status.success() {
            pip.arg("--target").arg(environment.join("packages"));
        }
        let installed = pip.output()?;
        if !installed.status.success() {
            let said = String::from_utf8_lossy(&installed.stderr).into_owned();
            let _ = fs::remove_dir_all(environment);
            bail!("pip could not install {}: {}\n{needs}", requirements.display(), said.trim());
        }
        Ok(())
    }
}

/// An interpreter with the packages of a requirements file beside the launcher, in a private environment.
pub fn python(requirements: &str) -> Result<Command> {
    let sandbox = sandbox_directory();
    fs::create_dir_all(&sandbox).with_context(|| format!("create {}", sandbox.display()))?;
    Ok(Python::prepare(&sandbox, requirements)?.command())
}

fn system_python() -> PathBuf {
    std::env::var_os("SANDBOX_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from)
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sandbox/python")
}

fn sandbox_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from)
        .join("sandbox")
}

fn log_path(sandbox: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    sandbox.join(format!("ministack-{}-{count}.log", std::process::id()))
}

fn remove_old_logs(sandbox: &Path) {
    let Ok(entries) = fs::read_dir(sandbox) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let modified = entry.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::now());
        let age = modified.elapsed().unwrap_or_default();
        if name.starts_with("ministack-") && name.ends_with(".log") && age > LOG_LIFETIME {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The end of a log file, for error messages.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(15).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
