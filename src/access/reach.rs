//! What one principal can do by its own requests, without taking another role.

use crate::iam::symbolic::Keys;
use crate::iam::written::Written;
use crate::iam::{Document, Element, NamedPolicy, Policy, PrincipalSpec, Statement};
use crate::model::bucket::PublicAccessBlock;

use super::acl;
use super::ask::{Ask, Guard, Outcome, Worlds, ask};
use super::assessment::{PrincipalKind, Question, Verdict};
use super::estate::{Door, Estate};
use super::filter::Filter;
use super::objects::Objects;
use super::question::{Action, Duty, KeyNeed, Target, actions};
use super::subject::{Credential, Subject};
use super::worlds;

/// What was found of one action in one class.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub question: Question,
    /// Index of the class.
    pub class: usize,
    pub action: &'static str,
    pub duty: Duty,
    pub outcome: Outcome,
}

pub(super) struct Reach<'a> {
    pub estate: &'a Estate<'a>,
    pub classes: &'a [Objects],
    pub filter: &'a Filter<'a>,
}

impl Reach<'_> {
    /// Everything that may be allowed, and for questions of which nothing may be, one obstacle per class.
    pub fn of(&self, subject: &Subject) -> Vec<Found> {
        let worlds = self.estate.worlds(subject);
        let mut all = Vec::new();
        for question in Question::ALL {
            for class in 0..self.classes.len() {
                self.class(subject, &worlds, question, class, &mut all);
            }
        }
        all
    }

    fn class(&self, subject: &Subject, worlds: &Worlds, question: Question, class: usize, all: &mut Vec<Found>) {
        let (mut found, mut closed) = (Vec::new(), None);
        for action in actions(question) {
            if !self.concerns(action, class) {
                continue;
            }
            let outcome = self.action(subject, worlds, action, class);
            if outcome.verdict.possible() {
                let done = question != Question::Tamper && outcome.verdict == Verdict::Can;
                found.push(Found { question, class, action: action.name, duty: action.duty, outcome });
                if done {
                    break;
                }
            } else if closed.is_none() {
                closed = Some(Found { question, class, action: action.name, duty: action.duty, outcome });
            }
        }
        if found.is_empty() { all.extend(closed) } else { all.append(&mut found) }
    }

    /// Whether an action is asked about in a class: what no key decides is the same under every key.
    fn concerns(&self, action: &Action, class: usize) -> bool {
        let Some(class) = self.classes.get(class) else { return false };
        let by_prefix = matches!(class.class.id.as_str(), "current" | "previous-prefixes");
        match (action.target, action.key) {
            (Target::Object, KeyNeed::Decrypt) => true,
            (Target::Object, KeyNeed::None) => by_prefix,
            (Target::Bucket, _) => class.class.id == "current",
            (Target::Key, _) => {
                class.class.id != "previous-prefixes"
                    && class.class.key.as_ref().is_some_and(|key| !key.ends_with(":key/aws/s3"))
            }
        }
    }

    fn action(&self, subject: &Subject, worlds: &Worlds, action: &Action, class: usize) -> Outcome {
        let Some(objects) = self.classes.get(class) else { return Outcome::cannot(Vec::new()) };
        let mut best = Outcome::cannot(Vec::new());
        if let Some(obstacle) = self.closed_everywhere(subject, action, objects) {
            return Outcome::cannot(vec![obstacle]);
        }
        let resources = match action.target {
            Target::Object => {
                let mut witnesses = objects.witnesses.clone();
                witnesses.extend(self.filter.own_objects(subject, &objects.class.prefixes));
                witnesses
            }
            Target::Bucket => vec![self.estate.bucket_arn()],
            Target::Key => objects.class.key.iter().cloned().collect(),
        };
        for resource in resources {
            let closed = match action.target {
                Target::Key => None,
                Target::Object | Target::Bucket => self.filter.closed_directly(subject, action.name, &resource),
            };
            if let Some(obstacle) = closed {
                if best.blocked.is_empty() {
                    best.blocked.push(obstacle);
                }
                continue;
            }
            for asks in self.ways(subject, action, objects, &resource) {
                if let Some(obstacle) = asks.iter().find_map(|one| self.filter.closed(subject, one)) {
                    if best.blocked.is_empty() {
                        best.blocked.push(obstacle);
                    }
                    continue;
                }
                let outcome = ask(worlds, &asks);
                if outcome.verdict > best.verdict || best.blocked.is_empty() && best.verdict == Verdict::Cannot {
                    best = outcome;
                }
                if best.verdict == Verdict::Can {
                    return best;
                }
            }
        }
        best
    }

    fn closed_everywhere(&self, subject: &Subject, action: &Action, objects: &Objects) -> Option<String> {
        if action.target != Target::Key {
            return self.filter.closed_everywhere(subject, action.name);
        }
        let key = self.estate.keys.get(objects.class.key.as_ref()?)?;
        self.filter.closed_on_key(subject, action.name, key)
    }

    /// Every set of requests that comes to the action: directly, by an access control list, through an access point.
    fn ways(&self, subject: &Subject, action: &Action, objects: &Objects, resource: &str) -> Vec<Vec<Ask>> {
        let estate = self.estate;
        if action.target == Target::Key {
            let key = estate.keys.get(resource);
            return key
                .map(|key| vec![vec![estate.to_key(subject, action.name, key, Keys::default())]])
                .unwrap_or_default();
        }
        let guard = Guard { policy: estate.policy.as_deref(), block: Some(&estate.block) };
        let mut doors = vec![vec![estate.to_bucket(subject, action.name, resource, guard, worlds::direct())]];
        if !subject.in_account && subject.credential != Credential::Service {
            doors.extend(acl::listed(estate, subject, action, resource).map(|one| vec![one]));
        }
        if subject.kind != PrincipalKind::Anonymous && self.filter.speaks_of_access_points() {
            for door in &estate.doors {
                doors.extend(self.through(subject, action, resource, door));
            }
        }
        let keyed: Vec<Option<Ask>> = match (action.key, &objects.class.key) {
            (KeyNeed::Decrypt, Some(key)) => self.decrypting(subject, key, resource),
            _ => vec![None],
        };
        let mut ways = Vec::new();
        for door in doors {
            for key in &keyed {
                ways.push(door.iter().map(copy).chain(key.as_ref().map(copy)).collect());
            }
        }
        ways
    }

    /// What an access point of an account may let in that nobody listed: its policy may say anything, so the bucket's decides.
    pub fn behind_unlisted(&self, subjects: &[Subject], account: &str) -> Vec<Found> {
        let mut all = Vec::new();
        let general = |one: &&Subject| {
            one.kind == PrincipalKind::AnyAws || one.kind == PrincipalKind::Account && one.name.contains(account)
        };
        for subject in subjects.iter().filter(general) {
            let worlds = self.estate.worlds(subject);
            for question in [Question::Read, Question::Write, Question::List] {
                for (class, objects) in self.classes.iter().enumerate() {
                    for action in actions(question) {
                        if !self.concerns(action, class) {
                            continue;
                        }
                        let outcome = self.behind(subject, &worlds, action, objects, account);
                        if outcome.verdict.possible() {
                            all.push(Found { question, class, action: action.name, duty: action.duty, outcome });
                            break;
                        }
                    }
                }
            }
        }
        all.sort_by_key(|one| (one.question, one.class));
        all.dedup_by_key(|one| (one.question, one.class));
        all
    }

    fn behind(&self, subject: &Subject, worlds: &Worlds, action: &Action, objects: &Objects, account: &str) -> Outcome {
        let guard = Guard { policy: self.estate.policy.as_deref(), block: Some(&self.estate.block) };
        let bucket = [self.estate.bucket_arn()];
        let resources = if action.target == Target::Object { objects.witnesses.as_slice() } else { &bucket };
        let mut best = Outcome::cannot(Vec::new());
        for resource in resources {
            let mut own = Keys::default();
            own.unknown.extend(["s3:DataAccessPointArn", "s3:AccessPointNetworkOrigin"].map(str::to_owned));
            if account == "*" {
                own.unknown.insert("s3:DataAccessPointAccount".to_owned());
            } else {
                own.fixed.insert("s3:DataAccessPointAccount".to_owned(), vec![account.to_owned()]);
            }
            let one = self.estate.to_bucket(subject, action.name, resource, guard, own);
            let keys = match (action.key, &objects.class.key) {
                (KeyNeed::Decrypt, Some(key)) => self.decrypting(subject, key, resource),
                _ => vec![None],
            };
            for key in keys {
                let asks: Vec<Ask> = std::iter::once(copy(&one)).chain(key).collect();
                let outcome = ask(worlds, &asks);
                if outcome.verdict > best.verdict {
                    best = outcome;
                }
            }
        }
        best
    }

    /// S3 asks KMS with the object or, with bucket keys, the bucket as context; objects of both forms may lie there (K4).
    fn decrypting(&self, subject: &Subject, key: &str, object: &str) -> Vec<Option<Ask>> {
        let Some(key) = self.estate.keys.get(key) else { return vec![None] };
        let region = &self.estate.desired.aws.region;
        [self.estate.bucket_arn(), object.to_owned()]
            .iter()
            .map(|context| {
                let own = worlds::through_s3(region, context, false);
                Some(self.estate.to_key(subject, "kms:Decrypt", key, own))
            })
            .collect()
    }

    /// B6: the access point and the bucket both have to allow; an identity policy may name either.
    fn through(&self, subject: &Subject, action: &Action, resource: &str, door: &Door) -> Vec<Vec<Ask>> {
        let estate = self.estate;
        let point = &door.point;
        let bucket = Guard { policy: estate.policy.as_deref(), block: Some(&estate.block) };
        let own = || worlds::through_access_point(&point.arn, &point.account, point.vpc.is_some());
        let behind = match resource.split_once('/') {
            Some((_, key)) if action.target == Target::Object => format!("{}/object/{key}", point.arn),
            _ => point.arn.clone(),
        };
        let gate = Guard { policy: door.policy.as_deref(), block: Some(&point.block) };
        let freed = Subject { identity: super::outsiders::everything(estate.library), ..subject.clone() };
        let asks = |outer: &Subject, inner: &Subject| {
            let mut at_point = estate.to_bucket(outer, action.name, &behind, gate, own());
            at_point.name = format!("{} through access point {}", action.name, point.name);
            at_point.request.resource_account = Some(point.account.clone());
            vec![at_point, estate.to_bucket(inner, action.name, resource, bucket, own())]
        };
        let mut ways = vec![asks(subject, &freed)];
        if subject.in_account {
            // Its own policies name the bucket: then they stand in for the access point as well.
            let mut by_bucket = asks(&freed, subject);
            by_bucket.push(estate.to_bucket(subject, action.name, resource, Guard::default(), own()));
            ways.push(by_bucket);
        }
        ways
    }
}

fn copy(ask: &Ask) -> Ask {
    Ask { name: ask.name.clone(), request: ask.request.clone(), policies: ask.policies.clone(), own: ask.own.clone() }
}

/// What an access control list allows, as a policy: its Allow beside the Denies of the bucket policy, which bind it as well.
pub(super) fn with_allow(policy: Option<&NamedPolicy>, allow: Statement) -> Option<NamedPolicy> {
    let mut statements = vec![allow];
    if let Some(NamedPolicy { document, .. }) = policy {
        match document {
            Document::Known(known) => {
                let denies = known.statements.iter().filter(|one| one.effect == crate::iam::Effect::Deny);
                statements.extend(denies.cloned());
                let merged = Policy { version: known.version, id: None, statements };
                return Some(NamedPolicy {
                    name: "bucket policy".to_owned(),
                    document: Document::Known(merged.into()),
                });
            }
            Document::Unknown(_) => return policy.cloned(),
        }
    }
    let merged = Policy { version: crate::iam::Version::V2012, id: None, statements };
    Some(NamedPolicy { name: "bucket policy".to_owned(), document: Document::Known(merged.into()) })
}

/// An Allow statement for everybody.
pub(super) fn allow_everybody(sid: &str, action: &str, principal: PrincipalSpec) -> Statement {
    Statement {
        sid: Some(sid.to_owned()),
        effect: crate::iam::Effect::Allow,
        principal: Some(Element::Is(principal)),
        action: Element::Is(vec![action.to_owned()]),
        resource: Some(Element::Is(vec!["*".to_owned()])),
        conditions: Vec::new(),
        json: Written::default(),
    }
}

/// A list is no policy: `RestrictPublicBuckets` looks at the policy that is there.
pub(super) fn unrestricted(block: &PublicAccessBlock) -> PublicAccessBlock {
    PublicAccessBlock { restrict_public_buckets: false, ..block.clone() }
}
