//! A finished plan and the state it was made from → findings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Estates, Facts, Health};
use crate::access::{Holder, Question, Verdict as Possible};
use crate::diff::FieldChange;
use crate::finding::{Finding, Severity, fingerprint};
use crate::model::{Address, Gap, Kind, Reference};
use crate::plan::{Action, Change, Verdict};

/// Characters of a value that a message shows.
const LONGEST_VALUE: usize = 120;

/// A finding of one check, with what tells it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub finding: Finding,
    pub fingerprint: String,
    /// None for what manifests share, and for what is about the run itself.
    pub manifest: Option<String>,
    /// Owner of that manifest's resources, which stays when it is renamed.
    pub owner: Option<String>,
    /// Whether live state differs from the declaration and a plan would change it; otherwise it is only reported.
    pub drift: bool,
    /// What has to be read before the finding's absence means anything: an element of `basis`.
    pub basis: String,
    /// The resource, for drift.
    pub address: Option<Address>,
}

/// What findings rest on. Kept in the memory, so that a later check knows whether it could have seen them.
pub(super) mod basis {
    /// Always known: the gaps of the check itself.
    pub const CHECK: &str = "check";
    /// Everything that says what is configured, in all manifests of the check.
    pub const CONFIGURATION: &str = "configuration";
    /// The same, and everything that the guards of a plan rest on.
    pub const PLAN: &str = "plan";
    /// Everything that the proofs of access rest on.
    pub const ACCESS: &str = "access";

    const ADDRESS: &str = "address:";

    /// One resource.
    pub fn address(steady: &str) -> String {
        format!("{ADDRESS}{steady}")
    }

    pub fn is_address(basis: &str) -> bool {
        basis.starts_with(ADDRESS)
    }

    /// Everything that says what is configured, in one manifest.
    pub fn manifest(owner: &str) -> String {
        format!("manifest:{owner}")
    }

    pub fn deliveries(owner: &str) -> String {
        format!("deliveries:{owner}")
    }

    pub fn objects(owner: &str) -> String {
        format!("objects:{owner}")
    }
}

/// Every finding of the check, worst first, and what could be judged at all.
#[must_use]
pub fn seen(facts: &Facts<'_>, health: &Health) -> (Vec<Seen>, BTreeSet<String>) {
    let estates = Estates::of(facts.desired);
    let mut all = Collected { estates: &estates, seen: Vec::new(), taken: BTreeMap::new() };
    for change in &facts.plan.changes {
        of_change(change, facts, &mut all);
    }
    for gap in facts.plan.gaps.iter().chain(&health.gaps) {
        all.add(unread(gap), basis::CHECK, &[&gap.what]);
    }
    for guard in facts.plan.guards.iter().filter(|guard| guard.verdict == Verdict::Refuse) {
        // Named one by one above.
        if guard.code != "unread-inputs" {
            let message = format!("a plan of this state is refused: {}", guard.message);
            all.add(finding(&guard.code, Severity::High, "plan", message), basis::PLAN, &[]);
        }
    }
    for one in &facts.plan.findings {
        let (manifest, _) = estates.split(&one.subject);
        let owner = manifest.and_then(|manifest| estates.owner(manifest));
        let basis = match owner {
            // Whether a waiver does nothing is not said while anything at all is unread.
            _ if one.code == "waiver-unneeded" => basis::PLAN.to_owned(),
            Some(owner) => basis::manifest(owner),
            None => basis::CONFIGURATION.to_owned(),
        };
        all.add(one.clone(), &basis, &[]);
    }
    for holder in facts.access.undeclared.iter().filter(|holder| told(holder, facts)) {
        of_holder(holder, &mut all);
    }
    for (finding, basis) in &health.findings {
        all.add(finding.clone(), basis, &[]);
    }
    let mut seen = all.seen;
    seen.sort_by(|a, b| {
        (b.finding.severity, &a.finding, &a.fingerprint).cmp(&(a.finding.severity, &b.finding, &b.fingerprint))
    });
    (seen, judged(facts, health, &estates))
}

/// What was read, as `basis` names it.
fn judged(facts: &Facts<'_>, health: &Health, estates: &Estates) -> BTreeSet<String> {
    let mut judged = health.judged.clone();
    judged.insert(basis::CHECK.to_owned());
    let whole = facts.unread.is_empty() && facts.wanted.gaps.is_empty();
    if whole {
        judged.insert(basis::CONFIGURATION.to_owned());
    }
    if whole && facts.plan.gaps.is_empty() {
        judged.insert(basis::PLAN.to_owned());
    }
    if facts.access.gaps.is_empty() {
        judged.insert(basis::ACCESS.to_owned());
    }
    let read = |manifest: &str| !facts.unread.contains(manifest);
    for one in facts.desired.iter().filter(|one| read(&one.name)) {
        judged.insert(basis::manifest(&one.owner()));
    }
    // What is wanted may rest on what was not read: then only a manifest that was read as a whole is judged.
    let certain = |manifest: &str| facts.wanted.gaps.is_empty() || (read(manifest) && (manifest != "_" || whole));
    for resource in &facts.wanted.resources {
        if certain(&resource.address.manifest) && !facts.live.get(&resource.query).is_unknown() {
            judged.insert(basis::address(&estates.steady(&resource.address)));
        }
    }
    judged
}

/// Makes fingerprints. Two findings of one code and subject that nothing else tells apart are counted.
struct Collected<'a> {
    estates: &'a Estates,
    seen: Vec<Seen>,
    taken: BTreeMap<String, usize>,
}

impl Collected<'_> {
    fn add(&mut self, finding: Finding, basis: &str, what: &[&str]) {
        self.push(finding, basis.to_owned(), what, None);
    }

    fn push(&mut self, finding: Finding, basis: String, what: &[&str], address: Option<Address>) {
        let (manifest, steady) = self.estates.split(&finding.subject);
        let manifest = manifest.map(str::to_owned);
        let owner = manifest.as_deref().and_then(|manifest| self.estates.owner(manifest)).map(str::to_owned);
        let first = fingerprint(&finding.code, &steady, what);
        let number = self.taken.entry(first.clone()).or_default();
        *number = number.saturating_add(1);
        let fingerprint = match number {
            1 => first,
            number => fingerprint(&finding.code, &first, &[&number.to_string()]),
        };
        let drift = address.is_some();
        self.seen.push(Seen { finding, fingerprint, manifest, owner, drift, basis, address });
    }
}

pub(super) fn finding(code: &str, severity: Severity, subject: &str, message: String) -> Finding {
    Finding { code: code.to_owned(), severity, subject: subject.to_owned(), message, help: None, span: None }
}

/// A resource that is missing, or is not to be there, is one finding; of others, every field that differs is one.
fn of_change(change: &Change, facts: &Facts<'_>, all: &mut Collected<'_>) {
    let Change { address, action, reason, fields, .. } = change;
    let whole = |message: String, what: &str, all: &mut Collected<'_>| {
        all.push(
            of_address(address, message),
            basis::address(&all.estates.steady(address)),
            &[what],
            Some(address.clone()),
        );
    };
    match action {
        Action::Noop => {}
        Action::Create => whole(format!("it does not exist; {reason}"), "absent", all),
        Action::Delete => whole(format!("it exists and is not declared; {reason}"), "present", all),
        Action::Update | Action::Replace if fields.is_empty() => whole(reason.clone(), "changed", all),
        Action::Update | Action::Replace => {
            for field in fields.iter().filter(|field| !guessed(field, address, facts)) {
                let FieldChange { path, before, after, reason } = field;
                let message = format!("`{path}` is {}, declared is {}; {reason}", value(before), value(after));
                let before = serde_jcs::to_string(before).unwrap_or_default();
                let basis = basis::address(&all.estates.steady(address));
                all.push(of_address(address, message), basis, &[path, &before], Some(address.clone()));
            }
        }
    }
}

/// Where the place of something could not be read, a new one is planned, and other resources seem to differ for want of
/// its name: that is no drift.
fn guessed(field: &FieldChange, address: &Address, facts: &Facts<'_>) -> bool {
    let unread = facts.unread.contains(&address.manifest) || (address.manifest == "_" && !facts.unread.is_empty());
    unread && !facts.wanted.gaps.is_empty() && field.known_after_apply()
}

fn of_address(address: &Address, message: String) -> Finding {
    Finding {
        help: Some(format!(
            "`auditseal plan --explain '{address}'` says why, `auditseal apply` puts it back, a waiver or another declaration keeps it"
        )),
        ..finding("configuration-drift", severity(address.kind), &address.to_string(), message)
    }
}

/// By what the resource protects: who reaches the logs, then whether they are kept, then the rest.
fn severity(kind: Kind) -> Severity {
    match kind {
        Kind::AccountPublicAccessBlock
        | Kind::Bucket
        | Kind::BucketPublicAccessBlock
        | Kind::BucketAcl
        | Kind::BucketPolicy
        | Kind::BucketReplication
        | Kind::KmsKey
        | Kind::KmsKeyPolicy
        | Kind::KmsGrants
        | Kind::Role
        | Kind::LogDelivery
        | Kind::Grants => Severity::High,
        Kind::BucketOwnership
        | Kind::BucketEncryption
        | Kind::BucketVersioning
        | Kind::BucketObjectLock
        | Kind::BucketLifecycle
        | Kind::BucketLogging
        | Kind::RolePolicy
        | Kind::RoleInlinePolicies
        | Kind::RoleAttachedPolicies
        | Kind::Credential
        | Kind::StorageConfiguration
        | Kind::SystemSchema
        | Kind::WorkspaceConf => Severity::Medium,
        Kind::BucketTags | Kind::BucketNotification | Kind::KmsAlias | Kind::KmsTags | Kind::KmsRotation => {
            Severity::Low
        }
    }
}

/// A value on one line, cut when it is long.
fn value(value: &Value) -> String {
    let text = match value {
        Value::Null => return "not set".to_owned(),
        other if Reference::occurs_in(&other.to_string()) => return "(known after apply)".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    let head: String = text.chars().take(LONGEST_VALUE).collect();
    format!("{head}…")
}

pub(super) fn unread(gap: &Gap) -> Finding {
    let help = gap.permission.as_ref().map(|permission| format!("grant {permission} to whoever runs the check"));
    Finding { help, ..finding("unread-inputs", Severity::Medium, &gap.what, gap.to_string()) }
}

/// While inputs of the proofs are unread, everybody may be able to: only who certainly can is told.
fn told(holder: &Holder, facts: &Facts<'_>) -> bool {
    facts.access.gaps.is_empty() || holder.verdict == Possible::Can
}

fn of_holder(holder: &Holder, all: &mut Collected<'_>) {
    let Holder { manifest, question, arn, through, replica, verdict, declared: _ } = holder;
    let certain = *verdict == Possible::Can;
    let severity = match question {
        // Taking a role first shows in the trail and can be forbidden; going straight to the objects cannot.
        Question::Read | Question::Tamper if certain && through.is_none() => Severity::Critical,
        Question::Read | Question::Tamper | Question::Write if certain => Severity::High,
        Question::Read | Question::Tamper | Question::Write => Severity::Medium,
        Question::List if certain => Severity::Medium,
        Question::List => Severity::Low,
    };
    let can = if certain { "can" } else { "may, under conditions or for all that is known," };
    let verb = if *question == Question::Tamper { "tamper with" } else { question.name() };
    let through_text = through.as_ref().map(|role| format!(" as {role}")).unwrap_or_default();
    let of = replica.as_ref().map_or_else(|| "the logs".to_owned(), |bucket| format!("the copy in {bucket}"));
    let name = question.name();
    let message = format!("{arn} is not declared and {can} {verb} {of}{through_text}");
    let subject = format!("{manifest}/access[{name}]");
    let mut found = finding("undeclared-access", severity, &subject, message);
    found.help = Some(format!("`auditseal access {name} --principal {arn}` shows how"));
    let (replica, through) = (replica.as_deref().unwrap_or_default(), through.as_deref().unwrap_or_default());
    all.add(found, basis::ACCESS, &[arn, replica, through, verdict.name()]);
}
