//! Credentials, storage and log-delivery configurations.

use super::Estate;
use crate::harness::{Case, changes};
use crate::sandbox::databricks::LogDelivery;
use crate::sandbox::estate::Sandbox;
use auditseal::plan::guard::Purpose;
use auditseal::run::plan::{PlanOptions, plan};

const DELIVERY: &str = "acme/log-delivery[primary]";
const STATUS: &[&str] = &["status"];
/// What a new configuration is made of.
const WHOLE: &[&str] = &[
    "config_id",
    "config_name",
    "credentials_id",
    "delivery_path_prefix",
    "log_type",
    "output_format",
    "status",
    "storage_configuration_id",
    "workspace_ids_filter",
];

/// The configuration that delivers as declared.
fn declared(sandbox: &Sandbox, bucket: &str) -> LogDelivery {
    sandbox.databricks.inspect(|data| {
        let here = |one: &&LogDelivery| {
            let storage = data.storage(&one.storage_configuration_id);
            one.enabled && storage.is_some_and(|storage| storage.bucket_name == bucket)
        };
        data.log_delivery.iter().find(here).cloned().expect("an enabled delivery")
    })
}

/// A configuration like another one.
fn like(one: &LogDelivery, name: &str) -> LogDelivery {
    let mut other = LogDelivery::delivered(name, &one.credentials_id, &one.storage_configuration_id, "audit");
    other.creation_time = one.creation_time + 1;
    other
}

async fn own(estate: &Estate) {
    let sandbox = &estate.case.sandbox;
    let bucket = estate.bucket().to_owned();
    let switch = |id: String, enabled: bool| {
        sandbox.databricks.edit(|data| data.config_mut(&id).expect("the configuration").enabled = enabled);
    };
    let id = declared(sandbox, &bucket).config_id;
    let act = async { switch(id.clone(), false) };
    estate.drift("delivery disabled", act, &[(DELIVERY, STATUS)]).await;
    assert_eq!(declared(sandbox, &bucket).config_id, id, "the one that was there is enabled again");

    let second = like(&declared(sandbox, &bucket), "second");
    let address = format!("acme/log-delivery[{}]", second.config_id);
    let act = async {
        sandbox.databricks.seed_log_delivery(second);
    };
    estate.drift("a second delivery to the bucket", act, &[(&address, STATUS)]).await;

    let mut elsewhere = like(&declared(sandbox, &bucket), "another prefix");
    elsewhere.delivery_path_prefix = "copy".to_owned();
    let address = format!("acme/log-delivery[{}]", elsewhere.config_id);
    let act = async {
        sandbox.databricks.seed_log_delivery(elsewhere);
    };
    // A live writer that is not declared: the policies are not changed for it, for it uses the same role; it only goes.
    estate.drift("a delivery below another prefix", act, &[(&address, STATUS)]).await;
}

/// A delivery to a bucket that nothing declares.
fn rogue(sandbox: &Sandbox) -> LogDelivery {
    let role = sandbox.aws.role_arn("AccountAdmin");
    let credential = sandbox.databricks.seed_credential("rogue", &role);
    let storage = sandbox.databricks.seed_storage("rogue", "somebody-elses-bucket");
    LogDelivery::delivered("rogue", &credential, &storage, "")
}

/// Databricks lets them be deleted under the delivery that names them; then they are made again, and a new delivery with
/// them.
async fn missing(estate: &Estate) {
    let sandbox = &estate.case.sandbox;
    let bucket = estate.bucket().to_owned();
    let one = declared(sandbox, &bucket);
    let act = async {
        let id = one.credentials_id.clone();
        sandbox.databricks.edit(|data| data.credentials.retain(|credential| credential.credentials_id != id));
    };
    let old = format!("acme/log-delivery[{}]", one.config_id);
    let expected: [(&str, &[&str]); 3] = [
        ("acme/credential[delivery]", &["credentials_id", "credentials_name", "role_arn"]),
        (DELIVERY, WHOLE),
        (&old, STATUS),
    ];
    estate.drift("credential deleted", act, &expected).await;
    let one = declared(sandbox, &bucket);
    let act = async {
        let id = one.storage_configuration_id.clone();
        sandbox.databricks.edit(|data| data.storage.retain(|storage| storage.storage_configuration_id != id));
    };
    // Nothing tells any more where it delivers to, so that it counts as one that nobody declares.
    let old = format!("_/log-delivery[{}]", one.config_id);
    let expected: [(&str, &[&str]); 3] = [
        (
            "acme/storage-configuration[audit]",
            &["bucket_name", "storage_configuration_id", "storage_configuration_name"],
        ),
        (DELIVERY, WHOLE),
        (&old, STATUS),
    ];
    estate.drift("storage configuration deleted", act, &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undeclared_deliveries_are_disabled() {
    let estate = Estate::of(Case::insecure().await).await;
    own(&estate).await;
    let sandbox = &estate.case.sandbox;
    let rogue = rogue(sandbox);
    let id = rogue.config_id.clone();
    sandbox.databricks.seed_log_delivery(rogue);
    // Who plans only a part of the directory cannot know that nothing declares it.
    let options = PlanOptions { partial: true, ..PlanOptions::default() };
    let part = plan(&estate.router, &estate.case.desired, &options, Purpose::Apply).await;
    assert_eq!(changes(&part), [""; 0]);
    estate.told("a part of the directory", &part, "undeclared-delivery", &format!("_/log-delivery[{id}]"));
    estate.drift("an undeclared delivery", async {}, &[(&format!("_/log-delivery[{id}]"), STATUS)]).await;
    missing(&estate).await;
    estate.done();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undeclared_deliveries_are_told() {
    let mut case = Case::empty().await;
    let text = case.sandbox.manifest();
    let line = text.lines().find(|line| line.starts_with("undeclared")).expect("the line").to_owned();
    case.declare(&text.replace(&line, ""));
    let estate = Estate::of(case).await;
    own(&estate).await;
    let sandbox = &estate.case.sandbox;
    let rogue = rogue(sandbox);
    let address = format!("_/log-delivery[{}]", rogue.config_id);
    let act = async {
        sandbox.databricks.seed_log_delivery(rogue);
    };
    estate.kept("an undeclared delivery", act, "undeclared-delivery", &address).await;
    estate.done();
}
