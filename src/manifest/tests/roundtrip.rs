use jiff::civil::date;
use proptest::prelude::*;

use crate::manifest::{expand, parse};
use crate::model::alert::{BodyFormat, FileFormat, SecretSource, Sink, WebAddress};
use crate::model::desired::{
    AccessLog, Account, Admin, AwsAccount, Bucket, DatabricksAccount, Delivery, DeliveryStatus, Desired, Key, LockMode,
    ObjectLock, Observer, Reader, Replica, Role, Scanner, Store, Undeclared, UnityCatalog, Workspace,
};
use crate::model::place::Partition;
use crate::model::waiver::LocalAddress;
use crate::model::{Alert, Control, Severity, Waiver};

const HOME: &str = "111122223333";

fn text() -> impl Strategy<Value = String> {
    // Quotes, backslashes and letters of any language have to survive.
    "[a-zA-Z\"'\\\\äλ字#=]([ -~äλ字]{0,20}[a-z\"\\\\])?"
}

fn label() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,12}"
}

fn pattern(regex: &str) -> impl Strategy<Value = String> + use<> {
    proptest::string::string_regex(regex).unwrap()
}

fn bucket(tag: &'static str) -> impl Strategy<Value = String> {
    // A tag of its own keeps the buckets of one manifest apart.
    pattern(&format!("{tag}[a-z0-9]([a-z0-9-]{{0,30}}[a-z0-9])?(\\.[a-z0-9]{{1,25}})?x"))
}

fn role(kind: &'static str, account: &'static str) -> impl Strategy<Value = crate::model::Arn> {
    pattern(&format!("arn:aws:iam::{account}:role/({kind}/)?{kind}[a-zA-Z0-9+=,.@_-]{{0,20}}"))
        .prop_map(|arn| arn.parse().unwrap())
}

fn key() -> impl Strategy<Value = crate::model::Arn> {
    "arn:aws:kms:us-east-1:111122223333:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
        .prop_map(|arn: String| arn.parse().unwrap())
}

fn prefix(start: &'static str) -> impl Strategy<Value = String> {
    pattern(&format!("{start}[a-zA-Z0-9_=!()'-]{{0,9}}(/[a-z0-9]{{1,9}}){{0,2}}"))
}

prop_compose! {
    fn delivery()(
        bucket in bucket("a"),
        prefix in prefix("p"),
        name in text(),
        enabled in any::<bool>(),
        workspaces in prop::collection::btree_set(1..=i64::MAX, 0..3),
        minutes in 15..=10_080_u32,
        previous in prop::collection::btree_set(prefix("q"), 0..3),
        disable in any::<bool>(),
    ) -> Delivery {
        Delivery {
            bucket,
            prefix,
            name,
            status: if enabled { DeliveryStatus::Enabled } else { DeliveryStatus::Disabled },
            workspaces: workspaces.into_iter().collect(),
            max_silence_minutes: minutes,
            previous_prefixes: previous.into_iter().collect(),
            undeclared: if disable { Undeclared::Disable } else { Undeclared::Report },
        }
    }
}

prop_compose! {
    fn audit_bucket()(
        lock in prop::option::of((any::<bool>(), 1..=36_500_u32)),
        days in 1..=36_500_u32,
        noncurrent in 1..=36_500_u32,
        abort in 1..=365_u32,
        event_bridge in any::<bool>(),
        log in (bucket("b"), prefix("s"), any::<bool>(), 1..=36_500_u32),
        readers in prop::collection::btree_set(role("L", HOME), 0..3),
        near in prop::option::of((bucket("c"), prop::option::of(text()))),
        far in prop::option::of((bucket("d"), text())),
    ) -> Bucket {
        let near = near.map(|(bucket, profile)| Replica {
            bucket, account_id: HOME.to_owned(), region: "eu-central-1".to_owned(), profile,
        });
        let far = far.map(|(bucket, profile)| Replica {
            bucket, account_id: "444455556666".to_owned(), region: "us-west-2".to_owned(), profile: Some(profile),
        });
        let (log_bucket, mut log_prefix, slash, log_days) = log;
        if slash {
            log_prefix.push('/');
        }
        Bucket {
            retention_days: lock.map_or(days, |(_, lock)| lock.max(days)),
            noncurrent_retention_days: noncurrent,
            abort_multipart_days: abort,
            object_lock: lock.map(|(governance, days)| ObjectLock {
                mode: if governance { LockMode::Governance } else { LockMode::Compliance },
                days,
            }),
            access_log: AccessLog {
                bucket: log_bucket,
                prefix: log_prefix,
                retention_days: log_days,
                readers: readers.into_iter().collect(),
            },
            event_bridge,
            replicas: near.into_iter().chain(far).collect(),
        }
    }
}

fn waivers() -> impl Strategy<Value = Vec<Waiver>> {
    let day = (2020..2100_i16, 1..=12_i8, 1..=28_i8).prop_map(|(year, month, day)| date(year, month, day));
    let controls = prop::sample::subsequence(Control::ALL, 0..4);
    (controls, text(), text(), day, any::<bool>()).prop_map(|(controls, reason, owner, until, somewhere)| {
        let waiver = |control: Control| Waiver {
            address: somewhere.then(|| LocalAddress { kind: control.kinds()[0], name: "access".to_owned() }),
            control,
            reason: reason.clone(),
            owner: owner.clone(),
            until,
        };
        // What locks and replicas rest on is not waived with them.
        controls.into_iter().filter(|control| *control != Control::Versioning).map(waiver).collect()
    })
}

fn secret() -> impl Strategy<Value = SecretSource> {
    prop_oneof![
        "[A-Za-z_][A-Za-z0-9_]{0,12}".prop_map(SecretSource::Env),
        "(/|\\.\\./)?[a-zäλ]([ -.0-~äλ字]{0,12}[a-z])?".prop_map(SecretSource::File),
        "[A-Za-z0-9/_+=.@-]{1,20}".prop_map(SecretSource::AwsSecret),
    ]
}

fn sink() -> impl Strategy<Value = Sink> {
    let body = prop_oneof![Just(BodyFormat::Jsonl), Just(BodyFormat::Ocsf)];
    let form = prop_oneof![Just(FileFormat::Jsonl), Just(FileFormat::Ocsf), Just(FileFormat::Sarif)];
    let url = prop_oneof![
        "https://[a-z]{1,9}\\.example/[a-zA-Z0-9/_~%-]{0,20}".prop_map(WebAddress::Plain),
        secret().prop_map(WebAddress::Secret),
    ];
    prop_oneof![
        ("[a-z]([ -.0-~äλ字]{0,12}[a-z])?x", form).prop_map(|(path, format)| Sink::File { path, format }),
        (url, secret(), body).prop_map(|(url, secret, format)| Sink::Webhook { url, secret, format }),
        secret().prop_map(|url| Sink::Slack { url }),
    ]
}

fn alerts() -> impl Strategy<Value = Vec<Alert>> {
    use Severity::{Critical, High, Info, Low, Medium};
    let severity = prop::sample::select(vec![Info, Low, Medium, High, Critical]);
    prop::collection::btree_map(label(), (severity, sink()), 0..4).prop_map(|sinks| {
        let mut files = std::collections::BTreeSet::new();
        let alert = |(name, (min_severity, sink))| Alert { name, min_severity, sink };
        let own = |alert: &Alert| match &alert.sink {
            Sink::File { path, .. } => files.insert(path.clone()),
            _ => true,
        };
        sinks.into_iter().map(alert).filter(own).collect()
    })
}

fn store() -> impl Strategy<Value = Option<Store>> {
    let prefix = prop_oneof![Just(String::new()), "[A-Za-z0-9_-]{1,9}(/[A-Za-z0-9_-]{1,9}){0,2}"];
    let one = (bucket("w"), prefix, "[0-9]{12}");
    prop::option::of(one.prop_map(|(bucket, prefix, account_id)| Store { bucket, prefix, account_id }))
}

fn readers() -> impl Strategy<Value = Vec<Reader>> {
    let role = (role("R", HOME), any::<bool>()).prop_map(|(role, mfa)| Reader::Role { role, mfa });
    let principal =
        prop_oneof![text(), "[a-z]{1,9}@[a-z]{1,9}", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"]
            .prop_map(|principal: String| Reader::Databricks { principal });
    prop::collection::vec(prop_oneof![role, principal], 0..4)
}

prop_compose! {
    fn desired()(
        profiles in (prop::option::of(text()), prop::option::of(text()), prop::option::of(text())),
        assume_role in prop::option::of(role("T", HOME)),
        delivery in delivery(),
        bucket in audit_bucket(),
        arn in prop::option::of(key()),
        alias in "alias/[a-zA-Z0-9/_-]{0,20}x",
        rotation_days in 90..=2560_u32,
        previous in prop::collection::btree_set(key(), 0..2),
        role_arn in role("D", HOME),
        readers in readers(),
        admins in prop::collection::btree_map(label(), role("A", HOME), 1..3),
        observers in prop::collection::btree_map(label(), role("O", "444455556666"), 0..3),
        scanners in prop::collection::btree_map(label(), role("S", HOME), 0..3),
        (metastores, revoke_undeclared) in (prop::collection::btree_set(text(), 0..3), any::<bool>()),
        workspaces in prop::collection::btree_map(text(), any::<bool>(), 0..3),
        public_access_block in any::<bool>(),
        waivers in waivers(),
        (alerts, store) in (alerts(), store()),
    ) -> Desired {
        let mut seen = std::collections::BTreeSet::new();
        let readers = readers.into_iter().filter(|reader| seen.insert(match reader {
            Reader::Role { role, .. } => role.to_string(),
            Reader::Databricks { principal } => principal.clone(),
        }));
        Desired {
            name: "acme".to_owned(),
            databricks: DatabricksAccount {
                account_id: "0d26daa6-5e44-4c97-a497-ef015f91254a".to_owned(),
                profile: profiles.0,
            },
            aws: AwsAccount {
                account_id: HOME.to_owned(),
                region: "us-east-1".to_owned(),
                partition: Partition::Aws,
                profile: profiles.1,
                assume_role,
            },
            delivery,
            bucket,
            key: Key {
                previous: previous.into_iter().filter(|previous| Some(previous) != arn.as_ref()).collect(),
                arn,
                alias,
                rotation_days,
            },
            role: Role { arn: role_arn, profile: profiles.2 },
            readers: readers.enumerate().map(|(index, reader)| (format!("r{index}"), reader)).collect(),
            admins: admins.into_iter().map(|(name, role)| (name, Admin { role })).collect(),
            observers: observers.into_iter().map(|(name, role)| (name, Observer { role })).collect(),
            scanners: scanners.into_iter().map(|(name, role)| (name, Scanner { role })).collect(),
            unity_catalog: UnityCatalog { enabled: true, metastores: metastores.into_iter().collect(), revoke_undeclared },
            workspaces: workspaces
                .into_iter()
                .map(|(name, verbose_audit_logs)| (name, Workspace { verbose_audit_logs }))
                .collect(),
            account: Account { public_access_block },
            waivers,
            alerts,
            store,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn expanding_and_parsing_gives_the_same(desired in desired()) {
        let text = expand(&desired);
        let parsed = parse("acme", "acme.toml", &text);
        prop_assert_eq!(parsed.as_ref(), Ok(&desired), "{}", text);
        prop_assert_eq!(expand(&desired), text);
    }

    /// What follows from a bucket's name is always valid itself, and distinct for distinct buckets.
    #[test]
    fn derived_names_are_valid(one in "[a-z0-9][a-z0-9-]{1,59}[a-z0-9]", other in "[a-z0-9][a-z0-9.]{1,59}[a-z0-9]") {
        let manifest = |bucket: &str| {
            parse("acme", "acme.toml", &super::MINIMAL.replace("acme-databricks-audit", bucket))
        };
        let mut all = Vec::new();
        // Names that are themselves refused (two dots, reserved) prove nothing.
        for desired in [one, other].iter().filter_map(|bucket| manifest(bucket).ok()) {
            let again = parse("acme", "acme.toml", &expand(&desired));
            prop_assert_eq!(again.as_ref(), Ok(&desired));
            all.push(desired);
        }
        if let [one, other] = all.as_slice() && one.delivery.bucket != other.delivery.bucket {
            prop_assert_ne!(&one.bucket.access_log.bucket, &other.bucket.access_log.bucket);
            prop_assert_ne!(&one.role.arn, &other.role.arn);
            prop_assert_ne!(&one.key.alias, &other.key.alias);
        }
    }
}
