use crate::harness::Case;
use crate::sandbox::aws_seed::FOREIGN_READER_ACCOUNT;
use crate::sandbox::databricks::LogDelivery;
use crate::sandbox::estate::WORKSPACE;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probe() {
    let case = Case::insecure().await;
    let sim = &case.sandbox.databricks;
    let role = format!("arn:aws:iam::{FOREIGN_READER_ACCOUNT}:role/TheirDelivery");
    let (credential, storage) =
        (sim.seed_credential("theirs", &role), sim.seed_storage("ours", &case.sandbox.aws.bucket));
    let mut theirs = LogDelivery::delivered("theirs", &credential, &storage, "theirs");
    theirs.workspace_ids_filter = vec![WORKSPACE];
    sim.seed_log_delivery(theirs);
    let plan = case.plan(&case.router().await).await;
    for g in &plan.guards {
        println!("{:?} {} {}", g.verdict, g.code, g.message);
    }
}
