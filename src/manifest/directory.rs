//! Manifests that are planned together, against each other.

use std::collections::BTreeMap;

use crate::finding::{Finding, Span};
use crate::model::Alert;
use crate::model::alert::Sink;
use crate::model::desired::Undeclared;

use super::codes;
use super::load::Loaded;
use super::source::{error, quote};

/// What is wrong between manifests: one thing claimed twice, one thing wanted in two ways, one account reached in two ways.
#[must_use]
pub fn check_directory(manifests: &[Loaded]) -> Vec<Finding> {
    let mut findings = Vec::new();
    claims(manifests, &mut findings);
    singletons(manifests, &mut findings);
    credentials(manifests, &mut findings);
    sinks(manifests, &mut findings);
    stores(manifests, &mut findings);
    findings
}

/// One name is one sink, and one file has one sink: messages wait under the name, and documents are replaced as a whole.
fn sinks(manifests: &[Loaded], findings: &mut Vec<Finding>) {
    let mut named: BTreeMap<&str, (&str, &Alert)> = BTreeMap::new();
    let mut files: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for loaded in manifests {
        for (index, alert) in loaded.desired.alerts.iter().enumerate() {
            let mut report = |key: &str, message: String| {
                let path = format!("alerts[{index}].{key}");
                let help =
                    "declare a shared sink in `defaults.toml`, or give each a name and a file of its own".to_owned();
                let span = loaded.places.closest(&path).cloned();
                findings.push(error(codes::SINK_CONTRADICTION, &path, message, Some(help), span));
            };
            let (other, first) = *named.entry(&alert.name).or_insert((&loaded.desired.name, alert));
            if first != alert {
                report("name", format!("manifest {} declares another sink {}", quote(other), quote(&alert.name)));
            }
            let Sink::File { path, .. } = &alert.sink else { continue };
            let (other, name) = *files.entry(path).or_insert((&loaded.desired.name, &alert.name));
            if name != alert.name {
                let (path, name, other) = (quote(path), quote(name), quote(other));
                report("path", format!("{path} is written by sink {name} of manifest {other} too"));
            }
        }
    }
}

/// A directory has one store, since it has one folder of journals, one drift memory and one outbox; and no bucket that any of
/// its manifests reconciles.
fn stores(manifests: &[Loaded], findings: &mut Vec<Finding>) {
    let Some(first) = manifests.first() else { return };
    let shown = |loaded: &Loaded| {
        let store = loaded.desired.store.as_ref();
        store.map_or("not declared".to_owned(), |store| {
            format!("{} in account {}", quote(&store.url()), quote(&store.account_id))
        })
    };
    for loaded in manifests {
        let mut report = |code: &str, message: String, help: &str| {
            let span = span(loaded, "store.s3");
            findings.push(error(code, "store.s3", message, Some(help.to_owned()), span));
        };
        if loaded.desired.store != first.desired.store {
            let (here, there, other) = (shown(loaded), shown(first), quote(&first.desired.name));
            let message = format!("the store is {here} here, and {there} in manifest {other}");
            let help = "declare `[store]` once, in `defaults.toml`; over several AWS accounts with its `account_id`";
            report(codes::STORE_CONTRADICTION, message, help);
        }
        let Some(store) = &loaded.desired.store else { continue };
        // The manifest's own buckets were looked at with the rest of it.
        let others = manifests.iter().filter(|other| other.desired.name != loaded.desired.name);
        let taken = others.flat_map(|other| claimed(other).into_iter().map(move |claim| (other, claim)));
        for (other, (kind, name, _, path)) in taken {
            if kind == "bucket" && name == store.bucket {
                let (name, other) = (quote(&name), quote(&other.desired.name));
                let message = format!("bucket {name} of the store is used by manifest {other} too, as `{path}`");
                report(codes::DUPLICATE_BUCKET, message, "give each use its own bucket");
            }
        }
    }
}

/// Where a value stands; the audit bucket stands for the names that follow from it.
fn span(loaded: &Loaded, path: &str) -> Option<Span> {
    loaded.places.closest(path).or_else(|| loaded.places.closest("delivery.bucket")).cloned()
}

/// Something that one manifest reconciles: kind, name, where in the cloud the name is unique, key of the manifest.
type Claim = (&'static str, String, String, String);

fn claimed(loaded: &Loaded) -> Vec<Claim> {
    let desired = &loaded.desired;
    let partition = desired.aws.partition.arn_name().to_owned();
    let bucket = |name: &String, path: String| ("bucket", name.clone(), partition.clone(), path);
    let mut claims = vec![
        bucket(&desired.delivery.bucket, "delivery.bucket".to_owned()),
        bucket(&desired.bucket.access_log.bucket, "bucket.access_log.bucket".to_owned()),
        ("delivery role", desired.role.arn.to_string(), String::new(), "role.arn".to_owned()),
        ("key alias", desired.key.alias.clone(), desired.aws_place().to_string(), "key.alias".to_owned()),
    ];
    let replicas = desired.bucket.replicas.iter().enumerate();
    claims.extend(replicas.map(|(index, replica)| bucket(&replica.bucket, format!("bucket.replicas[{index}].bucket"))));
    claims.extend(desired.key.arn.iter().map(|arn| ("key", arn.to_string(), String::new(), "key.arn".to_owned())));
    claims
}

fn claims(manifests: &[Loaded], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(&str, String, String), (&str, String)> = BTreeMap::new();
    for loaded in manifests {
        for (kind, name, place, path) in claimed(loaded) {
            let key = (kind, name, place);
            if let Some((other, other_path)) = seen.get(&key) {
                let (other, name) = (quote(other), quote(&key.1));
                let message = format!("{kind} {name} is claimed by manifest {other} too, as `{other_path}`");
                let help = format!("declare the {kind} in one manifest only");
                findings.push(error(codes::CLAIMED_TWICE, &path, message, Some(help), span(loaded, &path)));
            } else {
                seen.insert(key, (&loaded.desired.name, path));
            }
        }
    }
}

/// Account-wide settings are the union over the directory: only values that are written contradict each other.
fn singletons(manifests: &[Loaded], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(&str, String), (&str, String)> = BTreeMap::new();
    for loaded in manifests {
        let desired = &loaded.desired;
        let undeclared = match desired.delivery.undeclared {
            Undeclared::Report => "report",
            Undeclared::Disable => "disable",
        };
        let databricks = &desired.databricks.account_id;
        let wanted = [
            ("account.public_access_block", &desired.aws.account_id, desired.account.public_access_block.to_string()),
            ("unity_catalog.revoke_undeclared", databricks, desired.unity_catalog.revoke_undeclared.to_string()),
            ("delivery.undeclared", databricks, undeclared.to_owned()),
        ];
        for (path, account, value) in wanted {
            let Some(place) = loaded.places.exact(path) else { continue };
            match seen.get(&(path, account.clone())) {
                Some((other, other_value)) if *other_value != value => {
                    let message = format!(
                        "`{path}` is {} here and {} in manifest {}, but account {} has only one",
                        quote(&value),
                        quote(other_value),
                        quote(other),
                        quote(account)
                    );
                    let help = "write the same value in both, or once in `defaults.toml`".to_owned();
                    findings.push(error(codes::CONTRADICTION, path, message, Some(help), Some(place.clone())));
                }
                Some(_) => {}
                None => {
                    seen.insert((path, account.clone()), (&desired.name, value));
                }
            }
        }
    }
}

/// How an account is reached: its credentials are chosen once per account, not once per manifest.
fn credentials(manifests: &[Loaded], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(&str, String), (&str, String, String)> = BTreeMap::new();
    for loaded in manifests {
        let desired = &loaded.desired;
        let aws = &desired.aws;
        let assumed = aws.assume_role.as_ref().map(ToString::to_string);
        let mut used = vec![
            (
                "AWS",
                aws.account_id.clone(),
                access(aws.profile.as_deref(), assumed.as_deref()),
                "aws.profile".to_owned(),
            ),
            (
                "Databricks",
                desired.databricks.account_id.clone(),
                access(desired.databricks.profile.as_deref(), None),
                "databricks.profile".to_owned(),
            ),
        ];
        // Without a profile of their own, role and replicas are reached like the account itself.
        if let Some(profile) = &desired.role.profile {
            used.push((
                "AWS",
                desired.role.arn.account.clone(),
                access(Some(profile), None),
                "role.profile".to_owned(),
            ));
        }
        for (index, replica) in desired.bucket.replicas.iter().enumerate() {
            if let Some(profile) = &replica.profile {
                let path = format!("bucket.replicas[{index}].profile");
                used.push(("AWS", replica.account_id.clone(), access(Some(profile), None), path));
            }
        }
        for (cloud, account, how, path) in used {
            match seen.get(&(cloud, account.clone())) {
                Some((other, other_how, other_path)) if *other_how != how => {
                    let message = format!(
                        "{cloud} account {} is reached with {how} here, and with {other_how} in manifest {} (`{other_path}`)",
                        quote(&account),
                        quote(other)
                    );
                    let help = "use the same credentials for one account everywhere".to_owned();
                    findings.push(error(codes::PROFILE_CONFLICT, &path, message, Some(help), span(loaded, &path)));
                }
                Some(_) => {}
                None => {
                    seen.insert((cloud, account), (&desired.name, how, path));
                }
            }
        }
    }
}

fn access(profile: Option<&str>, role: Option<&str>) -> String {
    let profile =
        profile.map_or_else(|| "the default credentials".to_owned(), |name| format!("profile {}", quote(name)));
    role.map_or(profile.clone(), |role| format!("{profile} and role {}", quote(role)))
}
