//! A sketch as the text of a manifest: every value quoted by the TOML writer, every remark a comment above what it speaks
//! of. The text still has to be brought into its canonical form.

use toml_edit::{Array, Key, Value};

use crate::manifest::mask;
use crate::model::desired::LockMode;
use crate::model::place::Partition;
use crate::model::{Control, Waiver};

use super::risk::risk;
use super::sketch::{Exception, Person, Sketch};

/// Letters of a comment line.
const WIDTH: usize = 110;

/// The manifest.
#[must_use]
pub fn text(sketch: &Sketch) -> String {
    let mut page = Page(String::new());
    page.remarks(&sketch.remarks.head);
    page.entry("version", 1_i64);
    accounts(&mut page, sketch);
    delivery(&mut page, sketch);
    bucket(&mut page, sketch);
    key_and_role(&mut page, sketch);
    people(&mut page, sketch);
    if !sketch.remarks.workspaces.is_empty() {
        page.line("");
        page.remarks(&sketch.remarks.workspaces);
    }
    for (name, verbose) in &sketch.workspaces {
        page.section(&format!("[workspaces.{}]", Key::new(name)), &[]);
        page.entry("verbose_audit_logs", *verbose);
    }
    waivers(&mut page, &sketch.exceptions);
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn section(&mut self, header: &str, remarks: &[String]) {
        self.line("");
        self.remarks(remarks);
        self.line(header);
    }

    fn entry(&mut self, key: &str, value: impl Into<Value>) {
        let value: Value = value.into();
        self.line(&format!("{key} = {value}"));
    }

    fn optional(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.entry(key, value);
        }
    }

    fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            let array: Array = values.iter().map(String::as_str).collect();
            self.entry(key, array);
        }
    }

    /// What an account calls its things may hold anything: control characters would end the comment, secrets are hidden.
    fn remarks(&mut self, remarks: &[String]) {
        for remark in remarks {
            let plain: String = mask(remark).chars().map(|letter| if is_odd(letter) { ' ' } else { letter }).collect();
            let mut line = String::from("#");
            for word in plain.split_whitespace() {
                if line.chars().count() + word.chars().count() >= WIDTH && line.len() > 1 {
                    self.line(&line);
                    line = String::from("#");
                }
                line.push(' ');
                line.push_str(word);
            }
            self.line(&line);
        }
    }
}

/// Control characters, and those that change the direction of the text around them or cannot be seen.
fn is_odd(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn accounts(page: &mut Page, sketch: &Sketch) {
    page.section("[databricks]", &[]);
    page.entry("account_id", sketch.databricks_account.as_str());
    page.section("[aws]", &[]);
    page.entry("account_id", sketch.aws_account.as_str());
    page.entry("region", sketch.region.as_str());
    let partition = sketch.partition.map(|partition| match partition {
        Partition::Aws => "aws",
        Partition::AwsUsGov => "aws-us-gov",
        Partition::AwsUsGovDod => "aws-us-gov-dod",
    });
    page.optional("partition", partition);
}

fn delivery(page: &mut Page, sketch: &Sketch) {
    page.section("[delivery]", &sketch.remarks.delivery);
    page.entry("bucket", sketch.bucket.as_str());
    page.optional("prefix", sketch.prefix.as_deref());
    page.optional("name", sketch.delivery_name.as_deref());
    page.optional("status", sketch.disabled.then_some("disabled"));
    if !sketch.workspace_ids.is_empty() {
        let ids: Array = sketch.workspace_ids.iter().copied().collect();
        page.entry("workspaces", ids);
    }
    page.list("previous_prefixes", &sketch.previous_prefixes);
}

fn bucket(page: &mut Page, sketch: &Sketch) {
    let days = |days: Option<u32>| days.map(i64::from);
    let own = [sketch.retention_days, sketch.noncurrent_retention_days, sketch.abort_multipart_days];
    if own.iter().any(Option::is_some) || sketch.event_bridge.is_some() || !sketch.remarks.bucket.is_empty() {
        page.section("[bucket]", &sketch.remarks.bucket);
        page.optional("retention_days", days(sketch.retention_days));
        page.optional("noncurrent_retention_days", days(sketch.noncurrent_retention_days));
        page.optional("abort_multipart_days", days(sketch.abort_multipart_days));
        page.optional("event_bridge", sketch.event_bridge);
    }
    if let Some(lock) = &sketch.object_lock {
        page.section("[bucket.object_lock]", &[]);
        page.entry("mode", if lock.mode == LockMode::Compliance { "compliance" } else { "governance" });
        page.entry("days", i64::from(lock.days));
    }
    let log = &sketch.access_log;
    if log.bucket.is_some() || !sketch.remarks.access_log.is_empty() {
        page.section("[bucket.access_log]", &sketch.remarks.access_log);
        page.optional("bucket", log.bucket.as_deref());
        page.optional("prefix", log.prefix.as_deref());
        page.optional("retention_days", days(log.retention_days));
        page.list("readers", &log.readers);
    }
    for (name, region) in &sketch.replicas {
        page.section("[[bucket.replicas]]", &[]);
        page.entry("bucket", name.as_str());
        page.entry("region", region.as_str());
    }
}

fn key_and_role(page: &mut Page, sketch: &Sketch) {
    let found = sketch.key_arn.is_some() || !sketch.previous_keys.is_empty();
    if found || !sketch.remarks.key.is_empty() {
        page.section("[key]", &sketch.remarks.key);
        page.optional("arn", sketch.key_arn.as_deref());
        page.optional("alias", sketch.key_alias.as_deref());
        page.optional("rotation_days", sketch.rotation_days.map(i64::from));
        page.list("previous", &sketch.previous_keys);
    }
    if sketch.role.is_some() || sketch.role_profile.is_some() {
        page.section("[role]", &sketch.remarks.role);
        page.optional("arn", sketch.role.as_deref());
        page.optional("profile", sketch.role_profile.as_deref());
    }
}

fn people(page: &mut Page, sketch: &Sketch) {
    let lists = [
        ("readers", &sketch.readers, &sketch.remarks.readers),
        ("admins", &sketch.admins, &sketch.remarks.admins),
        ("observers", &sketch.observers, &Vec::new()),
    ];
    for (section, list, remarks) in lists {
        if !remarks.is_empty() {
            page.line("");
            page.remarks(remarks);
        }
        list.iter().for_each(|one| person(page, section, one));
    }
}

fn person(page: &mut Page, section: &str, one: &Person) {
    let header = format!("[{section}.{}]", Key::new(&one.label));
    let (key, value) = one.who.entry();
    if one.proposed {
        // Commented out as a whole, to be decided on.
        let value = Value::from(value.as_str());
        page.line("");
        page.remarks(&one.remarks);
        page.remarks(&[header, format!("{key} = {value}")]);
        return;
    }
    page.section(&header, &one.remarks);
    page.entry(key, value.as_str());
    if one.mfa {
        page.entry("mfa", true);
    }
}

fn waivers(page: &mut Page, exceptions: &[Exception]) {
    let mut last = None;
    for Exception { waiver, remarks } in exceptions {
        let (risk, _) = risk(waiver.control);
        if last.replace(risk) != Some(risk) {
            page.line("");
            page.remarks(&[format!("--- {}", risk.heading())]);
        }
        page.section("[[waivers]]", remarks);
        let Waiver { control, address, reason, owner, until } = waiver;
        page.entry("control", Control::name(*control));
        page.optional("address", address.as_ref().map(ToString::to_string));
        page.entry("reason", reason.as_str());
        page.entry("owner", owner.as_str());
        // A TOML date: the form is the same.
        page.line(&format!("until = {until}"));
    }
}
