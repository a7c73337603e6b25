//! The waivers that leave an estate as it is: those of the controls behind the changes that a plan shows, and no others.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde_json::Value;

use crate::diff::FieldChange;
use crate::harden::{control_of, wider_control_of};
use crate::model::waiver::LocalAddress;
use crate::model::{Address, Control, Kind, Waiver};
use crate::plan::{Action, Change, Waived};

use super::risk::risk;
use super::sketch::Exception;

/// A control, at one resource of the manifest or of what it shares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub control: Control,
    pub address: LocalAddress,
}

impl Target {
    #[must_use]
    pub fn new(control: Control, kind: Kind, name: &str) -> Self {
        Self { control, address: LocalAddress { kind, name: name.to_owned() } }
    }
}

/// More fields than these are counted, not named.
const MOST_FIELDS: usize = 6;
/// A longer value is left to `auditseal plan`.
const MOST_LETTERS: usize = 70;

/// What to waive first: without a key of its own, a bucket has no use for one, and without access logging none for its
/// bucket, so that everything about those goes with one waiver. Only where neither is there yet.
#[must_use]
pub fn wider_first(changes: &[Change]) -> BTreeSet<Target> {
    let made = |kind: Kind, name: &str| changes.iter().any(|one| one.action == Action::Create && is(one, kind, name));
    let mut targets = BTreeSet::new();
    if made(Kind::KmsKey, "audit") && changes.iter().any(|one| is(one, Kind::BucketEncryption, "audit")) {
        targets.insert(Target::new(Control::CustomerKey, Kind::BucketEncryption, "audit"));
    }
    if made(Kind::Bucket, "access") && changes.iter().any(|one| is(one, Kind::BucketLogging, "audit")) {
        targets.insert(Target::new(Control::AccessLogging, Kind::BucketLogging, "audit"));
    }
    targets
}

fn is(change: &Change, kind: Kind, name: &str) -> bool {
    change.address.kind == kind && change.address.name == name
}

/// Everything that can be waived of what a plan changes. What a bucket, key or role gets at its birth is not: there is
/// nothing to leave as it is.
#[must_use]
pub fn exceptions(changes: &[Change]) -> BTreeSet<Target> {
    let born: BTreeSet<(Family, &str)> = changes
        .iter()
        .filter(|one| one.action == Action::Create)
        .filter(|one| matches!(one.address.kind, Kind::Bucket | Kind::KmsKey | Kind::Role))
        .filter_map(|one| Some((family(one.address.kind)?, one.address.name.as_str())))
        .collect();
    let lives = |one: &&Change| match family(one.address.kind) {
        Some(family) => !born.contains(&(family, one.address.name.as_str())),
        None => true,
    };
    let mut targets = BTreeSet::new();
    for Change { address, fields, .. } in changes.iter().filter(lives) {
        let Address { manifest: _, kind, name } = address;
        for field in fields {
            if let Some(control) = control_of(*kind, name, &field.path).filter(|one| one.kinds().contains(kind)) {
                targets.insert(Target::new(control, *kind, name));
            }
        }
    }
    targets
}

/// The thing that settings belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Bucket,
    Key,
    Role,
}

fn family(kind: Kind) -> Option<Family> {
    let kind_name = kind.name();
    if kind == Kind::Bucket || kind_name.starts_with("bucket-") {
        Some(Family::Bucket)
    } else if kind_name.starts_with("kms-") {
        Some(Family::Key)
    } else if kind == Kind::Role || kind_name.starts_with("role-") {
        Some(Family::Role)
    } else {
        None
    }
}

/// Those of the targets that a plan with them lists nothing under.
#[must_use]
pub fn unneeded(targets: &BTreeSet<Target>, waived: &[Waived]) -> BTreeSet<Target> {
    targets.iter().filter(|target| !waived.iter().any(|one| is_of(target, one))).cloned().collect()
}

fn is_of(target: &Target, waived: &Waived) -> bool {
    let Address { manifest: _, kind, name } = &waived.address;
    let wider = |field: &FieldChange| wider_control_of(*kind, name, &field.path) == Some(target.control);
    waived.control == target.control && (is_at(target, waived) || waived.fields.iter().any(wider))
}

fn is_at(target: &Target, waived: &Waived) -> bool {
    let Address { manifest: _, kind, name } = &waived.address;
    target.address.kind == *kind && target.address.name == *name
}

/// Changes that stay, as addresses with their reasons.
#[must_use]
pub fn pending(changes: &[Change]) -> Vec<String> {
    let real = changes.iter().filter(|one| one.action != Action::Noop);
    real.map(|one| format!("{}: {}", one.address, one.reason)).collect()
}

/// Who answers for the waivers, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub today: Date,
    pub until: Date,
    pub owner: String,
}

/// The waivers themselves, hardest risk first, each with what it leaves as it is. `title` says what a control asks for.
#[must_use]
pub fn write(
    targets: &BTreeSet<Target>,
    waived: &[Waived],
    terms: &Terms,
    title: &dyn Fn(Control) -> String,
) -> Vec<Exception> {
    let mut sorted: Vec<&Target> = targets.iter().collect();
    sorted.sort_by_key(|target| (risk(target.control), (*target).clone()));
    sorted.into_iter().map(|target| one(target, waived, terms, title)).collect()
}

fn one(target: &Target, waived: &[Waived], terms: &Terms, title: &dyn Fn(Control) -> String) -> Exception {
    let waiver = Waiver {
        control: target.control,
        address: Some(target.address.clone()),
        reason: format!("as found by auditseal init on {}", terms.today),
        owner: terms.owner.clone(),
        until: terms.until,
    };
    let mut remarks = vec![format!("Not yet so: {}.", title(target.control))];
    let (own, with): (Vec<&Waived>, Vec<&Waived>) =
        waived.iter().filter(|one| is_of(target, one)).partition(|one| is_at(target, one));
    let mut found: Vec<String> = own.iter().flat_map(|one| one.fields.iter().map(words)).collect();
    let more = found.len().saturating_sub(MOST_FIELDS);
    found.truncate(MOST_FIELDS);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    if !found.is_empty() {
        remarks.push(format!("Found: {}.", found.join("; ")));
    }
    if !with.is_empty() {
        let names: Vec<String> = with.iter().map(|one| format!("{}[{}]", one.address.kind, one.address.name)).collect();
        remarks.push(format!("When it ends, a plan also makes {}.", names.join(", ")));
    }
    remarks.extend(hint(target.control).map(str::to_owned));
    Exception { waiver, remarks }
}

fn words(field: &FieldChange) -> String {
    let FieldChange { path, before, after, .. } = field;
    let path = if path.is_empty() { "all of it" } else { path };
    match (before, after) {
        (Value::Null, _) => format!("{path} is missing"),
        (_, Value::Null) => format!("{path} is there"),
        (before, after) => match (short(before), short(after)) {
            (Some(before), Some(after)) => format!("{path} is {before}, not {after}"),
            _ => format!("{path} differs"),
        },
    }
}

fn short(value: &Value) -> Option<String> {
    let text = value.to_string();
    (text.chars().count() <= MOST_LETTERS).then_some(text)
}

/// What ends together.
fn hint(control: Control) -> Option<&'static str> {
    match control {
        Control::UndeclaredStatements => Some(
            "End it together with `declared-allows` of the same policy: alone, it would leave a policy that allows nobody.",
        ),
        Control::Retention => {
            Some("Before it ends, see `retention_days` above: logs older than that are then removed.")
        }
        Control::EarlyExpiry => {
            Some("Where no other rule is left, end it together with `retention` of the same bucket.")
        }
        Control::OtherDeliveries => Some("When it ends, this delivery is switched off."),
        _ => None,
    }
}
