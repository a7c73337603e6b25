//! Wrong credentials, wrong callers, wrong endpoints: what is wrong is said, and nothing is changed.

use super::Shell;
use crate::harness::Case;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undeclared_caller_may_look_but_not_touch() {
    let case = Case::insecure().await;
    let shell = Shell::with_role(&case, "AccountAdmin").await;
    let writes = case.sandbox.faults.counted().1;
    let plan = shell.ends(&["plan", "--detailed-exitcode"], 2).await;
    plan.says("not-a-declared-admin: warning");
    let apply = shell.ends(&["apply", "--auto-approve"], 3).await;
    apply.says("not-a-declared-admin: refused");
    apply.says("Nothing was changed");
    assert_eq!(case.sandbox.faults.counted().1, writes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_of_another_account() {
    let case = Case::insecure().await;
    let other = Case::empty().await;
    let session = other.sandbox.aws.session("PlatformAdmin", true).await.expect("session");
    let shell = Shell::with_session(&case, &session);
    let writes = case.sandbox.faults.counted().1;
    for arguments in [&["plan"][..], &["apply", "--auto-approve"]] {
        let ended = shell.ends(arguments, 3).await;
        ended.says(&other.sandbox.aws.account);
        ended.says(&case.sandbox.aws.account);
    }
    assert_eq!(case.sandbox.faults.counted().1, writes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aws_credentials_that_are_wrong_or_missing() {
    let case = Case::empty().await;
    let wrong = Shell::of(&case).await.set("AWS_SECRET_ACCESS_KEY", "not-the-secret-of-this-session");
    let none =
        Shell::of(&case).await.unset("AWS_ACCESS_KEY_ID").unset("AWS_SECRET_ACCESS_KEY").unset("AWS_SESSION_TOKEN");
    let unreachable = Shell::of(&case).await.set("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let (none, unreachable) =
        tokio::join!(none.ends(&["plan"], 3), unreachable.ends(&["plan", "--detailed-exitcode"], 3));
    none.says("no usable AWS credentials: none are set up; set a profile, sign in with `aws sso login`");
    let early = "no answer from `127.0.0.1`: what may be repeated is tried again";
    assert_eq!(unreachable.err.matches(early).count(), 1, "once a host: {}", unreachable.err);
    assert!(!none.err.contains("no answer from"), "{}", none.err);
    for ended in [&none, &unreachable] {
        ended.says("unread-inputs: refused");
        ended.says(&format!("No plan: AWS account {} could not be read at all", case.sandbox.aws.account));
        assert!(!ended.out.contains("will perform"), "a plan against nothing: {}", ended.out);
        assert!(ended.out.lines().count() < 40, "{}", ended.out);
    }
    // The emulator checks no signatures; a key that does not exist is the same to a user.
    let ended =
        wrong.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").unset("AWS_SESSION_TOKEN").ends(&["plan"], 3).await;
    assert!(!ended.all().contains("not-the-secret-of-this-session"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databricks_credentials_that_are_wrong_or_missing() {
    let case = Case::empty().await;
    let wrong = Shell::of(&case).await.set("DATABRICKS_CLIENT_SECRET", "a-wrong-secret");
    let ended = wrong.ends(&["plan"], 3).await;
    ended.says("databricks refused the credentials of the environment");
    ended.says("check or renew them");
    assert!(!ended.all().contains("a-wrong-secret"));

    let token = Shell::of(&case)
        .await
        .unset("DATABRICKS_CLIENT_ID")
        .unset("DATABRICKS_CLIENT_SECRET")
        .set("DATABRICKS_TOKEN", "dapi-sandbox-admin");
    let ended = token.ends(&["plan"], 3).await;
    ended.says("personal access token");
    ended.says("DATABRICKS_CLIENT_ID");
    assert!(!ended.all().contains("dapi-sandbox-admin"));

    let none = Shell::of(&case).await.unset("DATABRICKS_CLIENT_ID").unset("DATABRICKS_CLIENT_SECRET");
    none.ends(&["plan"], 1).await.says("DATABRICKS_CLIENT_ID");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_and_endpoints_that_cannot_be_used() {
    let case = Case::empty().await;
    let shell = Shell::of(&case).await;
    let ended = shell.ends(&["plan", "--databricks-profile", "nope"], 1).await;
    ended.says("profile `nope` is not in `~/.databrickscfg`");
    for endpoint in ["http://example.com", "http://10.0.0.1:4566", "http://127.0.0.1.example.com"] {
        let ended = shell.ends(&["plan", "--endpoint-aws", endpoint], 1).await;
        ended.says("not encrypted");
        ended.says("use `https://`");
        let ended = shell.ends(&["plan", "--endpoint-databricks", endpoint], 1).await;
        ended.says("https only");
    }
    shell.ends(&["plan", "--endpoint-aws", "not a url"], 1).await.says("not a url");
    shell.ends(&["plan", "--aws-profile", "nope"], 1).await.says("AWS profile `nope` is not in the shared");
}

/// What the user names beats what happens to be in the environment: the AWS CLI does the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_profile_beats_the_environment() {
    let case = Case::empty().await;
    let shell = Shell::with_role(&case, "AccountAdmin").await;
    let admin = case.sandbox.aws.session("PlatformAdmin", true).await.expect("session");
    shell.write(
        ".aws/credentials",
        format!(
            "[platform]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
            admin.access_key_id(),
            admin.secret_access_key(),
            admin.session_token().unwrap_or_default()
        ),
    );
    let caller = async |arguments: &[&str]| {
        let plan = shell.ends(&[arguments, &["--format", "json"]].concat(), 0).await.json();
        plan["caller"][&case.sandbox.aws.account].as_str().expect("caller").to_owned()
    };
    assert_eq!(caller(&["plan"]).await, case.sandbox.aws.role_arn("AccountAdmin"));
    assert_eq!(caller(&["plan", "--aws-profile", "platform"]).await, case.sandbox.aws.role_arn("PlatformAdmin"));
    shell.ends(&["plan", "--aws-profile", "nope"], 1).await.says("which have `platform`");
}
