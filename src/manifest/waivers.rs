//! Waivers: each names a control, a reason, an owner and a day, and none takes away what something else rests on.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::finding::{Finding, Severity};
use crate::model::waiver::{LocalAddress, WARNING_DAYS};
use crate::model::{Control, Kind};

use super::codes;
use super::grammar::Waiver;
use super::load::Loaded;
use super::names;
use super::rules::Rules;
use super::source::quote;

impl Rules<'_> {
    pub fn waivers(&mut self) {
        let mut seen = BTreeMap::new();
        for (index, waiver) in self.file.waivers.iter().enumerate() {
            let Waiver { control, address, reason, owner, until } = waiver;
            let path = |key: &str| format!("waivers[{index}].{key}");
            self.text(&path("reason"), reason.as_ref(), names::reason);
            self.text(&path("owner"), owner.as_ref(), names::name);
            if let Some(until) = until {
                self.value(&path("until"), names::date(until));
            }
            let Some(control) = control.as_ref().and_then(|name| name.parse::<Control>().ok()) else { continue };
            let address = match address.as_deref().map(str::parse::<LocalAddress>) {
                None => None,
                Some(Ok(address)) => {
                    self.reaches(&path("address"), control, &address);
                    Some(address)
                }
                Some(Err(_)) => {
                    let text = address.as_deref().unwrap_or_default();
                    let message = format!("{} is not an address within a manifest", quote(text));
                    let help = "write kind and name, such as `bucket-versioning[access]`";
                    self.report(codes::WAIVER_ADDRESS, &path("address"), message, help);
                    continue;
                }
            };
            self.rests_on(&path("control"), control, address.as_ref());
            if let Some(first) = seen.insert((control, address), index) {
                let message = format!("`{control}` is waived twice: `waivers[{first}]` does it already");
                self.report(codes::DUPLICATE_VALUE, &path("control"), message, "keep the one with the right day");
            }
        }
    }

    fn reaches(&mut self, path: &str, control: Control, address: &LocalAddress) {
        if control.kinds().contains(&address.kind) {
            return;
        }
        let kinds: Vec<String> = control.kinds().iter().map(|kind| format!("`{kind}`")).collect();
        let message = format!("`{control}` has no say on a {}", quote(address.kind.name()));
        let help = format!("name a resource of kind {}, or leave `address` out", kinds.join(", "));
        self.report(codes::WAIVER_ADDRESS, path, message, &help);
    }

    /// S3 keeps versioning on below Object Lock and replication (S3 User Guide, "Requirements and considerations for
    /// replication", "Object Lock considerations").
    fn rests_on(&mut self, path: &str, control: Control, address: Option<&LocalAddress>) {
        let audit = address.is_none_or(|address| address.kind == Kind::BucketVersioning && address.name == "audit");
        if control != Control::Versioning || !audit {
            return;
        }
        let bucket = &self.file.bucket;
        let needs = match (&bucket.object_lock, bucket.replicas.is_empty()) {
            (Some(_), _) => "object lock needs versioning",
            (None, false) => "replication needs versioning",
            (None, true) => return,
        };
        let message = format!("`{control}` is waived, and {needs}");
        self.report(codes::WAIVER_CONTRADICTION, path, message, "remove the waiver, or what needs versioning");
    }
}

/// Waivers that have ended, and those that end within two weeks of `today`. They make no manifest invalid: only
/// `validate --strict` fails on those that have ended.
#[must_use]
pub fn check_waivers(manifests: &[Loaded], today: Date) -> Vec<Finding> {
    let mut findings = Vec::new();
    for loaded in manifests {
        for (index, waiver) in loaded.desired.waivers.iter().enumerate() {
            let (control, owner, until) = (waiver.control, quote(&waiver.owner), waiver.until);
            let (code, severity, message) = match waiver.days_left(today) {
                None => {
                    let message = format!("the waiver of `{control}` by {owner} ended on {until}");
                    (codes::WAIVER_EXPIRED, Severity::Medium, message)
                }
                Some(days) if days <= WARNING_DAYS => {
                    let message = format!("the waiver of `{control}` by {owner} ends on {until}");
                    (codes::WAIVER_ENDS_SOON, Severity::Low, message)
                }
                Some(_) => continue,
            };
            let path = format!("waivers[{index}].until");
            let help = "apply the change and remove the waiver, or agree on a later day".to_owned();
            findings.push(Finding {
                code: code.to_owned(),
                severity,
                subject: path.clone(),
                message,
                help: Some(help),
                span: loaded.places.closest(&path).cloned(),
            });
        }
    }
    findings
}
