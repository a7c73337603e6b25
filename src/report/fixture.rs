//! A realistic plan, for the tests of this room: an existing delivery that is hardened.

use std::collections::BTreeMap;

use jiff::civil::date;
use serde_json::{Value, json};

use crate::access::{Assumption, Holder, Question};
use crate::call::Write;
use crate::diff::FieldChange;
use crate::finding::{Finding, Severity};
use crate::model::bucket::PublicAccessBlock;
use crate::model::reference::Output;
use crate::model::{Address, Control, Gap, Intent, Kind, Observed, Place, Reference};
use crate::plan::effects::{ProofEffect, StepEffect, Who};
use crate::plan::{
    Action, Change, Effects, FORMAT_VERSION, GuardResult, PlacedWrite, Plan, Preflight, Source, Step, StepAction,
    Summary, Target, Verdict, Waived,
};

fn at(kind: Kind, name: &str) -> Address {
    Address::new("acme", kind, name)
}

fn key_token() -> String {
    Reference::new(at(Kind::KmsKey, "audit"), Output::KeyArn).to_string()
}

fn field(path: &str, before: Value, after: Value, reason: &str) -> FieldChange {
    FieldChange { path: path.to_owned(), before, after, reason: reason.to_owned() }
}

fn change(action: Action, address: Address, reason: &str, fields: Vec<FieldChange>) -> Change {
    let known_after_apply = fields.iter().filter(|f| f.known_after_apply()).map(|f| f.path.clone()).collect();
    Change {
        address,
        action,
        reason: reason.to_owned(),
        irreversible: false,
        known_after_apply,
        fields,
        depends_on: vec![],
    }
}

fn policy_change() -> Change {
    let objects = "arn:aws:s3:::acme-databricks-audit/audit/*";
    let read = |principals: Value, actions: Value| {
        json!({
            "Sid": "ReadersRead", "Effect": "Allow", "Principal": { "AWS": principals }, "Action": actions,
            "Resource": objects
        })
    };
    let tls = json!({
        "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": ["arn:aws:s3:::acme-databricks-audit", "arn:aws:s3:::acme-databricks-audit/*"],
        "Condition": { "Bool": { "aws:SecureTransport": "false" } }
    });
    let public =
        json!({ "Sid": "Old", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": objects });
    let analyst = "arn:aws:iam::111122223333:role/SecurityAnalyst";
    let siem = "arn:aws:iam::444455556666:role/SiemReader";
    let reason = "only declared roles read, and only over TLS";
    change(
        Action::Update,
        at(Kind::BucketPolicy, "audit"),
        reason,
        vec![
            field("statement[TlsOnly]", Value::Null, tls, "B9: every request over TLS"),
            field(
                "statement[ReadersRead]",
                read(json!([analyst, "arn:aws:iam::111122223333:root"]), json!("s3:Get*")),
                read(json!([analyst, siem]), json!(["s3:GetObject", "s3:GetObjectVersion"])),
                reason,
            ),
            field("statement[Old]", public, Value::Null, "B3: nobody anonymous"),
        ],
    )
}

fn changes() -> Vec<Change> {
    let block = "B1: all four switches";
    let mut lock = change(
        Action::Create,
        at(Kind::BucketObjectLock, "audit"),
        "declared under [bucket.object_lock]",
        vec![
            field("enabled", Value::Null, json!(true), "declared under [bucket.object_lock]"),
            field("retention.mode", Value::Null, json!("COMPLIANCE"), "declared under [bucket.object_lock]"),
            field("retention.days", Value::Null, json!(365), "B13: at least 365 days"),
        ],
    );
    lock.irreversible = true;
    vec![
        change(
            Action::Update,
            at(Kind::BucketPublicAccessBlock, "audit"),
            block,
            vec![
                field("block_public_policy", json!(false), json!(true), block),
                field("restrict_public_buckets", json!(false), json!(true), block),
            ],
        ),
        change(
            Action::Create,
            at(Kind::KmsKey, "audit"),
            "K1: a key of its own, with exact decrypters",
            vec![
                field("arn", Value::Null, json!(key_token()), "chosen by KMS"),
                field("state", Value::Null, json!("Enabled"), "K3: alive"),
            ],
        ),
        change(
            Action::Update,
            at(Kind::BucketEncryption, "audit"),
            "B10: objects are encrypted with the declared key",
            vec![
                field(
                    "algorithm",
                    json!("AES256"),
                    json!("aws:kms"),
                    "B10: objects are encrypted with the declared key",
                ),
                field("key", Value::Null, json!(key_token()), "B10: objects are encrypted with the declared key"),
            ],
        ),
        policy_change(),
        lock,
        change(
            Action::Delete,
            at(Kind::RoleAttachedPolicies, "delivery"),
            "R2: nothing but the declared permissions",
            vec![field(
                "attached_policies[arn:aws:iam::aws:policy/AmazonS3FullAccess]",
                json!("arn:aws:iam::aws:policy/AmazonS3FullAccess"),
                Value::Null,
                "R2: nothing but the declared permissions",
            )],
        ),
        change(
            Action::Replace,
            at(Kind::LogDelivery, "primary"),
            "the delivery moves to prefix `audit`",
            vec![field("delivery_path_prefix", json!("logs"), json!("audit"), "the delivery moves to prefix `audit`")],
        ),
        change(Action::Noop, at(Kind::BucketVersioning, "audit"), "B12: versioning is enabled", vec![]),
    ]
}

fn place() -> Place {
    Place::Aws { account: "111122223333".into(), region: "us-east-1".into() }
}

fn steps() -> Vec<Step> {
    let bucket = "acme-databricks-audit".to_owned();
    let block = |on: bool| PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: on,
        restrict_public_buckets: on,
    };
    let query = crate::call::Query {
        place: place(),
        read: crate::call::Read::BucketPublicAccessBlock { bucket: bucket.clone() },
    };
    vec![
        Step {
            id: 0,
            address: at(Kind::BucketPublicAccessBlock, "audit"),
            title: "close the bucket to the public".into(),
            action: StepAction::Write {
                place: place(),
                write: Write::PutBucketPublicAccessBlock { bucket: bucket.clone(), block: block(true) },
            },
            depends_on: vec![],
            target: Some(Target {
                query,
                fact: block(true).into(),
                before: Some(Observed::Present(block(false).into())),
                settles: true,
            }),
            gives: BTreeMap::new(),
            settle_seconds: 60,
            undo: Some(PlacedWrite {
                place: place(),
                write: Write::PutBucketPublicAccessBlock { bucket, block: block(false) },
            }),
        },
        Step {
            id: 1,
            address: at(Kind::KmsKey, "audit"),
            title: "create the key".into(),
            action: StepAction::Write {
                place: place(),
                write: Write::CreateKey { description: "audit".into(), policy: "{}".into(), tags: BTreeMap::new() },
            },
            depends_on: vec![0],
            target: None,
            gives: [(Output::KeyArn, key_token())].into(),
            settle_seconds: 120,
            undo: None,
        },
        Step {
            id: 2,
            address: at(Kind::LogDelivery, "primary"),
            title: "wait for the new delivery".into(),
            action: StepAction::AwaitDelivery {
                place: Place::Databricks { account: "0d26daa6-5e44-4c97-a497-ef015f91254a".into() },
                config_id: "c0ffee".into(),
                after_steps: vec![1],
                deadline_seconds: 5400,
            },
            depends_on: vec![1],
            target: None,
            gives: BTreeMap::new(),
            settle_seconds: 0,
            undo: None,
        },
        Step {
            id: 3,
            address: at(Kind::LogDelivery, "primary"),
            title: "let the old delivery end".into(),
            action: StepAction::Pause { seconds: 3600, reason: "a change of status takes up to an hour".into() },
            depends_on: vec![2],
            target: None,
            gives: BTreeMap::new(),
            settle_seconds: 0,
            undo: None,
        },
    ]
}

fn desired() -> crate::model::Desired {
    serde_json::from_value(json!({
        "name": "acme",
        "databricks": { "account_id": "0d26daa6-5e44-4c97-a497-ef015f91254a", "profile": null },
        "aws": {
            "account_id": "111122223333", "region": "us-east-1", "partition": "aws", "profile": null, "assume_role": null
        },
        "delivery": {
            "bucket": "acme-databricks-audit", "prefix": "audit", "name": "acme", "status": "enabled",
            "workspaces": [], "max_silence_minutes": 60, "previous_prefixes": ["logs"], "undeclared": "report"
        },
        "bucket": {
            "retention_days": 400, "noncurrent_retention_days": 30, "abort_multipart_days": 7,
            "object_lock": { "mode": "compliance", "days": 365 },
            "access_log": {
                "bucket": "acme-databricks-audit-access", "prefix": "s3/", "retention_days": 400, "readers": []
            },
            "event_bridge": false, "replicas": []
        },
        "key": { "arn": null, "alias": "alias/auditseal", "rotation_days": 365, "previous": [] },
        "role": { "arn": "arn:aws:iam::111122223333:role/auditseal/Delivery", "profile": null },
        "readers": {
            "analysts": { "kind": "role", "role": "arn:aws:iam::111122223333:role/SecurityAnalyst", "mfa": true }
        },
        "admins": { "platform": { "role": "arn:aws:iam::111122223333:role/PlatformAdmin" } },
        "observers": {}, "scanners": {},
        "unity_catalog": { "enabled": true, "metastores": [], "revoke_undeclared": true },
        "workspaces": {}, "account": { "public_access_block": false }, "waivers": []
    }))
    .unwrap()
}

fn guard(code: &str, verdict: Verdict, message: &str) -> GuardResult {
    GuardResult { code: code.to_owned(), verdict, message: message.to_owned() }
}

pub(super) fn plan() -> Plan {
    Plan {
        format_version: FORMAT_VERSION.to_owned(),
        intent: Intent::Apply,
        manifest: vec![Source { name: "acme".into(), digest: "ab".repeat(32) }],
        caller: [("111122223333".to_owned(), "arn:aws:iam::111122223333:role/PlatformAdmin".to_owned())].into(),
        summary: Summary { create: 2, update: 3, replace: 1, delete: 1, noop: 1 },
        complete: false,
        gaps: vec![Gap {
            what: "s3:GetBucketNotification on acme-databricks-audit".into(),
            permission: Some("s3:GetBucketNotification".into()),
            message: "AccessDenied".into(),
        }],
        reads_digest: "cd".repeat(32),
        changes: changes(),
        today: date(2026, 6, 30),
        waived: vec![Waived {
            address: at(Kind::BucketVersioning, "access"),
            control: Control::Versioning,
            reason: "old versions cost too much | until <March>".into(),
            owner: "platform-team".into(),
            until: date(2027, 3, 31),
            fields: vec![field("status", json!("Suspended"), json!("Enabled"), "B12: versions stay")],
        }],
        guards: vec![
            guard("not-a-declared-admin", Verdict::Pass, "the caller is a declared admin"),
            guard(
                "irreversible-object-lock",
                Verdict::Allowed,
                "Object Lock is switched on for `acme-databricks-audit`",
            ),
            guard("unread-inputs", Verdict::Refuse, "1 input could not be read"),
        ],
        findings: vec![Finding {
            code: "undeclared-delivery".into(),
            severity: Severity::High,
            subject: "_/log-delivery[9f3c]".into(),
            message: "delivers audit logs to `other-bucket`, which nothing declares".into(),
            help: Some("declare it, or set `[delivery] undeclared = \"disable\"`".into()),
            span: None,
        }],
        allowed: vec!["irreversible-object-lock".into()],
        partial: None,
        steps: steps(),
        access: access(),
        preflight: Preflight::default(),
        deliveries: Vec::new(),
        principals: BTreeMap::new(),
        desired: vec![desired()],
    }
}

/// Nothing to do, and everything was read.
pub(super) fn settled() -> Plan {
    Plan {
        summary: Summary { noop: 1, ..Summary::default() },
        complete: true,
        gaps: vec![],
        changes: changes().into_iter().filter(|change| change.action == Action::Noop).collect(),
        waived: vec![],
        guards: vec![guard("not-a-declared-admin", Verdict::Pass, "the caller is a declared admin")],
        findings: vec![],
        allowed: vec![],
        steps: vec![],
        access: Effects { complete: true, ..Effects::default() },
        ..plan()
    }
}

/// A contractor loses read, the delivery gains what it is for, an admin may still take a reader's role.
fn access() -> Effects {
    let arn = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    let holder = |question, name: &str, declared| Holder {
        manifest: "acme".into(),
        question,
        arn: arn(name),
        declared,
        through: (name == "PlatformAdmin").then(|| arn("SecurityAnalyst")),
        replica: None,
        verdict: crate::access::Verdict::Can,
    };
    Effects {
        complete: true,
        gaps: Vec::new(),
        assumptions: vec![Assumption {
            code: "no-session-policies".into(),
            message: "sessions have the permissions of their role".into(),
            unread: false,
        }],
        before: Who { read: vec![arn("Contractor"), arn("PlatformAdmin")], ..Who::default() },
        after: Who {
            read: vec![arn("AuditDelivery"), arn("PlatformAdmin")],
            write: vec![arn("AuditDelivery")],
            ..Who::default()
        },
        steps: vec![StepEffect {
            step: 1,
            address: Address::new("acme", Kind::BucketPolicy, "audit"),
            gained: vec![holder(Question::Read, "AuditDelivery", true), holder(Question::Write, "AuditDelivery", true)],
            lost: vec![holder(Question::Read, "Contractor", false)],
        }],
        proofs: vec![ProofEffect {
            step: 1,
            address: Address::new("acme", Kind::BucketPolicy, "audit"),
            manifest: "acme".into(),
            code: "delivery-works".into(),
            before: Some(crate::access::ProofVerdict::DoesNotHold),
            after: crate::access::ProofVerdict::Holds,
            because: Vec::new(),
        }],
        undeclared: vec![holder(Question::Read, "PlatformAdmin", false)],
    }
}
