//! Databricks' own SDK against the simulator: an independent client decodes its answers, pages and errors.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use crate::harness::Case;
use crate::sandbox::databricks::{BOUND_WORKSPACES, DatabricksSim, Options};
use crate::sandbox::estate::REGION;
use crate::sandbox::faults::Faults;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sandbox/python")
}

fn python() -> PathBuf {
    std::env::var_os("SANDBOX_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from)
}

/// A folder with the SDK, made once for each requirements file, or why there is none.
fn packages() -> Result<PathBuf, String> {
    let old = "import sys; sys.exit(sys.version_info < (3, 11))";
    let found = Command::new(python()).args(["-c", old]).status().map_err(|error| error.to_string())?;
    if !found.success() {
        return Err("Python is older than 3.11".to_owned());
    }
    let requirements = sources().join("requirements-databricks.txt");
    let text = fs::read(&requirements).map_err(|error| error.to_string())?;
    let digest: String = Sha256::digest(&text).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    let folder = target.join("sandbox");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let packages = folder.join(format!("databricks-sdk-{digest}"));
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(packages.with_extension("lock"));
    let lock = lock.map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if packages.join("complete").exists() {
        return Ok(packages);
    }
    let _ = fs::remove_dir_all(&packages);
    let pip = Command::new(python())
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"])
        .args(["--only-binary", ":all:", "-r"])
        .arg(&requirements)
        .arg("--target")
        .arg(&packages)
        .output()
        .map_err(|error| error.to_string())?;
    if !pip.status.success() {
        return Err(format!("pip: {}", String::from_utf8_lossy(&pip.stderr).trim()));
    }
    fs::write(packages.join("complete"), "").map_err(|error| error.to_string())?;
    Ok(packages)
}

/// The figure in `databricks-sdk: 201 checks passed, 0 failed`.
fn passed(output: &str) -> Option<u32> {
    output.lines().find_map(|line| line.strip_prefix("databricks-sdk: ")?.split(' ').next()?.parse().ok())
}

/// What the check expects of storage: see `stored_objects` there.
fn seed_storage(sim: &DatabricksSim, metastore: &str, bucket: &str) {
    sim.seed_storage_credential(metastore, "uc", "arn:aws:iam::111122223333:role/uc", Map::new());
    sim.seed_service_credential(metastore, "code", "arn:aws:iam::111122223333:role/code");
    let stub = Map::from_iter([("browse_only".to_owned(), json!(true))]);
    for (name, url, extra) in [
        ("logs", format!("s3://{bucket}/audit"), Map::new()),
        ("other", "s3://elsewhere/x".to_owned(), Map::new()),
        ("stub", format!("s3://{bucket}/hidden"), stub),
    ] {
        sim.seed_external_location(metastore, name, &url, "uc", extra);
    }
    let owner = "owner@example.com";
    let root = json!({ "storage_root": format!("s3://{bucket}/managed") });
    sim.seed_object(metastore, ("catalog", "main"), owner, root);
    sim.seed_object(metastore, ("catalog", "elsewhere"), owner, json!({ BOUND_WORKSPACES: [9] }));
    for schema in ["main.a", "main.b", "main.c"] {
        sim.seed_object(metastore, ("schema", schema), owner, json!({}));
    }
    let at = |path: &str| json!({ "storage_location": format!("s3://{bucket}/audit/{path}") });
    sim.seed_object(metastore, ("volume", "main.a.logs"), owner, at("volume"));
    for table in ["t1", "t2", "t3"] {
        let location = json!({ "storage_location": format!("s3a://{bucket}/audit/{table}") });
        sim.seed_object(metastore, ("table", &format!("main.a.{table}")), owner, location);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_sdk_understands_the_simulator() {
    let packages = match tokio::task::spawn_blocking(packages).await.expect("join") {
        Ok(packages) => packages,
        Err(reason) => {
            println!("SKIP the check with the official databricks-sdk: {reason}");
            return;
        }
    };
    // An applied estate has what the probe needs: a bucket, and a role that may write under the prefix only.
    let case = Case::empty().await;
    case.converge(&case.router().await).await;
    let aws = &case.sandbox.aws;
    let quiet = case.sandbox.proxy.quiet_url();
    // A simulator of its own: the check counts what is there, and needs short pages.
    let sim = DatabricksSim::start(Options {
        catalog_page_size: 2,
        log_delivery_page_size: 2,
        empty_first_page: true,
        ..Options::new(&aws.databricks_account, &quiet, REGION, Faults::new())
    });
    let sim = sim.await.expect("simulator");
    let metastore = sim.seed_metastore("main", "metastore-admins", REGION);
    sim.seed_workspace(1111, "with", REGION, Some(&metastore));
    sim.seed_workspace(2222, "without", REGION, None);
    let ada = sim.seed_user("ada@example.com", &["account_admin"]);
    sim.seed_group("security", &[(&ada, "ada@example.com")]);
    sim.seed_group("metastore-admins", &[("700001", Options::ADMIN.0)]);
    seed_storage(&sim, &metastore, &aws.bucket);

    let mut check = tokio::process::Command::new(python());
    check.args(["-B"]).arg(sources().join("databricks_sdk_check.py"));
    check.args([sim.url(), &aws.databricks_account, Options::ADMIN.0, Options::ADMIN.1]);
    check.args(["--bucket", &aws.bucket, "--role-arn", &case.desired[0].role.arn.to_string(), "--prefix", "audit"]);
    check.args(["--reader", Options::READER.0, Options::READER.1]);
    check.args(["--unprivileged", Options::UNPRIVILEGED.0, Options::UNPRIVILEGED.1]);
    check.env("PYTHONPATH", &packages).env_remove("PYTHONHOME").stdin(Stdio::null());
    for (name, _) in std::env::vars() {
        if name.starts_with("DATABRICKS_") || name.to_ascii_lowercase().ends_with("_proxy") {
            check.env_remove(name);
        }
    }
    let output = check.output().await.expect("the check runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let passed = passed(&out).expect("a figure");
    assert!(passed > 200, "only {passed} checks: {out}");
}
