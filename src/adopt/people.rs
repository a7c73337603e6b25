//! Who reads and who administers today, as readers and admins of a manifest; and in words, whom a manifest cannot declare.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::{Assessment, PrincipalAccess, PrincipalKind, Question, Verdict};
use crate::manifest::{Answer, check};
use crate::model::databricks::PrivilegeAssignment;
use crate::model::live::Read;
use crate::model::{Arn, Desired, Fact, Live, Observed};

use super::seal::{Seal, seal};
use super::sketch::{Person, Sketch, Who, number};

/// More of the same than these are counted, not named.
const MOST_NAMED: usize = 12;
/// Statements that are named for one reader.
const MOST_STATEMENTS: usize = 3;

/// What was looked at, and what the user said.
pub struct Found<'a> {
    /// The estate without readers and admins.
    pub desired: &'a Desired,
    pub live: &'a Live,
    pub assessment: &'a Assessment,
    /// ARN of the caller's role, or the caller's plain ARN.
    pub caller: Option<&'a str>,
    /// Declared instead of those that were found.
    pub admins: &'a [Arn],
    /// Declared beside those that were found.
    pub readers: &'a [Who],
}

/// Fills in readers, observers and admins with the remarks on them.
pub fn people(sketch: &mut Sketch, found: &Found<'_>) {
    let seal = seal(found.desired, found.live);
    admins(sketch, found, seal.as_ref());
    roles(sketch, found, seal.as_ref());
    databricks(sketch, found);
    for who in found.readers {
        if !sketch.readers.iter().any(|one| one.who == *who && !one.proposed) {
            sketch.readers.retain(|one| one.who != *who);
            sketch.readers.push(Person::new(who.clone(), vec!["Given on the command line.".to_owned()]));
        }
    }
    others(sketch, found);
    for list in [&mut sketch.readers, &mut sketch.admins, &mut sketch.observers] {
        list.sort_by(|a, b| (a.proposed, &a.label, &a.who).cmp(&(b.proposed, &b.label, &b.who)));
        number(list);
    }
}

/// A role that a manifest can declare: the delivery role has a section of its own.
fn role(found: &Found<'_>, text: &str) -> Option<Arn> {
    let arn: Arn = text.parse().ok()?;
    let partition = found.desired.aws.partition.arn_name();
    let fits = check(Answer::Role, text).is_ok() && arn != found.desired.role.arn && arn.partition == partition;
    fits.then_some(arn)
}

fn admins(sketch: &mut Sketch, found: &Found<'_>, seal: Option<&Seal>) {
    if !found.admins.is_empty() {
        let given = |arn: &Arn| Person::new(Who::Role(arn.clone()), vec!["Given on the command line.".to_owned()]);
        sketch.admins = found.admins.iter().map(given).collect();
        return;
    }
    let sealed = seal.map(|seal| seal.admins.as_slice()).unwrap_or_default();
    let person = |arn: Arn, remark: String| {
        let is_caller = found.caller.is_some_and(|caller| caller == arn.to_string());
        let you = is_caller.then(|| "The caller of `auditseal init`.".to_owned());
        Person::new(Who::Role(arn), std::iter::once(remark).chain(you).collect())
    };
    if !sealed.is_empty() {
        let named = sealed.iter().filter_map(|arn| role(found, arn));
        sketch.admins = named.map(|arn| person(arn, "Named as an admin by the bucket policy.".to_owned())).collect();
        return;
    }
    let controllers = controllers(found);
    let all = |both: bool| controllers.iter().filter(move |(_, (bucket, key))| *bucket && (*key || !both));
    let strict = all(true).next().is_some();
    sketch.admins = all(strict)
        .filter_map(|(arn, (_, key))| {
            let keyed = *key && found.desired.key.arn.is_some();
            let what = if keyed { "the policies of bucket and key" } else { "the policy of the bucket" };
            Some(person(role(found, arn)?, format!("Can change {what} today.")))
        })
        .collect();
    if sketch.admins.is_empty()
        && let Some(caller) = found.caller.and_then(|caller| role(found, caller))
    {
        sketch.remarks.admins.push(
            "Who can change bucket and key today could not be told: the caller of `auditseal init` is taken for an \
             admin. Check it before the first apply."
                .to_owned(),
        );
        sketch.admins = vec![person(caller, "Not seen to change the policies of bucket and key.".to_owned())];
    } else if !sketch.admins.is_empty() {
        sketch.remarks.admins.push(
            "Everybody who controls the bucket today. Once sealed, nobody else can change its configuration: remove whoever \
             should not, and keep two."
                .to_owned(),
        );
    }
}

/// Roles of the bucket's account that can change the policy of the bucket, and of the key where there is one.
fn controllers<'a>(found: &Found<'a>) -> BTreeMap<&'a str, (bool, bool)> {
    let own = &found.desired.aws.account_id;
    let mut all: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    let can = |one: &&PrincipalAccess| {
        one.question == Question::Tamper
            && one.kind == PrincipalKind::Role
            && one.verdict == Verdict::Can
            && one.via.is_empty()
            && one.arn.parse::<Arn>().is_ok_and(|arn| arn.account == *own)
    };
    for one in found.assessment.principals.iter().filter(can) {
        let has = |action: &str| one.actions.iter().any(|name| name == action);
        let entry = all.entry(one.arn.as_str()).or_insert((false, found.desired.key.arn.is_none()));
        entry.0 |= has("s3:PutBucketPolicy");
        entry.1 |= has("kms:PutKeyPolicy");
    }
    all
}

/// What is known of one principal that may read.
#[derive(Default)]
struct Reading {
    verdict: Option<Verdict>,
    by: BTreeSet<String>,
    conditions: BTreeSet<String>,
    /// Who gets there by taking the role.
    taken_by: BTreeSet<String>,
}

fn roles(sketch: &mut Sketch, found: &Found<'_>, seal: Option<&Seal>) {
    let sealed = seal.map(|seal| seal.readers.as_slice()).unwrap_or_default();
    let mut seen: BTreeSet<Arn> = BTreeSet::new();
    for arn in sealed.iter().filter_map(|text| role(found, text)) {
        let mut reader =
            Person::new(Who::Role(arn.clone()), vec!["Named as a reader by the bucket policy.".to_owned()]);
        reader.mfa = seal.is_some_and(|seal| seal.mfa.contains(&arn.to_string()));
        if seen.insert(arn) {
            sketch.readers.push(reader);
        }
    }
    let observers = seal.map(|seal| seal.observers.as_slice()).unwrap_or_default();
    for arn in observers.iter().filter_map(|text| role(found, text)).filter(|arn| !seen.contains(arn)) {
        let remark = "Named as an observer by the bucket policy.".to_owned();
        sketch.observers.push(Person::new(Who::Role(arn), vec![remark]));
    }
    let admins: BTreeSet<Arn> = sketch.admins.iter().filter_map(|one| arn_of(&one.who)).collect();
    let observers: BTreeSet<Arn> = sketch.observers.iter().filter_map(|one| arn_of(&one.who)).collect();
    for (text, reading) in readings(found) {
        let Some(arn) = role(found, text).filter(|arn| !seen.contains(arn)) else { continue };
        let mut reader = Person::new(Who::Role(arn.clone()), how(&reading));
        if observers.contains(&arn) {
            // An observer reads no object: a manifest refuses one that is both.
            reader.proposed = true;
            reader.remarks.insert(0, "An observer who reads too, until it is sealed out.".to_owned());
        } else if admins.contains(&arn) {
            reader.proposed = true;
            reader.remarks.insert(0, "An admin who reads too, until it is sealed out.".to_owned());
        } else if reading.verdict != Some(Verdict::Can) {
            reader.proposed = true;
        }
        sketch.readers.push(reader);
    }
}

fn arn_of(who: &Who) -> Option<Arn> {
    match who {
        Who::Role(arn) => Some(arn.clone()),
        Who::Group(_) | Who::User(_) | Who::ServicePrincipal(_) => None,
    }
}

/// Roles that may read by their own requests, with how.
fn readings<'a>(found: &Found<'a>) -> BTreeMap<&'a str, Reading> {
    let mut all: BTreeMap<&str, Reading> = BTreeMap::new();
    let mut taking: Vec<(&str, &str)> = Vec::new();
    let reads = |one: &&PrincipalAccess| one.question == Question::Read && one.verdict.possible();
    for one in found.assessment.principals.iter().filter(reads) {
        if let Some(last) = one.via.last() {
            taking.push((last.role.as_str(), one.arn.as_str()));
            continue;
        }
        if one.kind != PrincipalKind::Role {
            continue;
        }
        let reading = all.entry(one.arn.as_str()).or_default();
        if reading.verdict.is_none_or(|known| one.verdict > known) {
            reading.verdict = Some(one.verdict);
            reading.conditions = one.conditions.iter().cloned().collect();
        }
        let by = one.witness.s3.iter().chain(&one.witness.kms).filter(|statement| is_of_account(statement));
        reading.by.extend(by.cloned());
    }
    for (role, who) in taking {
        if let Some(reading) = all.get_mut(role) {
            reading.taken_by.insert(who.to_owned());
        }
    }
    all
}

fn how(reading: &Reading) -> Vec<String> {
    let mut remarks = Vec::new();
    let by = named(reading.by.iter().cloned().collect(), MOST_STATEMENTS);
    match (reading.verdict, by.is_empty()) {
        (Some(Verdict::Can), false) => remarks.push(format!("Reads today by {}.", by.join(", "))),
        (Some(Verdict::Can), true) => remarks.push("Reads today.".to_owned()),
        (_, false) => remarks.push(format!("May read today by {}.", by.join(", "))),
        (_, true) => remarks.push("May read today.".to_owned()),
    }
    if reading.verdict != Some(Verdict::Can) && !reading.conditions.is_empty() {
        let conditions = named(reading.conditions.iter().cloned().collect(), MOST_STATEMENTS);
        remarks.push(format!("Only if {}: declared, it would read without that.", conditions.join(" and ")));
    }
    if !reading.taken_by.is_empty() {
        let taken = named(reading.taken_by.iter().cloned().collect(), MOST_STATEMENTS);
        remarks.push(format!("Can be taken by {}.", taken.join(", ")));
    }
    remarks
}

/// What is taken for granted of strangers is no statement that somebody could look up.
fn is_of_account(statement: &str) -> bool {
    !statement.contains("taken to allow")
}

/// At most so many, and how many more there are.
fn named(mut all: Vec<String>, most: usize) -> Vec<String> {
    let more = all.len().saturating_sub(most);
    all.truncate(most);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    all
}

/// Principals of Databricks with SELECT on the schema itself, in any metastore.
fn databricks(sketch: &mut Sketch, found: &Found<'_>) {
    let mut holders: BTreeSet<String> = BTreeSet::new();
    for (query, answer) in found.live.iter() {
        let Read::Privileges { securable, name } = &query.read else { continue };
        if securable != "schema" || name != "system.access" {
            continue;
        }
        let Observed::Present(Fact::Privileges(all)) = answer else { continue };
        let selects = |one: &&PrivilegeAssignment| {
            one.privileges.iter().any(|privilege| privilege == "SELECT" || privilege == "ALL_PRIVILEGES")
        };
        holders.extend(all.iter().filter(selects).map(|one| one.principal.clone()).filter(|name| !name.is_empty()));
    }
    for name in holders {
        let who = if check(Answer::DatabricksServicePrincipal, &name).is_ok() {
            Who::ServicePrincipal(name)
        } else if check(Answer::DatabricksUser, &name).is_ok() {
            Who::User(name)
        } else if check(Answer::Name, &name).is_ok() {
            Who::Group(name)
        } else {
            continue;
        };
        sketch.readers.push(Person::new(who, vec!["Has SELECT on `system.access` today.".to_owned()]));
    }
}

/// Whoever reads the objects and is no role.
fn others(sketch: &mut Sketch, found: &Found<'_>) {
    let mut all: BTreeMap<(bool, String), Verdict> = BTreeMap::new();
    // Principals of Databricks can be declared: those with a grant of their own are.
    let reads = |one: &&PrincipalAccess| {
        let databricks = matches!(
            one.kind,
            PrincipalKind::DatabricksUser | PrincipalKind::DatabricksServicePrincipal | PrincipalKind::DatabricksGroup
        );
        one.question == Question::Read && one.verdict.possible() && one.via.is_empty() && !one.declared && !databricks
    };
    for one in found.assessment.principals.iter().filter(reads) {
        if one.kind == PrincipalKind::Role && role(found, &one.arn).is_some()
            || one.arn == found.desired.role.arn.to_string()
        {
            continue;
        }
        let outside = matches!(one.kind, PrincipalKind::Anonymous | PrincipalKind::AnyAws | PrincipalKind::Account);
        let by = one.witness.s3.iter().find(|statement| is_of_account(statement));
        let by = by.map(|statement| format!(", by {statement}")).unwrap_or_default();
        let line = format!("{} ({}){by}", one.arn, kind(one.kind));
        let known = all.entry((!outside, line)).or_insert(one.verdict);
        *known = (*known).max(one.verdict);
    }
    if all.is_empty() {
        return;
    }
    let lines: Vec<String> = all
        .into_iter()
        .map(|((_, line), verdict)| if verdict == Verdict::Can { line } else { format!("{line}, under conditions") })
        .collect();
    sketch.remarks.readers.push(
        "These read today too, and cannot be declared: a reader is a role, or a principal of Databricks. They are closed out \
         when the waivers of `undeclared-statements` and `undeclared-reads-denied` end; give a role to those who shall stay."
            .to_owned(),
    );
    sketch.remarks.readers.extend(named(lines, MOST_NAMED).into_iter().map(|line| format!("- {line}")));
}

fn kind(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::Root => "root user",
        PrincipalKind::User => "IAM user",
        PrincipalKind::Role => "role",
        PrincipalKind::RoleSession => "session of a role",
        PrincipalKind::FederatedUser => "federated user",
        PrincipalKind::Account => "every principal of the account",
        PrincipalKind::AnyAws => "anybody with an AWS account",
        PrincipalKind::Anonymous => "anybody at all",
        PrincipalKind::Service => "AWS service",
        PrincipalKind::IdentityProvider => "identity provider",
        PrincipalKind::CanonicalUser => "AWS account by its canonical id",
        PrincipalKind::AccessPoint => "behind an access point",
        PrincipalKind::DirectoryUser => "user of IAM Identity Center",
        PrincipalKind::DirectoryGroup => "group of IAM Identity Center",
        PrincipalKind::DatabricksUser => "Databricks user",
        PrincipalKind::DatabricksServicePrincipal => "Databricks service principal",
        PrincipalKind::DatabricksGroup => "Databricks group",
    }
}
