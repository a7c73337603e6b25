//! The Databricks side: who may SELECT the system tables that hold the same events, and who reaches the bucket through
//! Unity Catalog's own roles.

mod directory;
mod securables;
mod storage;
mod system_tables;

use crate::model::live::Read;
use crate::model::{Desired, Fact, Gap, Observed, Place};

use super::assessment::{
    Assumption, Indirect, ObjectClass, PrincipalAccess, PrincipalKind, Question, Verdict, Witness,
};
use super::declared::Declared;
use super::facts::Facts;
use directory::{Directory, Member};
use securables::{Holding, Metastore};

/// Id of the class of rows in `system.access`.
pub(super) const SYSTEM_TABLES: &str = "system-tables";

/// What Databricks grants come to.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub principals: Vec<PrincipalAccess>,
    /// Administrators who could grant it to themselves, with how.
    pub indirect: Vec<Indirect>,
    pub gaps: Vec<Gap>,
    pub assumptions: Vec<Assumption>,
    pub class: Option<ObjectClass>,
}

/// Asks both sides. `roles` says what the role behind a storage credential can do to which class of objects.
pub(super) fn assess(
    desired: &Desired,
    live: &Facts<'_>,
    declared: &Declared,
    roles: &dyn Fn(&str) -> Vec<PrincipalAccess>,
) -> Findings {
    let mut findings = Findings::default();
    let account = desired.databricks_place();
    let identities = read(live, &account, Read::DatabricksIdentities, Fact::databricks_identities, &mut findings.gaps);
    let directory = Directory::of(identities);
    let metastores = metastores(desired, live, &mut findings);
    let view = View { desired, declared, directory: &directory };
    for metastore in &metastores {
        system_tables::assess(&view, metastore, &mut findings);
        storage::assess(&view, metastore, roles, &mut findings);
    }
    for member in directory.account_admins() {
        findings.indirect.push(view.indirect(&member, "Databricks account admin".to_owned()));
    }
    findings.indirect.sort();
    findings.indirect.dedup();
    if !metastores.is_empty() {
        findings.class = Some(ObjectClass {
            id: SYSTEM_TABLES.to_owned(),
            manifest: desired.name.clone(),
            description: "rows of the tables in `system.access`, which hold the same events".to_owned(),
            prefixes: Vec::new(),
            key: None,
            sampled: true,
        });
    }
    merge(&mut findings.principals);
    findings
}

struct View<'a> {
    desired: &'a Desired,
    declared: &'a Declared,
    directory: &'a Directory,
}

impl View<'_> {
    /// One entry for each person or program behind a holding.
    fn people(&self, holding: &Holding, template: &PrincipalAccess, findings: &mut Findings) {
        for member in self.directory.expand(&holding.principal) {
            let (declared, declared_as) = self.declared.databricks(&member.name, &member.through);
            let group = member.kind == PrincipalKind::DatabricksGroup;
            let mut access = PrincipalAccess {
                arn: member.name.clone(),
                kind: member.kind,
                declared,
                declared_as,
                ..template.clone()
            };
            let through = match member.through.as_slice() {
                [] => String::new(),
                groups => format!(" through group {}", groups.join(" > ")),
            };
            access.witness.unity_catalog.push(format!("{} to `{}`{through}", holding.how, holding.principal));
            if holding.must_grant_itself {
                access.conditions.push("after granting itself the privilege".to_owned());
                access.verdict = Verdict::Conditional;
            }
            if group {
                access.conditions.push("members of the group are not known".to_owned());
                access.verdict = Verdict::Conditional;
            }
            findings.principals.push(access);
        }
    }

    fn indirect(&self, member: &Member, means: String) -> Indirect {
        Indirect {
            manifest: self.desired.name.clone(),
            arn: member.name.clone(),
            kind: member.kind,
            declared: self.declared.databricks(&member.name, &member.through).0,
            means: vec![means],
        }
    }

    fn template(&self, question: Question, class: &str) -> PrincipalAccess {
        PrincipalAccess {
            manifest: self.desired.name.clone(),
            question,
            arn: String::new(),
            kind: PrincipalKind::DatabricksGroup,
            declared: false,
            declared_as: String::new(),
            verdict: Verdict::Can,
            certain: true,
            object_class: class.to_owned(),
            actions: Vec::new(),
            via: Vec::new(),
            witness: Witness::default(),
            conditions: Vec::new(),
            blocked_by: Vec::new(),
        }
    }
}

fn read<T: Clone>(
    live: &Facts<'_>,
    place: &Place,
    read: Read,
    narrow: fn(&Fact) -> Option<&T>,
    gaps: &mut Vec<Gap>,
) -> Option<T> {
    match live.view(place, read, narrow) {
        Observed::Present(value) => Some(value),
        Observed::Absent => None,
        Observed::Unknown(gap) => {
            gaps.push(gap);
            None
        }
    }
}

/// Every metastore, seen from the workspace that was asked about it.
fn metastores(desired: &Desired, live: &Facts<'_>, findings: &mut Findings) -> Vec<Metastore> {
    let account = desired.databricks_place();
    let listed = read(live, &account, Read::Metastores, Fact::metastores, &mut findings.gaps).unwrap_or_default();
    let seen = live.metastores(&desired.databricks.account_id);
    let mut metastores = Vec::new();
    for (place, id) in &seen {
        let entry = listed.iter().find(|one| one.metastore_id == *id);
        let metastore = Metastore::read(live, place, id, entry, &mut findings.gaps);
        if !metastore.all_visible {
            findings.assumptions.push(Assumption {
                code: "unity-catalog-partly-visible".to_owned(),
                message: format!(
                    "Unity Catalog shows all credentials, locations and grants of metastore `{}` only to its admin \
                     `{}`, which the caller is not: there may be more readers",
                    entry.map_or(id.as_str(), |one| one.name.as_str()),
                    metastore.owner
                ),
                unread: true,
            });
        }
        metastores.push(metastore);
    }
    for one in listed.iter().filter(|one| !seen.iter().any(|(_, id)| *id == one.metastore_id)) {
        findings.assumptions.push(Assumption {
            code: "metastore-not-read".to_owned(),
            message: format!("no running workspace shows metastore `{}`: its grants were not read", one.name),
            unread: true,
        });
    }
    metastores
}

/// One entry per person, question and class: the most permissive verdict, with every way in the witness.
fn merge(principals: &mut Vec<PrincipalAccess>) {
    principals.sort_by(|a, b| {
        let key = |one: &PrincipalAccess| (one.question, one.object_class.clone(), one.arn.clone());
        key(a).cmp(&key(b)).then_with(|| b.verdict.cmp(&a.verdict)).then_with(|| a.cmp(b))
    });
    principals.dedup_by(|next, kept| {
        let same = (next.question, &next.object_class, &next.arn) == (kept.question, &kept.object_class, &kept.arn);
        if same {
            for way in &next.witness.unity_catalog {
                if !kept.witness.unity_catalog.contains(way) {
                    kept.witness.unity_catalog.push(way.clone());
                }
            }
            if next.declared && !kept.declared {
                kept.declared = true;
                kept.declared_as.clone_from(&next.declared_as);
            }
        }
        same
    });
}
