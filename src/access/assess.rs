//! Puts an assessment together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::authorization::Authorization;
use crate::model::live::Read;
use crate::model::{Desired, Fact, Live, Observed};

use super::acl;
use super::allowed::Sheet;
use super::assessment::{Assessment, Assumption, PrincipalAccess, PrincipalKind, Question, Verdict, Witness};
use super::basis::Around;
use super::chain::{Chains, Graph};
use super::databricks;
use super::declared::Declared;
use super::documents::Library;
use super::entries::{Book, Entries};
use super::estate::Estate;
use super::facts::Facts;
use super::filter::Filter;
use super::foreign;
use super::inventory::Inventory;
use super::lent;
use super::mentioned::Mentioned;
use super::objects::{self, Objects};
use super::outline::Outline;
use super::outsiders::Home;
use super::part::Part;
use super::proof;
use super::reach::{Found, Reach};
use super::second::{self, Second};
use super::subject::Subject;

type People = (Arc<Authorization>, Arc<Inventory>);

/// What is worked out once and serves every state of a plan: documents that were read, and the principals of each account.
#[derive(Debug, Default)]
pub struct Compiled {
    pub(super) library: Library,
    /// By account and its canonical user id: the principals as they were last seen, and what came of them.
    people: Mutex<BTreeMap<(String, Option<String>), People>>,
}

impl Compiled {
    #[cfg(test)]
    pub(super) fn exhaustive() -> Self {
        Self { library: Library::exhaustive(), ..Self::default() }
    }

    /// States that differ in other things share the principals; one that differs in these reads their policies again.
    fn inventory(&self, account: &str, owner: Option<String>, people: Arc<Authorization>) -> Arc<Inventory> {
        let mut kept = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (account.to_owned(), owner);
        match kept.get(&key) {
            Some((known, inventory)) if Arc::ptr_eq(known, &people) || *known == people => Arc::clone(inventory),
            _ => {
                let inventory = Arc::new(Inventory::of(&people, key.1.as_deref(), &self.library));
                kept.insert(key, (people, Arc::clone(&inventory)));
                inventory
            }
        }
    }
}

/// Who can, in one state. A pure function of declaration and state.
#[must_use]
pub fn assess(desired: &[Desired], live: &Live) -> Assessment {
    assess_with(&Compiled::default(), desired, live)
}

/// The same, with what other states have in common with this one.
#[must_use]
pub fn assess_with(compiled: &Compiled, desired: &[Desired], live: &Live) -> Assessment {
    Assessment::whole(Part::all(desired).iter().map(|part| part.assess(compiled, live).0))
}

/// One bucket, by the declaration for it.
pub(super) fn assess_one(compiled: &Compiled, desired: &Desired, live: &Facts<'_>) -> (Assessment, Option<Around>) {
    let declared = Declared::of(desired);
    let mut estate = Estate::of(desired, live, &compiled.library);
    if !estate.exists {
        let proofs = proof::without_bucket(desired);
        return (Assessment { gaps: estate.gaps, proofs, ..Assessment::default() }, None);
    }
    let mut classes = objects::classes(&mut estate);
    let people = estate.read(Read::AccountAuthorization, Fact::authorization);
    let inventory = people.present().map(|people| compiled.inventory(estate.account(), owner(&estate), people));
    let nobody = Inventory::default();
    let inventory_ref = inventory.as_deref().unwrap_or(&nobody);
    let mentioned = mentioned(&estate);
    let home = Home {
        account: estate.account(),
        partition: estate.partition(),
        library: &compiled.library,
        inventory: inventory.as_deref(),
    };
    let mut subjects = inventory_ref.subjects.clone();
    subjects.extend(home.outsiders(&mentioned).into_iter().map(Arc::new));
    let documents = documents(&estate, &subjects);
    if !objects::choose(&mut classes, &estate, &documents) {
        estate.assume(
            "object-keys-not-told-apart",
            "policies tell more kinds of object keys apart than are looked at one by one: statements about some of the \
             objects count as unknown",
        );
    }
    standing(&mut estate, &classes, inventory_ref);
    let filter = Filter::new(&estate, &classes);
    let reach = Reach::new(&estate, &classes, &filter);
    let outlines: Vec<Outline> = subjects.iter().map(|subject| filter.outline(subject)).collect();
    let mut found: Vec<Vec<Found>> =
        subjects.iter().zip(&outlines).map(|(subject, outline)| reach.of(subject, outline)).collect();
    lent::to_principals(&reach, inventory_ref, &subjects, &mut found);
    let targets = targets(inventory_ref, &subjects, &found);
    let graph = Chains { estate: &estate, inventory: inventory_ref, home: &home }.behind(&targets, &subjects);
    let book = Book { desired, declared: &declared, classes: &classes, inventory: inventory_ref };
    let mut entries = Entries::new(&book);
    for (subject, found) in subjects.iter().zip(&found) {
        entries.direct(subject, found);
    }
    chains(&mut entries, &graph, &found, inventory_ref, &classes);
    let mut principals = entries.finish();
    principals.extend(unlisted_doors(&reach, &mentioned, &subjects));
    principals.extend(lent::to_directory(&reach, inventory_ref, &found));
    let roles =
        |arn: &str| -> Vec<PrincipalAccess> { principals.iter().filter(|one| one.arn == arn).cloned().collect() };
    let databricks = databricks::assess(desired, live, &declared, &roles);
    let second = Second {
        estate: &estate,
        declared: &declared,
        inventory: inventory_ref,
        common: &filter.common,
        outlines: &outlines,
    };
    let (mut second_tier, taken) = second::indirect(&second, &principals);
    second_tier.extend(databricks.indirect);
    principals.extend(databricks.principals);
    let mut gaps = estate.gaps.clone();
    gaps.extend(databricks.gaps);
    let mut assumptions = estate.assumptions.clone();
    assumptions.extend(taken);
    assumptions.extend(foreign::assumptions(&estate, &principals));
    assumptions.extend(databricks.assumptions);
    gaps.sort();
    gaps.dedup();
    let mut object_classes: Vec<_> = classes.iter().map(|one| one.class.clone()).collect();
    object_classes.extend(databricks.class);
    let unread: Vec<String> = gaps
        .iter()
        .map(ToString::to_string)
        .chain(assumptions.iter().filter(|one| one.unread).map(|one| one.message.clone()))
        .collect();
    let proofs = proof::all(&proof::Case {
        estate: &estate,
        declared: &declared,
        principals: &principals,
        classes: &classes,
        inventory: inventory.as_deref(),
        unread: &unread,
    });
    let around = inventory.as_ref().and_then(|_| Around::of(&estate, &classes, filter, mentioned, declared));
    let assessment =
        Assessment { complete: unread.is_empty(), gaps, assumptions, object_classes, principals, second_tier, proofs };
    (assessment, around)
}

/// Canonical user id of the bucket's own account, where it was read.
fn owner(estate: &Estate<'_>) -> Option<String> {
    let list = estate.live.view(&estate.place, Read::BucketAcl { bucket: estate.bucket() }, Fact::acl);
    list.present().map(|list| list.owner)
}

/// Everybody whom something about the bucket or its keys names.
fn mentioned(estate: &Estate<'_>) -> Mentioned {
    let mut mentioned = Mentioned::default();
    let doors = estate.doors.iter().filter_map(|door| door.policy.as_ref());
    let keys = estate.keys.values().filter_map(|key| key.policy.as_ref());
    for policy in estate.policy.iter().chain(doors).chain(keys).chain(&estate.limits.resource_control) {
        mentioned.document(policy);
    }
    for grant in estate.keys.values().flat_map(|key| &key.grants) {
        if grant.grantee.contains(".amazonaws.com") {
            mentioned.services.insert(grant.grantee.clone());
        }
        mentioned.principal(&grant.grantee);
    }
    lent::grantees(estate).for_each(|arn| mentioned.principal(arn));
    mentioned.canonical_users.extend(acl::canonical_users(estate));
    if let Some(owner) = owner(estate) {
        mentioned.canonical_users.remove(&owner);
    }
    for answer in estate.live.credentials() {
        if let Observed::Present(Fact::StorageCredentials(all)) = answer {
            all.iter().filter_map(|one| one.role_arn.as_ref()).for_each(|arn| mentioned.principal(arn));
        }
    }
    mentioned.arns.insert(estate.desired.role.arn.to_string());
    for role in estate.desired.reader_roles() {
        mentioned.principal(&role.to_string());
    }
    mentioned
}

/// Documents whose resources tell objects apart.
fn documents<'s>(estate: &'s Estate<'_>, subjects: &'s [Arc<Subject>]) -> Vec<&'s Sheet> {
    let identity = subjects.iter().flat_map(|one| one.identity.sheets());
    let mut all: Vec<&Arc<Sheet>> = identity.chain(estate.shared()).collect();
    all.sort_by_key(|sheet| Arc::as_ptr(sheet) as usize);
    all.dedup_by_key(|sheet| Arc::as_ptr(sheet) as usize);
    all.into_iter().map(|sheet| &**sheet).collect()
}

/// What is taken to be so in every assessment, where it applies.
fn standing(estate: &mut Estate<'_>, classes: &[Objects], inventory: &Inventory) {
    estate.assume(
        "no-session-policies",
        "sessions have the permissions of their role or user: session policies, which could only narrow them, cannot be listed",
    );
    estate.assume(
        "presigned-urls",
        "whoever can read an object can sign a URL for it, and whoever holds the URL then reads as they do",
    );
    let not_asked = match estate.lent {
        Some(_) => "",
        None => ", and neither were Multi-Region access points and access grants, which a plan does not ask for",
    };
    estate.assume(
        "other-doors-act-as-their-caller",
        format!(
            "Object Lambda access points were not listed{not_asked}: they read as their caller, through an access point \
             that has to allow it"
        ),
    );
    if estate.acl.is_some() {
        estate.assume(
            "object-acls-not-sampled",
            "object ownership is not `BucketOwnerEnforced`, so objects may have access control lists of their own; they were \
             not sampled",
        );
    }
    if classes.iter().any(|one| !one.class.sampled) {
        estate.assume(
            "objects-not-sampled",
            "encryption of the objects that lie there was not sampled (HeadObject needs s3:GetObject): readers of objects \
             without a key are reported apart, as class `older`",
        );
    }
    if !inventory.unreadable.is_empty() {
        estate.assumptions.push(Assumption {
            code: "principals-not-understood".to_owned(),
            message: format!("no ARN: {}", inventory.unreadable.join(", ")),
            unread: true,
        });
    }
}

/// Own roles that can do anything: the ends of chains.
fn targets(inventory: &Inventory, subjects: &[Arc<Subject>], found: &[Vec<Found>]) -> BTreeSet<usize> {
    let able: BTreeSet<&str> = subjects
        .iter()
        .zip(found)
        .filter(|(_, found)| found.iter().any(|one| one.outcome.verdict.possible()))
        .map(|(subject, _)| subject.name.as_str())
        .collect();
    let roles = inventory.roles.iter().enumerate();
    roles.filter(|(_, role)| able.contains(role.arn.as_str())).map(|(index, _)| index).collect()
}

fn chains(entries: &mut Entries<'_>, graph: &Graph, found: &[Vec<Found>], inventory: &Inventory, classes: &[Objects]) {
    for question in Question::ALL {
        for class in 0..classes.len() {
            let mut goals: BTreeMap<usize, Verdict> = BTreeMap::new();
            let mut ends: BTreeMap<usize, Vec<&Found>> = BTreeMap::new();
            for (index, role) in inventory.roles.iter().enumerate() {
                let own = found.get(role.subject).into_iter().flatten();
                let able: Vec<&Found> = own
                    .filter(|one| one.question == question && one.class == class && one.outcome.verdict.possible())
                    .collect();
                if let Some(best) = able.iter().map(|one| one.outcome.verdict).max() {
                    goals.insert(index, best);
                    ends.insert(index, able);
                }
            }
            if goals.is_empty() {
                continue;
            }
            let toward = graph.toward(&goals);
            for (index, subject) in graph.subjects.iter().enumerate() {
                if !graph.leads_on(index) {
                    continue;
                }
                let direct = found.get(index).into_iter().flatten();
                let already = direct
                    .filter(|one| one.question == question && one.class == class)
                    .any(|one| one.outcome.verdict.possible());
                if already {
                    continue;
                }
                for path in graph.paths(index, &toward, inventory) {
                    let end = path.roles.last().and_then(|role| ends.get(role));
                    for one in end.into_iter().flatten() {
                        entries.chained(subject, one, &path);
                    }
                }
            }
        }
    }
}

/// B6: an access point that was not listed lets in whomever its own policy names.
fn unlisted_doors(reach: &Reach<'_>, mentioned: &Mentioned, subjects: &[Arc<Subject>]) -> Vec<PrincipalAccess> {
    let Reach { estate, classes, filter, .. } = reach;
    if !filter.speaks_of_access_points() {
        return Vec::new();
    }
    let own = estate.account();
    let mut accounts: BTreeSet<&str> = mentioned.access_point_accounts.iter().map(String::as_str).collect();
    if estate.doors_listed {
        accounts.remove(own);
    }
    let mut all = Vec::new();
    for account in accounts {
        for Found { question, class, action, outcome, .. } in reach.behind_unlisted(subjects, account) {
            let Some(objects) = classes.get(class) else { continue };
            let of = if account == "*" { "any account".to_owned() } else { format!("account {account}") };
            all.push(PrincipalAccess {
                manifest: estate.desired.name.clone(),
                question,
                arn: format!("whoever the access points of {of} let in"),
                kind: PrincipalKind::AccessPoint,
                declared: false,
                declared_as: "not declared".to_owned(),
                verdict: Verdict::Conditional,
                certain: false,
                object_class: objects.class.id.clone(),
                actions: vec![action.to_owned()],
                via: Vec::new(),
                witness: Witness {
                    s3: outcome.statements.first().cloned().unwrap_or_default(),
                    kms: outcome.statements.get(1).cloned().unwrap_or_default(),
                    context: outcome.context,
                    ..Witness::default()
                },
                conditions: vec![format!("the policy of an access point of {of} that was not listed allows it")],
                blocked_by: Vec::new(),
            });
        }
    }
    all
}
