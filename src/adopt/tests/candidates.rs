use crate::adopt::{Candidate, Choice, candidates, choose};
use crate::model::databricks::{Credential, DeliveryHealth, LogDelivery, StorageConfiguration};
use crate::model::live::{Query, Read};
use crate::model::{Fact, Live, Observed, Place};

fn place() -> Place {
    Place::Databricks { account: "a".to_owned() }
}

/// A delivery of id and name `id` to bucket `id`.
fn delivery(id: &str, status: &str, health: Option<&str>, created: i64) -> LogDelivery {
    LogDelivery {
        config_id: id.to_owned(),
        config_name: format!("{id} logs"),
        log_type: "AUDIT_LOGS".to_owned(),
        output_format: "JSON".to_owned(),
        credentials_id: format!("{id}-credential"),
        storage_configuration_id: format!("{id}-storage"),
        delivery_path_prefix: String::new(),
        workspace_ids_filter: Vec::new(),
        status: status.to_owned(),
        creation_time: created,
        delivery: health.map(|status| DeliveryHealth {
            status: status.to_owned(),
            message: String::new(),
            last_attempt_time: None,
            last_successful_attempt_time: None,
        }),
    }
}

fn found(deliveries: Vec<LogDelivery>, gone: &[&str]) -> Vec<Candidate> {
    let mut live = Live::default();
    let ids = deliveries.iter().map(|one| one.config_id.clone()).filter(|id| !gone.contains(&id.as_str()));
    let ids: Vec<String> = ids.collect();
    let credential = |id: &String| Credential {
        credentials_id: format!("{id}-credential"),
        credentials_name: id.clone(),
        role_arn: format!("arn:aws:iam::111122223333:role/{id}"),
        creation_time: 0,
    };
    let storage = |id: &String| StorageConfiguration {
        storage_configuration_id: format!("{id}-storage"),
        storage_configuration_name: id.clone(),
        bucket_name: id.clone(),
        creation_time: 0,
    };
    let facts = [
        (Read::Credentials, Fact::Credentials(ids.iter().map(credential).collect())),
        (Read::StorageConfigurations, Fact::StorageConfigurations(ids.iter().map(storage).collect())),
        (Read::LogDeliveries, Fact::LogDeliveries(deliveries)),
    ];
    for (read, fact) in facts {
        live.set(Query { place: place(), read }, Observed::Present(fact));
    }
    candidates(&live, &place())
}

fn ids<'a>(all: impl IntoIterator<Item = &'a Candidate>) -> Vec<&'a str> {
    all.into_iter().map(|one| one.config_id.as_str()).collect()
}

#[test]
fn the_newest_that_succeeds_comes_first() {
    let filtered =
        LogDelivery { workspace_ids_filter: vec![1], ..delivery("filtered", "ENABLED", Some("SUCCEEDED"), 9) };
    let usage = LogDelivery { log_type: "BILLABLE_USAGE".to_owned(), ..delivery("usage", "ENABLED", None, 9) };
    let all = found(
        vec![
            delivery("disabled", "DISABLED", Some("SUCCEEDED"), 8),
            delivery("broken", "ENABLED", Some("USER_FAILURE"), 7),
            delivery("older", "ENABLED", Some("SUCCEEDED"), 1),
            delivery("newer", "ENABLED", Some("SUCCEEDED"), 2),
            filtered,
            usage,
        ],
        &[],
    );
    assert_eq!(ids(&all), ["newer", "older", "filtered", "broken", "disabled"]);
    assert_eq!(all[0].describe(), "`newer logs` (newer) to `newer` below its root: enabled, SUCCEEDED");
}

#[test]
fn flags_narrow_the_choice_and_other_manifests_keep_theirs() {
    let all = found(
        vec![
            delivery("a", "ENABLED", Some("SUCCEEDED"), 3),
            delivery("b", "ENABLED", Some("SUCCEEDED"), 2),
            delivery("c", "DISABLED", None, 1),
            delivery("gone", "ENABLED", Some("SUCCEEDED"), 4),
        ],
        &["gone"],
    );
    let choice = |delivery: Option<&str>, bucket: Option<&str>| Choice {
        delivery: delivery.map(str::to_owned),
        bucket: bucket.map(str::to_owned),
        prefix: None,
    };
    let chosen = |choice: &Choice, declared: &[String]| ids(choose(&all, choice, declared)).join(" ");
    assert_eq!(chosen(&Choice::default(), &[]), "a b", "what names nothing that exists cannot be adopted");
    assert_eq!(chosen(&choice(None, Some("b")), &[]), "b");
    assert_eq!(chosen(&choice(Some("b logs"), None), &[]), "b");
    assert_eq!(chosen(&choice(Some("c"), None), &[]), "c", "a disabled one when it is named");
    assert_eq!(chosen(&choice(None, Some("c")), &[]), "c", "or when nothing else is there");
    assert_eq!(chosen(&choice(Some("x"), None), &[]), "");
    assert_eq!(chosen(&Choice::default(), &["a".to_owned()]), "b");
    let prefix = Choice { prefix: Some("audit".to_owned()), ..Choice::default() };
    assert_eq!(chosen(&prefix, &[]), "");
}
