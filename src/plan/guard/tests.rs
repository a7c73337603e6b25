use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::call::{Query, Write};
use crate::diff::FieldChange;
use crate::manifest;
use crate::model::bucket::{Encryption, Retention};
use crate::model::databricks::{Credential, DeliveryHealth, LogDelivery, StorageConfiguration};
use crate::model::fact::{PolicyText, Tags};
use crate::model::{Address, Observed, WantedResource};
use crate::plan::{Action, StepAction};

const MANIFEST: &str = r#"
version = 1
[databricks]
account_id = "0d26daa6-5e44-4c97-a497-ef015f91254a"
[aws]
account_id = "111122223333"
region = "us-east-1"
[delivery]
bucket = "acme-databricks-audit"
[readers.analysts]
role = "arn:aws:iam::111122223333:role/SecurityAnalyst"
[admins.platform]
role = "arn:aws:iam::111122223333:role/PlatformAdmin"
"#;
const ADMIN: &str = "arn:aws:iam::111122223333:role/PlatformAdmin";
const WRITER: &str = "arn:aws:iam::111122223333:role/Old";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

/// A plan under guard, with everything in order until a test spoils it.
struct Scene {
    desired: Vec<Desired>,
    live: Live,
    wanted: Wanted,
    changes: Vec<Change>,
    steps: Vec<Step>,
    gaps: Vec<Gap>,
    access: Effects,
    caller: BTreeMap<String, String>,
    allow: BTreeSet<String>,
    purpose: Purpose,
}

impl Scene {
    fn new() -> Self {
        Self {
            desired: vec![manifest::parse("acme", "acme.toml", MANIFEST).expect("manifest")],
            live: Live::default(),
            wanted: Wanted::default(),
            changes: Vec::new(),
            steps: Vec::new(),
            gaps: Vec::new(),
            access: Effects::default(),
            caller: BTreeMap::from([("111122223333".to_owned(), ADMIN.to_owned())]),
            allow: BTreeSet::new(),
            purpose: Purpose::Apply,
        }
    }

    fn verdicts(&self) -> Vec<(String, Verdict)> {
        let subject = Subject {
            desired: &self.desired,
            live: &self.live,
            wanted: &self.wanted,
            changes: &self.changes,
            steps: &self.steps,
            gaps: &self.gaps,
            access: &self.access,
            order: &Order::Usual,
            caller: &self.caller,
            allow: &self.allow,
            purpose: self.purpose,
        };
        check(&subject).into_iter().map(|result| (result.code, result.verdict)).collect()
    }

    fn not_passed(&self) -> Vec<(String, Verdict)> {
        self.verdicts().into_iter().filter(|(_, verdict)| *verdict != Verdict::Pass).collect()
    }

    fn read(&mut self, read: Read, fact: impl Into<Fact>) {
        let place = self.desired[0].aws_place();
        self.live.set(Query { place, read }, Observed::Present(fact.into()));
    }

    fn step(&mut self, kind: Kind, write: Write) {
        let place = self.desired[0].aws_place();
        self.steps.push(Step {
            id: self.steps.len(),
            address: Address::new("acme", kind, "audit"),
            title: "write".to_owned(),
            action: StepAction::Write { place, write },
            depends_on: Vec::new(),
            target: None,
            gives: BTreeMap::new(),
            settle_seconds: 0,
            undo: None,
        });
    }

    fn bucket_policy(&mut self, statements: &str) {
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        self.step(Kind::BucketPolicy, Write::PutBucketPolicy { bucket: "acme-databricks-audit".to_owned(), policy });
    }

    fn key_policy(&mut self, statements: &str) {
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        self.step(Kind::KmsKeyPolicy, Write::PutKeyPolicy { key: KEY.to_owned(), policy });
    }

    /// An enabled delivery by `WRITER` to the bucket that succeeds.
    fn deliver(&mut self) {
        let place = self.desired[0].databricks_place();
        let facts: [(Read, Fact); 3] = [
            (
                Read::Credentials,
                Fact::Credentials(vec![Credential {
                    credentials_id: "c".to_owned(),
                    credentials_name: "c".to_owned(),
                    role_arn: WRITER.to_owned(),
                    creation_time: 0,
                }]),
            ),
            (
                Read::StorageConfigurations,
                Fact::StorageConfigurations(vec![StorageConfiguration {
                    storage_configuration_id: "s".to_owned(),
                    storage_configuration_name: "s".to_owned(),
                    bucket_name: "acme-databricks-audit".to_owned(),
                    creation_time: 0,
                }]),
            ),
            (
                Read::LogDeliveries,
                Fact::LogDeliveries(vec![LogDelivery {
                    config_id: "d".to_owned(),
                    config_name: String::new(),
                    log_type: "AUDIT_LOGS".to_owned(),
                    output_format: "JSON".to_owned(),
                    credentials_id: "c".to_owned(),
                    storage_configuration_id: "s".to_owned(),
                    delivery_path_prefix: String::new(),
                    workspace_ids_filter: Vec::new(),
                    status: "ENABLED".to_owned(),
                    creation_time: 0,
                    delivery: Some(DeliveryHealth {
                        status: "SUCCEEDED".to_owned(),
                        message: String::new(),
                        last_attempt_time: None,
                        last_successful_attempt_time: None,
                    }),
                }]),
            ),
        ];
        for (read, fact) in facts {
            self.live.set(Query { place: place.clone(), read }, Observed::Present(fact));
        }
    }
}

fn refused(code: &str) -> Vec<(String, Verdict)> {
    vec![(code.to_owned(), Verdict::Refuse)]
}

fn deny_but(role: &str, action: &str) -> String {
    format!(
        r#"{{"Effect":"Deny","Principal":"*","Action":"{action}","Resource":["arn:aws:s3:::acme-databricks-audit","arn:aws:s3:::acme-databricks-audit/*"],"Condition":{{"ArnNotEquals":{{"aws:PrincipalArn":["{role}"]}}}}}}"#
    )
}

#[test]
fn a_plan_that_does_nothing_passes_every_guard() {
    assert_eq!(Scene::new().not_passed(), []);
}

#[test]
fn a_bucket_policy_that_shuts_out_every_admin_is_refused() {
    let mut scene = Scene::new();
    scene.bucket_policy(&deny_but(ADMIN, "s3:*"));
    assert_eq!(scene.not_passed(), []);
    scene.bucket_policy(&deny_but("arn:aws:iam::111122223333:role/SomebodyElse", "s3:*"));
    assert_eq!(scene.not_passed(), refused("self-lockout-bucket"));
    // A deny that may or may not hit is not safe either.
    let mut scene = Scene::new();
    scene.bucket_policy(
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}"#,
    );
    assert_eq!(scene.not_passed(), refused("self-lockout-bucket"));
}

#[test]
fn an_intermediate_state_counts_as_the_last_one() {
    let mut scene = Scene::new();
    scene.bucket_policy(&deny_but("arn:aws:iam::111122223333:role/SomebodyElse", "s3:*"));
    scene.bucket_policy(&deny_but(ADMIN, "s3:*"));
    assert_eq!(scene.not_passed(), refused("self-lockout-bucket"));
}

#[test]
fn a_key_policy_has_to_leave_an_admin_in_control() {
    let allow = |role: &str, action: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{role}"}},"Action":"{action}","Resource":"*"}}"#)
    };
    let mut scene = Scene::new();
    scene.key_policy(&allow(ADMIN, "kms:PutKeyPolicy"));
    assert_eq!(scene.not_passed(), []);
    scene.key_policy(&allow(ADMIN, "kms:DescribeKey"));
    assert_eq!(scene.not_passed(), refused("self-lockout-key"));
}

#[test]
fn a_delivery_that_works_is_not_shut_out() {
    let mut scene = Scene::new();
    scene.deliver();
    scene.bucket_policy(&deny_but(WRITER, "s3:PutObject"));
    assert_eq!(scene.not_passed(), []);
    scene.bucket_policy(&deny_but("arn:aws:iam::111122223333:role/New", "s3:PutObject"));
    assert_eq!(scene.not_passed(), refused("delivery-cannot-write"));
    // Once it was switched off it need not write.
    let mut scene = Scene::new();
    scene.deliver();
    let off = Write::SetLogDeliveryStatus { config_id: "d".to_owned(), status: "DISABLED".to_owned() };
    scene.step(Kind::LogDelivery, off);
    scene.bucket_policy(&deny_but("arn:aws:iam::111122223333:role/New", "s3:PutObject"));
    assert_eq!(scene.not_passed(), []);
}

#[test]
fn a_delivery_that_is_switched_on_again_can_write_from_then_on() {
    let switch = |status: &str| Write::SetLogDeliveryStatus { config_id: "d".to_owned(), status: status.to_owned() };
    let closed = deny_but("arn:aws:iam::111122223333:role/New", "s3:PutObject");
    let mut scene = Scene::new();
    scene.deliver();
    scene.step(Kind::LogDelivery, switch("DISABLED"));
    scene.bucket_policy(&closed);
    scene.step(Kind::LogDelivery, switch("ENABLED"));
    assert_eq!(scene.not_passed(), refused("delivery-cannot-write"));
    // With the policy gone before, nothing stops it.
    let bucket = "acme-databricks-audit".to_owned();
    let enable = scene.steps.pop().expect("the last step");
    scene.step(Kind::BucketPolicy, Write::DeleteBucketPolicy { bucket });
    scene.steps.push(Step { id: 3, ..enable });
    assert_eq!(scene.not_passed(), []);
}

#[test]
fn a_delivery_may_use_the_key_in_both_encryption_contexts() {
    let policy = |contexts: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{ADMIN}"}},"Action":"kms:PutKeyPolicy","Resource":"*"}},
               {{"Effect":"Allow","Principal":{{"AWS":"{WRITER}"}},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*",
                 "Condition":{{"StringLike":{{"kms:EncryptionContext:aws:s3:arn":[{contexts}]}}}}}}"#
        )
    };
    for (contexts, expected) in [
        (r#""arn:aws:s3:::acme-databricks-audit","arn:aws:s3:::acme-databricks-audit/*""#, false),
        (r#""arn:aws:s3:::acme-databricks-audit""#, true),
        (r#""arn:aws:s3:::acme-databricks-audit/audit/*""#, true),
    ] {
        let mut scene = Scene::new();
        scene.deliver();
        scene.key_policy(&policy(contexts));
        let encryption = Encryption::kms(KEY);
        let bucket = "acme-databricks-audit".to_owned();
        scene.step(Kind::BucketEncryption, Write::PutBucketEncryption { bucket, encryption });
        let codes: BTreeSet<(String, Verdict)> = scene.not_passed().into_iter().collect();
        let wanted: BTreeSet<(String, Verdict)> =
            if expected { refused("delivery-cannot-write").into_iter().collect() } else { BTreeSet::new() };
        assert_eq!(codes, wanted, "{contexts}");
    }
}

#[test]
fn a_public_policy_is_refused_before_anything_is_written() {
    let mut scene = Scene::new();
    let open = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-databricks-audit/*"}"#;
    scene.bucket_policy(open);
    assert_eq!(scene.not_passed(), refused("public-policy"));
}

#[test]
fn the_caller_of_apply_is_a_declared_admin() {
    let mut scene = Scene::new();
    scene.caller.insert("111122223333".to_owned(), "arn:aws:iam::111122223333:role/Other".to_owned());
    assert_eq!(scene.not_passed(), refused("not-a-declared-admin"));
    scene.allow.insert("not-a-declared-admin".to_owned());
    assert_eq!(scene.not_passed(), refused("not-a-declared-admin"), "there is no override");
    scene.purpose = Purpose::Plan;
    assert_eq!(scene.not_passed(), vec![("not-a-declared-admin".to_owned(), Verdict::Warn)]);
    // The path belongs to the ARN.
    scene.purpose = Purpose::Apply;
    scene.caller.insert("111122223333".to_owned(), "arn:aws:iam::111122223333:role/path/PlatformAdmin".to_owned());
    assert_eq!(scene.not_passed(), refused("not-a-declared-admin"));
    // Credentials of another account.
    scene.purpose = Purpose::Plan;
    scene.caller.insert("111122223333".to_owned(), "arn:aws:iam::999988887777:role/PlatformAdmin".to_owned());
    assert!(scene.not_passed().contains(&("wrong-account".to_owned(), Verdict::Refuse)));
}

#[test]
fn what_cannot_be_undone_needs_its_code() {
    let mut scene = Scene::new();
    let retention = |mode: &str| Retention { mode: mode.to_owned(), days: 30 };
    scene.changes.push(Change {
        address: Address::new("acme", Kind::BucketObjectLock, "audit"),
        action: Action::Create,
        reason: "declared".to_owned(),
        irreversible: true,
        known_after_apply: Vec::new(),
        fields: vec![FieldChange {
            path: "retention.mode".to_owned(),
            before: serde_json::Value::Null,
            after: serde_json::to_value(retention("COMPLIANCE").mode).expect("mode"),
            reason: String::new(),
        }],
        depends_on: Vec::new(),
    });
    let codes: Vec<String> = scene.not_passed().into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["irreversible-compliance-retention", "irreversible-object-lock"]);
    scene.allow.extend(codes);
    assert!(scene.not_passed().iter().all(|(_, verdict)| *verdict == Verdict::Allowed));
}

#[test]
fn most_of_an_owned_policy_does_not_vanish_unasked() {
    let mut scene = Scene::new();
    let statement = |sid: &str| {
        format!(
            r#"{{"Sid":"{sid}","Effect":"Allow","Principal":{{"AWS":"{ADMIN}"}},"Action":"s3:GetObject","Resource":"*"}}"#
        )
    };
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{},{},{},{}]}}"#,
        statement("MfaReaders"),
        statement("ReadersRead"),
        statement("c"),
        statement("d")
    );
    let bucket = || "acme-databricks-audit".to_owned();
    scene.read(Read::BucketPolicy { bucket: bucket() }, PolicyText(text));
    let address = Address::new("acme", Kind::BucketPolicy, "audit");
    scene.wanted.resources.push(WantedResource {
        address: address.clone(),
        query: Query { place: scene.desired[0].aws_place(), read: Read::BucketPolicy { bucket: bucket() } },
        fact: Fact::Policy(PolicyText(String::new())),
        transition: None,
        reasons: BTreeMap::new(),
        after: Vec::new(),
    });
    let removed = |sid: &str| FieldChange {
        path: format!("statement[{sid}]"),
        before: serde_json::json!({}),
        after: serde_json::Value::Null,
        reason: String::new(),
    };
    let change = |fields| Change {
        address: address.clone(),
        action: Action::Update,
        reason: String::new(),
        irreversible: false,
        known_after_apply: Vec::new(),
        fields,
        depends_on: Vec::new(),
    };
    scene.changes = vec![change(vec![removed("MfaReaders"), removed("ReadersRead")])];
    assert_eq!(scene.not_passed(), [], "a bucket that was not ours yet is hardened without asking");
    let owner = BTreeMap::from([(OWNER_TAG.to_owned(), scene.desired[0].owner())]);
    scene.read(Read::BucketTags { bucket: bucket() }, Tags(owner));
    assert_eq!(scene.not_passed(), refused("statements-removed"));
    scene.changes = vec![change(vec![removed("MfaReaders")])];
    assert_eq!(scene.not_passed(), [], "a quarter is ordinary work");
    scene.changes = vec![change(vec![removed("c"), removed("d")])];
    assert_eq!(scene.not_passed(), [], "undeclared allows go at any number");
}

#[test]
fn an_unread_input_refuses_until_it_is_accepted() {
    let mut scene = Scene::new();
    scene.gaps.push(Gap {
        what: "s3:GetBucketPolicy on b".to_owned(),
        permission: Some("s3:GetBucketPolicy".to_owned()),
        message: "denied".to_owned(),
    });
    assert_eq!(scene.not_passed(), refused("unread-inputs"));
    scene.allow.insert("unread-inputs".to_owned());
    assert_eq!(scene.not_passed(), vec![("unread-inputs".to_owned(), Verdict::Allowed)]);
}
