//! Whom the declaration names, and for what.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::desired::{REPLICATION_ROLE, Reader};
use crate::model::{Arn, Desired};

use super::question::Duty;

/// The declaration by principal.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    /// ARN → as what it is declared.
    readers: BTreeMap<String, String>,
    deliverers: BTreeMap<String, String>,
    /// The replication role, where the declaration is that of a replica.
    replicators: BTreeMap<String, String>,
    admins: BTreeMap<String, String>,
    observers: BTreeMap<String, String>,
    /// Folded names.
    databricks: BTreeMap<String, String>,
    root: String,
    /// Databricks' own principals → the declared roles that they may act through.
    vendor: BTreeMap<String, BTreeSet<String>>,
}

/// Name of the role that Databricks assumes for Unity Catalog (terraform-provider-databricks, `aws/constants.go`), with
/// the account of the delivery principal.
const UNITY_CATALOG_ROLE: &str = "role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL";

impl Declared {
    pub fn of(desired: &Desired) -> Self {
        let mut declared = Self::default();
        for (name, reader) in &desired.readers {
            match reader {
                Reader::Role { role, .. } => {
                    declared.readers.insert(role.to_string(), format!("reader `{name}`"));
                }
                Reader::Databricks { principal } => {
                    declared.databricks.insert(principal.to_lowercase(), format!("reader `{name}`"));
                }
            }
        }
        for (name, scanner) in &desired.scanners {
            declared.readers.insert(scanner.role.to_string(), format!("scanner `{name}`"));
        }
        let delivers = desired.role.arn.to_string();
        if desired.role.arn.role().is_some_and(|(_, name)| name.starts_with(REPLICATION_ROLE)) {
            declared.replicators.insert(delivers.clone(), "replication role".to_owned());
        }
        declared.deliverers.insert(delivers, "delivery role".to_owned());
        if !desired.bucket.replicas.is_empty() {
            let partition = desired.aws.partition.arn_name();
            let role =
                format!("arn:{partition}:iam::{}:role/{}", desired.aws.account_id, desired.replication_role_name());
            declared.readers.insert(role, "replication role".to_owned());
        }
        for (name, admin) in &desired.admins {
            declared.admins.insert(admin.role.to_string(), format!("admin `{name}`"));
        }
        for (name, observer) in &desired.observers {
            declared.observers.insert(observer.role.to_string(), format!("observer `{name}`"));
        }
        declared.root = format!("arn:{}:iam::{}:root", desired.aws.partition.arn_name(), desired.aws.account_id);
        declared.vendors(desired);
        declared
    }

    /// Databricks acts through the delivery role, and through readers that are roles of Unity Catalog. Only those.
    fn vendors(&mut self, desired: &Desired) {
        let delivery = desired.aws.partition.delivery_principal().to_owned();
        if let Some((account, _)) = delivery.split_once(":role/") {
            let catalog = format!("{account}:{UNITY_CATALOG_ROLE}");
            self.vendor.insert(catalog, self.readers.keys().cloned().collect());
        }
        self.vendor.insert(delivery, self.deliverers.keys().cloned().collect());
    }

    /// Whether a principal is declared for a duty, and as what.
    pub fn aws(&self, arn: &str, duty: Duty) -> Option<String> {
        let books: &[&BTreeMap<String, String>] = match duty {
            // A delivery role can read what it writes, by Databricks' own instructions.
            Duty::Reading => &[&self.readers, &self.deliverers],
            Duty::Delivering => &[&self.deliverers],
            Duty::Replicating => &[&self.replicators],
            Duty::Administering => &[&self.admins],
            Duty::Listing => &[&self.readers, &self.deliverers, &self.admins, &self.observers],
            Duty::Nobody => &[],
        };
        if duty == Duty::Administering && arn == self.root {
            return Some("root user of the account, whom no bucket policy shuts out for good".to_owned());
        }
        if let Some(label) = books.iter().find_map(|book| book.get(arn)) {
            return Some(label.clone());
        }
        // A session of a declared role is that role.
        let role = role_of_session(arn)?;
        let of = |book: &&BTreeMap<String, String>| {
            book.iter().find(|(declared, _)| same_role(declared, &role)).map(|(_, label)| label.clone())
        };
        books.iter().find_map(of)
    }

    /// Whether an AWS principal is named for anything.
    pub fn names(&self, arn: &str) -> bool {
        let books = [&self.readers, &self.deliverers, &self.replicators, &self.admins, &self.observers];
        books.iter().any(|book| book.contains_key(arn))
    }

    /// Whether Databricks itself may act through a role.
    pub fn vendor(&self, arn: &str, role: &str) -> bool {
        self.vendor.get(arn).is_some_and(|roles| roles.contains(role))
    }

    /// Whether a Databricks principal is declared, by its own name or as a member of a declared group.
    pub fn databricks(&self, name: &str, through: &[String]) -> (bool, String) {
        if let Some(label) = self.databricks.get(&name.to_lowercase()) {
            return (true, label.clone());
        }
        let by_group = through.iter().find_map(|group| Some((group, self.databricks.get(&group.to_lowercase())?)));
        match by_group {
            Some((group, label)) => (true, format!("{label}, as a member of group `{group}`")),
            None => (false, "not declared".to_owned()),
        }
    }

    pub fn delivery_roles(&self) -> impl Iterator<Item = &String> {
        self.deliverers.keys()
    }

    pub fn admins(&self) -> impl Iterator<Item = &String> {
        self.admins.keys()
    }
}

/// `arn:aws:sts::1:assumed-role/Name/session` → account and name of the role; a session's ARN has no path.
fn role_of_session(arn: &str) -> Option<(String, String)> {
    // Most are no sessions, and told so before anything is taken apart.
    if !arn.contains(":assumed-role/") {
        return None;
    }
    let arn: Arn = arn.parse().ok()?;
    let (name, _) = arn.resource.strip_prefix("assumed-role/")?.split_once('/')?;
    (arn.service == "sts").then(|| (arn.account.clone(), name.to_owned()))
}

/// Role names are unique in their account.
fn same_role(declared: &str, (account, name): &(String, String)) -> bool {
    let Ok(arn) = declared.parse::<Arn>() else { return false };
    arn.account == *account && arn.role().is_some_and(|(_, found)| found == *name)
}
