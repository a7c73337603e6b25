//! Who is declared: readers, scanners, admins and observers, each a valid principal and only what it may be.

use std::collections::BTreeMap;

use super::codes;
use super::grammar::Reader;
use super::names;
use super::rules::Rules;
use super::source::quote;
use super::walk::join;

impl Rules<'_> {
    pub fn readers(&mut self) {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for (name, reader) in &self.file.readers {
            let path = join("readers", name);
            let Reader { role, mfa, databricks_group, databricks_user, databricks_service_principal } = reader;
            let kinds = [
                ("role", role),
                ("databricks_group", databricks_group),
                ("databricks_user", databricks_user),
                ("databricks_service_principal", databricks_service_principal),
            ];
            // A misshapen value is reported as such; the key still says which kind was meant.
            let given: Vec<&str> = kinds
                .iter()
                .filter(|(key, value)| value.is_some() || self.places.exact(&join(&path, key)).is_some())
                .map(|(key, _)| *key)
                .collect();
            match given.as_slice() {
                [_] => {}
                [] => {
                    let message = format!("reader {} is nobody", quote(name));
                    self.report(codes::READER_KIND, &path, message, "add `role`, or one of the `databricks_…` keys");
                }
                many => {
                    let keys: Vec<String> = many.iter().map(|key| format!("`{key}`")).collect();
                    let message = format!("reader {} is more than one: {}", quote(name), keys.join(" and "));
                    self.report(codes::READER_KIND, &path, message, "write one section for each reader");
                }
            }
            if mfa.is_some() && !given.contains(&"role") && !given.is_empty() {
                let message = "`mfa` says something about IAM roles only".to_owned();
                self.report(codes::READER_KIND, &join(&path, "mfa"), message, "remove it");
            }
            self.text(&join(&path, "databricks_group"), databricks_group.as_ref(), names::name);
            self.text(&join(&path, "databricks_user"), databricks_user.as_ref(), names::user);
            let key = join(&path, "databricks_service_principal");
            self.text(&key, databricks_service_principal.as_ref(), names::service_principal);
            if let Some(first) = given.first().filter(|key| **key != "role" && !self.file.unity_catalog.enabled) {
                let message =
                    format!("reader {} would never get its grant: `unity_catalog.enabled` is false", quote(name));
                self.report(codes::READER_UNREACHED, &join(&path, first), message, "enable it, or remove the reader");
            }
            self.reader_once(name, &path, &kinds, &mut seen);
        }
    }

    fn reader_once(
        &mut self,
        name: &str,
        path: &str,
        kinds: &[(&str, &Option<String>)],
        seen: &mut BTreeMap<String, String>,
    ) {
        for (key, value) in kinds {
            let Some(value) = value else { continue };
            if let Some(other) = seen.get(value) {
                let message = format!("readers {} and {} are the same", quote(other), quote(name));
                self.report(codes::DUPLICATE_VALUE, &join(path, key), message, "keep one of the two");
            } else {
                seen.insert(value.clone(), name.to_owned());
            }
        }
    }

    pub fn roles(&mut self) {
        let file = self.file;
        let readers = file.readers.iter().map(|(name, reader)| ("readers", name, &reader.role));
        let scanners = file.scanners.iter().map(|(name, scanner)| ("scanners", name, &scanner.role));
        let admins = file.admins.iter().map(|(name, admin)| ("admins", name, &admin.role));
        let observers = file.observers.iter().map(|(name, observer)| ("observers", name, &observer.role));
        let may_read: Vec<&String> =
            readers.clone().chain(scanners.clone()).filter_map(|(_, _, role)| role.as_ref()).collect();
        for (section, name, role) in readers.chain(scanners).chain(admins).chain(observers) {
            let Some(text) = role else { continue };
            let path = join(&join(section, name), "role");
            let arn = self.role(&path, text);
            self.not_delivery_role(&path, arn.as_ref());
            if section == "observers" && may_read.contains(&text) {
                let message = format!("observer {} is a reader too", quote(name));
                self.report(
                    codes::OBSERVER_READS,
                    &path,
                    message,
                    "an observer reads no object: remove it from one of the two",
                );
            }
        }
        if self.places.exact("admins").is_some() && file.admins.is_empty() {
            let help =
                "declare at least one role under `[admins.NAME]`: once sealed, only admins can change the bucket";
            self.report(codes::NO_ADMINS, "admins", "no admin is declared".to_owned(), help);
        }
    }

    pub fn labels(&mut self) {
        let file = self.file;
        let labels = [
            ("readers", file.readers.keys().collect::<Vec<_>>()),
            ("admins", file.admins.keys().collect()),
            ("observers", file.observers.keys().collect()),
            ("scanners", file.scanners.keys().collect()),
        ];
        for (section, names) in labels {
            for name in names {
                self.value(&join(section, name), names::label(name));
            }
        }
        for name in file.workspaces.keys() {
            self.value(&join("workspaces", name), names::name(name));
        }
    }
}
