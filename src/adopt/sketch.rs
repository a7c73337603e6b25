//! The manifest while it is being drawn: plain values with the remarks that stand beside them.

use crate::model::desired::ObjectLock;
use crate::model::place::Partition;
use crate::model::{Arn, Waiver};

/// What is going to be written. `None` and empty are left out: the default holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    pub databricks_account: String,
    pub aws_account: String,
    pub region: String,
    /// Only where it does not follow from the region.
    pub partition: Option<Partition>,
    pub bucket: String,
    pub prefix: Option<String>,
    pub delivery_name: Option<String>,
    pub disabled: bool,
    pub workspace_ids: Vec<i64>,
    pub previous_prefixes: Vec<String>,
    pub retention_days: Option<u32>,
    pub noncurrent_retention_days: Option<u32>,
    pub abort_multipart_days: Option<u32>,
    pub event_bridge: Option<bool>,
    pub object_lock: Option<ObjectLock>,
    pub access_log: AccessLog,
    /// Bucket and region, in the account of the audit bucket.
    pub replicas: Vec<(String, String)>,
    pub key_arn: Option<String>,
    pub key_alias: Option<String>,
    pub rotation_days: Option<u32>,
    pub previous_keys: Vec<String>,
    pub role: Option<String>,
    pub role_profile: Option<String>,
    pub readers: Vec<Person>,
    pub admins: Vec<Person>,
    pub observers: Vec<Person>,
    /// Name or id, and whether verbose audit logs are on.
    pub workspaces: Vec<(String, bool)>,
    pub exceptions: Vec<Exception>,
    pub remarks: Remarks,
}

/// The access log of the audit bucket, where it goes today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessLog {
    pub bucket: Option<String>,
    pub prefix: Option<String>,
    pub retention_days: Option<u32>,
    pub readers: Vec<String>,
}

/// Comments, by the section that they stand in. One paragraph each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    pub head: Vec<String>,
    pub delivery: Vec<String>,
    pub bucket: Vec<String>,
    pub access_log: Vec<String>,
    pub key: Vec<String>,
    pub role: Vec<String>,
    pub readers: Vec<String>,
    pub admins: Vec<String>,
    pub workspaces: Vec<String>,
}

/// A reader, admin or observer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    pub label: String,
    pub who: Who,
    pub mfa: bool,
    /// How the access is had today.
    pub remarks: Vec<String>,
    /// Written as a comment: for a person to decide.
    pub proposed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Role(Arn),
    Group(String),
    User(String),
    ServicePrincipal(String),
}

impl Who {
    /// Key and value in the manifest.
    #[must_use]
    pub fn entry(&self) -> (&'static str, String) {
        match self {
            Who::Role(arn) => ("role", arn.to_string()),
            Who::Group(name) => ("databricks_group", name.clone()),
            Who::User(name) => ("databricks_user", name.clone()),
            Who::ServicePrincipal(id) => ("databricks_service_principal", id.clone()),
        }
    }
}

/// A waiver, with what it leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    pub waiver: Waiver,
    pub remarks: Vec<String>,
}

impl Person {
    /// Somebody who is declared, named after the role or principal.
    #[must_use]
    pub fn new(who: Who, remarks: Vec<String>) -> Self {
        let (_, name) = who.entry();
        let name = match &who {
            Who::Role(arn) => arn.role().map_or(name, |(_, role)| role),
            Who::User(mail) => mail.split('@').next().unwrap_or_default().to_owned(),
            Who::ServicePrincipal(id) => format!("principal-{}", id.chars().take(8).collect::<String>()),
            Who::Group(_) => name,
        };
        Self { label: label(&name), who, mfa: false, remarks, proposed: false }
    }
}

/// `SecurityAnalyst` → `security-analyst`: the manifest's own style, with letters that a label may have (at most 60 of 64,
/// so that a number fits behind it).
#[must_use]
pub fn label(name: &str) -> String {
    let mut label = String::new();
    let mut low = false;
    for letter in name.chars().take(60) {
        match letter {
            'A'..='Z' => {
                if low {
                    label.push('-');
                }
                label.push(letter.to_ascii_lowercase());
                low = false;
            }
            'a'..='z' | '0'..='9' => {
                label.push(letter);
                low = true;
            }
            _ => {
                if !label.is_empty() && !label.ends_with('-') {
                    label.push('-');
                }
                low = false;
            }
        }
    }
    label.truncate(60);
    let label = label.trim_end_matches('-');
    if label.is_empty() { "unnamed".to_owned() } else { label.to_owned() }
}

/// Gives equal labels numbers, in the order of the list.
pub(super) fn number(people: &mut [Person]) {
    let mut seen = std::collections::BTreeSet::new();
    for one in people {
        let plain = one.label.clone();
        let mut count = 1_u32;
        while !seen.insert(one.label.clone()) {
            count += 1;
            one.label = format!("{plain}-{count}");
        }
    }
}
