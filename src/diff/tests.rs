use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::samples::{KEY, policy, sample};
use super::{Diff, FieldChange, diff};
use crate::model::bucket::{Encryption, Replication};
use crate::model::fact::{Names, PolicyText, Tags, WorkspaceConf};
use crate::model::reference::Output;
use crate::model::{Address, Fact, Gap, Kind, Observed, Reference};

fn compare(kind: Kind, before: &Observed<Fact>, wanted: &Fact) -> Diff {
    diff(kind, before, wanted, &BTreeMap::new(), &|_| None)
}

fn paths(diff: &Diff) -> Vec<&str> {
    diff.fields().iter().map(|field| field.path.as_str()).collect()
}

/// Every leaf of a JSON value, by pointer, changed to another value of its type.
fn perturbations(value: &Value, pointer: &str, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                perturbations(inner, &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                perturbations(inner, &format!("{pointer}/{index}"), out);
            }
        }
        Value::Bool(flag) => out.push((pointer.to_owned(), json!(!flag))),
        Value::Number(number) => out.push((pointer.to_owned(), json!(number.as_i64().unwrap() + 1))),
        Value::String(text) => out.push((pointer.to_owned(), json!(format!("{text}x")))),
        Value::Null => {}
    }
}

#[test]
fn equal_facts_are_the_same() {
    for &kind in Kind::ALL {
        let fact = sample(kind);
        assert_eq!(compare(kind, &Observed::Present(fact.clone()), &fact), Diff::Same, "{kind}");
    }
}

#[test]
fn an_absent_resource_is_created_with_every_field() {
    for &kind in Kind::ALL {
        let diff = compare(kind, &Observed::Absent, &sample(kind));
        let updates = matches!(kind, Kind::BucketNotification | Kind::WorkspaceConf);
        assert_eq!(matches!(diff, Diff::Update(_)), updates, "{kind}: {diff:?}");
        assert!(!diff.fields().is_empty(), "{kind}");
        assert!(diff.fields().iter().all(|field| !field.reason.is_empty()), "{kind}");
        if !updates {
            assert!(diff.fields().iter().all(|field| field.before.is_null()), "{kind}: {diff:?}");
        }
    }
}

/// The whole table: which live field, once changed, shows as which change. `-` marks what is not compared on purpose.
#[test]
fn every_field_that_differs_is_named() {
    let mut table = String::new();
    for &kind in Kind::ALL {
        let wanted = sample(kind);
        let json = serde_json::to_value(&wanted).unwrap();
        let mut changed = Vec::new();
        perturbations(&json["value"], "/value", &mut changed);
        writeln!(table, "{kind}").unwrap();
        for (pointer, value) in changed {
            let mut live = json.clone();
            *live.pointer_mut(&pointer).unwrap() = value;
            let live: Fact = serde_json::from_value(live).unwrap();
            let diff = compare(kind, &Observed::Present(live), &wanted);
            let named = paths(&diff);
            let shown = match named.as_slice() {
                [] => "-".to_owned(),
                [one] => (*one).to_owned(),
                [one, other] => format!("{one}, {other}"),
                many => format!("all {} fields", many.len()),
            };
            writeln!(table, "  {} > {shown}", pointer.trim_start_matches("/value")).unwrap();
        }
    }
    insta::assert_snapshot!(table, @r#"
    account-public-access-block
      /block_public_acls > block_public_acls
      /block_public_policy > block_public_policy
      /ignore_public_acls > ignore_public_acls
      /restrict_public_buckets > restrict_public_buckets
    bucket
       > region
    bucket-tags
      /auditseal:owner > tags["auditseal:owner"]
      /team > tags["team"]
    bucket-public-access-block
      /block_public_acls > block_public_acls
      /block_public_policy > block_public_policy
      /ignore_public_acls > ignore_public_acls
      /restrict_public_buckets > restrict_public_buckets
    bucket-ownership
      /object_ownership > object_ownership
    bucket-acl
      /grants/0/grantee > grants[79a5], grants[79a5x]
      /grants/0/permission > grants[79a5]
      /owner > -
    bucket-encryption
      /algorithm > algorithm
      /blocked_types/0 > blocked_types
      /bucket_key > bucket_key
      /key > key
    bucket-versioning
      /mfa_delete > mfa_delete
      /status > status
    bucket-object-lock
      /retention/days > retention.days
      /retention/mode > retention.mode
    bucket-lifecycle
      /rules/0/abort_multipart_days > rules[auditseal-retention].abort_multipart_days
      /rules/0/enabled > rules[auditseal-retention].enabled
      /rules/0/expiration/days > rules[auditseal-retention].expiration.days
      /rules/0/filter/prefix > rules[auditseal-retention].filter.prefix
      /rules/0/filter/size_greater_than > rules[auditseal-retention].filter.size_greater_than
      /rules/0/filter/size_less_than > rules[auditseal-retention].filter.size_less_than
      /rules/0/filter/tags/class > rules[auditseal-retention].filter.tags["class"]
      /rules/0/id > all 22 fields
      /rules/0/noncurrent_expiration/days > rules[auditseal-retention].noncurrent_expiration.days
      /rules/0/noncurrent_expiration/newer_versions > rules[auditseal-retention].noncurrent_expiration.newer_versions
      /rules/0/noncurrent_transitions/0/days > rules[auditseal-retention].noncurrent_transitions[GLACIER_IR]
      /rules/0/noncurrent_transitions/0/newer_versions > rules[auditseal-retention].noncurrent_transitions[GLACIER_IR]
      /rules/0/noncurrent_transitions/0/storage_class > rules[auditseal-retention].noncurrent_transitions[GLACIER_IR], rules[auditseal-retention].noncurrent_transitions[GLACIER_IRx]
      /rules/0/transitions/0/date > rules[auditseal-retention].transitions[GLACIER_IR]
      /rules/0/transitions/0/days > rules[auditseal-retention].transitions[GLACIER_IR]
      /rules/0/transitions/0/storage_class > rules[auditseal-retention].transitions[GLACIER_IR], rules[auditseal-retention].transitions[GLACIER_IRx]
    bucket-policy
       > policy
    bucket-logging
      /key_format/partitioned > key_format
      /target_bucket > target_bucket
      /target_grants/0/grantee > target_grants[79a5], target_grants[79a5x]
      /target_grants/0/permission > target_grants[79a5]
      /target_prefix > target_prefix
    bucket-notification
      /destinations/0/arn > destinations[foreign].arn
      /destinations/0/events/0 > destinations[foreign].events
      /destinations/0/filter/0/0 > destinations[foreign].filter[prefix], destinations[foreign].filter[prefixx]
      /destinations/0/filter/0/1 > destinations[foreign].filter[prefix]
      /destinations/0/id > all 8 fields
      /destinations/0/service > destinations[foreign].service
      /event_bridge > event_bridge
    bucket-replication
      /role > role
      /rules/0/account > rules[auditseal-dr].account
      /rules/0/bucket > rules[auditseal-dr].bucket
      /rules/0/delete_markers > rules[auditseal-dr].delete_markers
      /rules/0/enabled > rules[auditseal-dr].enabled
      /rules/0/id > all 28 fields
      /rules/0/kms_objects > rules[auditseal-dr].kms_objects
      /rules/0/metrics > rules[auditseal-dr].metrics
      /rules/0/owner_override > rules[auditseal-dr].owner_override
      /rules/0/prefix > rules[auditseal-dr].prefix
      /rules/0/priority > rules[auditseal-dr].priority
      /rules/0/replica_key > rules[auditseal-dr].replica_key
      /rules/0/replica_modifications > rules[auditseal-dr].replica_modifications
      /rules/0/replication_time > rules[auditseal-dr].replication_time
      /rules/0/storage_class > rules[auditseal-dr].storage_class
      /rules/0/tags/class > rules[auditseal-dr].tags["class"]
    kms-key
      /arn > arn
      /id > -
      /manager > manager
      /multi_region > multi_region
      /origin > origin
      /spec > spec
      /state > state
      /usage > usage
    kms-alias
      /0 > aliases[alias/acme-audit], aliases[alias/acme-auditx]
    kms-tags
      /auditseal:owner > tags["auditseal:owner"]
      /team > tags["team"]
    kms-rotation
      /enabled > enabled, period_days
      /period_days > period_days
    kms-key-policy
       > policy
    kms-grants
      /0/constraints > grants[g1]
      /0/grantee > grants[g1]
      /0/id > -
      /0/issuing_account > grants[g1]
      /0/name > grants[g1]
      /0/operations/0 > grants[g1]
      /0/retiring > grants[g1]
    role
      /arn > -
      /boundary > -
      /id > -
      /max_session_duration > -
      /tags/auditseal:owner > tags["auditseal:owner"]
      /trust > trust.policy
    role-policy
       > policy
    role-inline-policies
      /0 > inline_policies[auditseal-delivery], inline_policies[auditseal-deliveryx]
    role-attached-policies
      /0 > attached_policies[arn:aws:iam::aws:policy/ReadOnlyAccess], attached_policies[arn:aws:iam::aws:policy/ReadOnlyAccessx]
    credential
      /0/creation_time > -
      /0/credentials_id > all 3 fields
      /0/credentials_name > -
      /0/role_arn > -
    storage-configuration
      /0/bucket_name > -
      /0/creation_time > -
      /0/storage_configuration_id > all 3 fields
      /0/storage_configuration_name > -
    log-delivery
      /0/config_id > all 9 fields
      /0/config_name > -
      /0/creation_time > -
      /0/credentials_id > -
      /0/delivery/last_attempt_time > -
      /0/delivery/last_successful_attempt_time > -
      /0/delivery/message > -
      /0/delivery/status > -
      /0/delivery_path_prefix > -
      /0/log_type > -
      /0/output_format > -
      /0/status > status
      /0/storage_configuration_id > -
      /0/workspace_ids_filter/0 > -
    system-schema
      /0/schema > schemas[access].state
      /0/state > schemas[access].state
    grants
      /0/principal > grants[audit-readers], grants[audit-readersx]
      /0/privileges/0 > grants[audit-readers]
      /0/privileges/1 > grants[audit-readers]
    workspace-conf
      /enableVerboseAuditLogs > enableVerboseAuditLogs
    "#);
}

#[test]
fn an_unread_resource_is_unknown() {
    let gap = Gap { what: "s3:GetBucketPolicy".into(), permission: None, message: "AccessDenied".into() };
    let wanted = sample(Kind::BucketPolicy);
    assert_eq!(compare(Kind::BucketPolicy, &Observed::Unknown(gap.clone()), &wanted), Diff::Unknown(gap));
}

#[test]
fn an_answer_of_another_shape_is_unknown_and_never_the_same() {
    let diff = compare(Kind::BucketPolicy, &Observed::Present(Tags::default().into()), &sample(Kind::BucketPolicy));
    assert!(matches!(diff, Diff::Unknown(_)), "{diff:?}");
}

#[test]
fn empty_and_absent_are_equal() {
    let cases: Vec<(Kind, Fact)> = vec![
        (Kind::BucketTags, Tags::default().into()),
        (Kind::RoleAttachedPolicies, Names::default().into()),
        (Kind::BucketPolicy, PolicyText(String::new()).into()),
        (Kind::BucketReplication, Replication { role: String::new(), rules: vec![] }.into()),
        (Kind::BucketNotification, crate::model::bucket::Notification::default().into()),
        (Kind::KmsGrants, Fact::KeyGrants(vec![])),
        (Kind::Grants, Fact::Privileges(vec![])),
        (Kind::WorkspaceConf, WorkspaceConf([("enableVerboseAuditLogs".into(), Some("false".into()))].into()).into()),
    ];
    for (kind, fact) in cases {
        assert_eq!(compare(kind, &Observed::Absent, &fact), Diff::Same, "{kind}");
        assert_eq!(compare(kind, &Observed::Present(fact.clone()), &fact), Diff::Same, "{kind}");
    }
    let empty = Observed::Present(PolicyText(String::new()).into());
    assert!(matches!(compare(Kind::BucketPolicy, &empty, &sample(Kind::BucketPolicy)), Diff::Create(_)));
}

#[test]
fn order_does_not_count() {
    for kind in [Kind::Grants, Kind::BucketLifecycle, Kind::BucketReplication, Kind::KmsAlias, Kind::BucketAcl] {
        let mut json = serde_json::to_value(sample(kind)).unwrap();
        let list = match kind {
            Kind::BucketLifecycle | Kind::BucketReplication => "/value/rules",
            Kind::BucketAcl => "/value/grants",
            _ => "/value",
        };
        let list = json.pointer_mut(list).unwrap().as_array_mut().unwrap();
        let mut other = list[0].clone();
        match &mut other {
            Value::String(name) => name.push('2'),
            other => {
                for field in ["id", "principal", "grantee"] {
                    if let Some(name) = other.get_mut(field) {
                        *name = json!("a2");
                    }
                }
            }
        }
        list.push(other);
        let wanted: Fact = serde_json::from_value(json.clone()).unwrap();
        let pointer = match kind {
            Kind::BucketLifecycle | Kind::BucketReplication => "/value/rules",
            Kind::BucketAcl => "/value/grants",
            _ => "/value",
        };
        json.pointer_mut(pointer).unwrap().as_array_mut().unwrap().reverse();
        let live: Fact = serde_json::from_value(json).unwrap();
        assert_ne!(live, wanted, "{kind}");
        assert_eq!(compare(kind, &Observed::Present(live), &wanted), Diff::Same, "{kind}");
    }
}

#[test]
fn one_key_has_many_spellings() {
    let with = |key: Option<&str>| -> Fact { Encryption { key: key.map(Into::into), ..Encryption::kms("") }.into() };
    let resolve = |name: &str| (name == "alias/acme-audit").then(|| KEY.to_owned());
    let same = |live: Option<&str>, wanted: Option<&str>| {
        let live = Observed::Present(with(live));
        diff(Kind::BucketEncryption, &live, &with(wanted), &BTreeMap::new(), &resolve).is_same()
    };
    let id = "11111111-2222-3333-4444-555555555555";
    assert!(same(Some(KEY), Some(KEY)));
    assert!(same(Some(id), Some(KEY)));
    assert!(same(Some(KEY), Some(id)));
    assert!(same(Some("alias/acme-audit"), Some(KEY)));
    assert!(!same(Some("alias/other"), Some(KEY)));
    assert!(!same(None, Some(KEY)));
    assert!(!same(Some("21111111-2222-3333-4444-555555555555"), Some(KEY)));
}

#[test]
fn a_token_is_created_and_known_after_apply() {
    let step = Address::new("acme", Kind::LogDelivery, "primary");
    let token = Reference::new(step, Output::LogDeliveryId).to_string();
    let mut wanted = serde_json::to_value(sample(Kind::LogDelivery)).unwrap();
    wanted["value"][0]["config_id"] = json!(token);
    let wanted: Fact = serde_json::from_value(wanted).unwrap();
    let diff = compare(Kind::LogDelivery, &Observed::Present(sample(Kind::LogDelivery)), &wanted);
    assert!(matches!(diff, Diff::Create(_)), "{diff:?}");
    let unknown: Vec<&str> = diff.fields().iter().filter(|f| f.known_after_apply()).map(|f| f.path.as_str()).collect();
    assert_eq!(unknown, ["config_id"]);
}

#[test]
fn schemas_that_databricks_manages_are_enabled_and_others_are_not_ours() {
    let schemas =
        |list: Value| -> Fact { serde_json::from_value(json!({ "fact": "system_schemas", "value": list })).unwrap() };
    let wanted = sample(Kind::SystemSchema);
    for (live, expected) in [
        (json!([{ "schema": "access", "state": "MANAGED" }, { "schema": "billing", "state": "AVAILABLE" }]), vec![]),
        (json!([{ "schema": "access", "state": "AVAILABLE" }]), vec!["schemas[access].state"]),
        (json!([{ "schema": "billing", "state": "MANAGED" }]), vec!["schemas[access].state"]),
    ] {
        assert_eq!(paths(&compare(Kind::SystemSchema, &Observed::Present(schemas(live)), &wanted)), expected);
    }
}

#[test]
fn unset_workspace_switches_are_off() {
    let conf = |value: Option<&str>| -> Fact {
        WorkspaceConf([("enableVerboseAuditLogs".to_owned(), value.map(Into::into))].into()).into()
    };
    let live = Observed::Present(conf(None));
    assert_eq!(compare(Kind::WorkspaceConf, &live, &conf(Some("false"))), Diff::Same);
    let diff = compare(Kind::WorkspaceConf, &live, &conf(Some("true")));
    assert_eq!(paths(&diff), ["enableVerboseAuditLogs"]);
    assert_eq!(diff.fields()[0].before, json!("false"));
}

#[test]
fn a_role_shows_its_shape_only_when_it_is_created() {
    let created = compare(Kind::Role, &Observed::Absent, &sample(Kind::Role));
    assert_eq!(
        paths(&created),
        [
            "arn",
            "max_session_duration",
            "boundary",
            "trust.statement[TlsOnly]",
            "trust.statement[ReadersRead]",
            "tags[\"auditseal:owner\"]"
        ]
    );
}

#[test]
fn reasons_come_from_the_closest_path() {
    let reasons: BTreeMap<String, String> = [
        ("", "whole"),
        ("statement", "list"),
        ("statement[TlsOnly]", "exact"),
        ("statement[Tls", "no boundary"),
        ("tags", "tags"),
    ]
    .map(|(path, why)| (path.to_owned(), why.to_owned()))
    .into();
    let diff = diff(Kind::BucketPolicy, &Observed::Absent, &sample(Kind::BucketPolicy), &reasons, &|_| None);
    let why: Vec<(&str, &str)> = diff.fields().iter().map(|f| (f.path.as_str(), f.reason.as_str())).collect();
    assert_eq!(why, [("statement[TlsOnly]", "exact"), ("statement[ReadersRead]", "list")]);
}

#[test]
fn a_statement_is_one_change() {
    let mut live: Value = serde_json::from_str(&policy()).unwrap();
    live["Statement"][1]["Action"] = json!("s3:GetObject");
    let live = Observed::Present(PolicyText(live.to_string()).into());
    let diff = compare(Kind::BucketPolicy, &live, &sample(Kind::BucketPolicy));
    let [FieldChange { path, before, after, .. }] = diff.fields() else { panic!("{diff:?}") };
    assert_eq!(path, "statement[ReadersRead]");
    assert_ne!(before, after);
    assert!(after["Action"].as_array().is_some_and(|actions| actions.len() == 2));
}

fn change_policy(change: impl Fn(&mut Value)) -> Diff {
    let mut live: Value = serde_json::from_str(&policy()).unwrap();
    change(&mut live);
    let live = Observed::Present(PolicyText(live.to_string()).into());
    let resolve =
        |id: &str| (id == "AROAEXAMPLEEXAMPLE12").then(|| "arn:aws:iam::111122223333:role/Analyst".to_owned());
    diff(Kind::BucketPolicy, &live, &sample(Kind::BucketPolicy), &BTreeMap::new(), &resolve)
}

#[test]
fn spelling_of_a_policy_does_not_count() {
    type Change = fn(&mut Value);
    let spellings: [Change; 5] = [
        |live| live["Statement"].as_array_mut().unwrap().reverse(),
        |live| live["Statement"][0]["Principal"] = json!({ "AWS": "*" }),
        |live| live["Statement"][1]["Principal"]["AWS"] = json!("AROAEXAMPLEEXAMPLE12"),
        |live| live["Statement"][1]["Action"] = json!(["s3:getobjectversion", "s3:GetObject"]),
        |live| live["Id"] = json!("console"),
    ];
    for (index, change) in spellings.into_iter().enumerate() {
        assert_eq!(change_policy(change), Diff::Same, "spelling {index}");
    }
}

#[test]
fn every_element_of_a_statement_counts() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 9] = [
        ("statement[TlsOnly]", |live| live["Statement"][0]["Effect"] = json!("Allow")),
        ("statement[TlsOnly]", |live| live["Statement"][0]["Condition"]["Bool"]["aws:SecureTransport"] = json!("true")),
        ("statement[TlsOnly]", |live| live["Statement"][0]["Resource"] = json!("arn:aws:s3:::acme-audit")),
        ("statement[TlsOnly]", |live| drop(live["Statement"][0].as_object_mut().unwrap().remove("Condition"))),
        ("statement[ReadersRead]", |live| live["Statement"][1]["Principal"] = json!("*")),
        ("statement[ReadersRead]", |live| live["Statement"][1]["Action"] = json!("s3:*")),
        ("statement[ReadersRead]", |live| drop(live["Statement"].as_array_mut().unwrap().remove(1))),
        ("version", |live| live["Version"] = json!("2008-10-17")),
        ("statement[Foreign]", |live| {
            let mut foreign = live["Statement"][1].clone();
            foreign["Sid"] = json!("Foreign");
            foreign["Action"] = json!("s3:PutObject");
            live["Statement"].as_array_mut().unwrap().push(foreign);
        }),
    ];
    for (index, (path, change)) in changes.into_iter().enumerate() {
        let diff = change_policy(change);
        assert!(matches!(diff, Diff::Update(_)), "change {index}: {diff:?}");
        assert_eq!(paths(&diff), [path], "change {index}");
    }
}

#[test]
fn a_policy_that_cannot_be_read_as_one_is_never_the_same() {
    let live = Observed::Present(PolicyText("{\"Statement\": 7}".into()).into());
    assert_eq!(paths(&compare(Kind::BucketPolicy, &live, &sample(Kind::BucketPolicy))), ["policy"]);
}
