//! Manifests that are planned together, against each other.

use std::collections::BTreeMap;

use crate::finding::{Finding, Span};
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
    findings
}

fn span(loaded: &Loaded, path: &str) -> Option<Span> {
    loaded.places.closest(path).cloned()
}

/// Buckets are compared by name alone: names are unique in a partition.
fn claims(manifests: &[Loaded], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(&str, String), (&str, String)> = BTreeMap::new();
    for loaded in manifests {
        let desired = &loaded.desired;
        let mut claimed = vec![
            ("bucket", desired.delivery.bucket.clone(), "delivery.bucket".to_owned()),
            ("bucket", desired.bucket.access_log.bucket.clone(), "bucket.access_log.bucket".to_owned()),
            ("delivery role", desired.role.arn.to_string(), "role.arn".to_owned()),
        ];
        for (index, replica) in desired.bucket.replicas.iter().enumerate() {
            claimed.push(("bucket", replica.bucket.clone(), format!("bucket.replicas[{index}].bucket")));
        }
        if let Some(arn) = &desired.key.arn {
            claimed.push(("key", arn.to_string(), "key.arn".to_owned()));
        }
        let alias = format!("{} in {}", desired.key.alias, desired.aws_place());
        claimed.push(("key alias", alias, "key.alias".to_owned()));
        for (kind, name, path) in claimed {
            if let Some((other, other_path)) = seen.get(&(kind, name.clone())) {
                let message =
                    format!("{kind} {} is claimed by manifest {} too, as `{other_path}`", quote(&name), quote(other));
                let help = format!("declare the {kind} in one manifest only");
                findings.push(error(codes::CLAIMED_TWICE, &path, message, Some(help), span(loaded, &path)));
            } else {
                seen.insert((kind, name), (&desired.name, path));
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
