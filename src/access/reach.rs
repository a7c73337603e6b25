//! What one principal can do by its own requests, without taking another role.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::iam::symbolic::Keys;

use super::acl;
use super::alike::Alike;
use super::allowed::Actions;
use super::ask::{Ask, Guard, Outcome, Worlds, ask};
use super::assessment::{PrincipalKind, Question, Verdict};
use super::estate::{Door, Estate};
use super::filter::{Filter, obstacle};
use super::objects::Objects;
use super::outline::{BUCKET, Common, Outline};
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
    courses: Vec<Course<'a>>,
}

/// What S3 asks of the key for whoever reads (K5).
const DECRYPT: &str = "kms:Decrypt";

/// Requests to a key that are made for others; `None` where the key was not found.
type Keyed = Vec<Option<Rc<Ask>>>;

/// Who is asked about.
struct Asker<'a> {
    subject: &'a Subject,
    outline: &'a Outline,
    /// By key and object: several actions ask the same of the key.
    keyed: RefCell<HashMap<(String, String), Keyed>>,
    alike: Alike,
}

/// A question about a class of objects.
struct Course<'a> {
    question: Question,
    class: usize,
    objects: &'a Objects,
    /// The actions that are asked about, in their order.
    actions: Vec<&'static Action>,
    /// What would have to be open: sets of them, each with the resources that they are asked of.
    needs: Vec<(Actions, Vec<usize>)>,
}

impl<'a> Course<'a> {
    fn of(question: Question, class: usize, objects: &'a Objects, common: &Common) -> Self {
        let actions: Vec<_> = actions(question).iter().filter(|action| concerns(action, objects)).collect();
        let needs = [Target::Object, Target::Bucket, Target::Key].map(|target| {
            let names = actions.iter().filter(|action| action.target == target).map(|action| action.name);
            let places = match target {
                Target::Object => objects.witnesses.iter().filter_map(|one| common.in_bucket(one)).collect(),
                Target::Bucket => vec![BUCKET],
                Target::Key => objects.class.key.iter().filter_map(|key| common.key(key)).collect(),
            };
            (Actions::of(names), places)
        });
        Self { question, class, objects, actions, needs: needs.into() }
    }

    fn found(&self, action: &Action, outcome: Outcome) -> Found {
        Found { question: self.question, class: self.class, action: action.name, duty: action.duty, outcome }
    }

    /// Whether nothing of it can be open.
    fn is_shut(&self, outline: &Outline) -> bool {
        let closed = |(actions, places): &(Actions, Vec<usize>)| {
            actions.is_empty()
                || !places.is_empty() && places.iter().all(|place| (outline.on(*place) & *actions).is_empty())
        };
        self.needs.iter().all(closed)
    }
}

/// Whether an action is asked about in a class: what no key decides is the same under every key.
fn concerns(action: &Action, objects: &Objects) -> bool {
    let class = &objects.class;
    let by_prefix = matches!(class.id.as_str(), "current" | "previous-prefixes");
    match (action.target, action.key) {
        (Target::Object, KeyNeed::Decrypt) => true,
        (Target::Object, KeyNeed::None) => by_prefix,
        (Target::Bucket, _) => class.id == "current",
        (Target::Key, _) => {
            class.id != "previous-prefixes" && class.key.as_ref().is_some_and(|key| !key.ends_with(":key/aws/s3"))
        }
    }
}

impl<'a> Reach<'a> {
    pub fn new(estate: &'a Estate<'a>, classes: &'a [Objects], filter: &'a Filter<'a>) -> Self {
        let all = classes.iter().enumerate();
        let course =
            |question| all.clone().map(move |(class, objects)| Course::of(question, class, objects, &filter.common));
        let courses = Question::ALL.into_iter().flat_map(course).collect();
        Self { estate, classes, filter, courses }
    }

    /// Everything that may be allowed, and for questions of which nothing may be, an obstacle.
    pub fn of(&self, subject: &Subject, outline: &Outline) -> Vec<Found> {
        let mut all = Vec::new();
        let asker = Asker { subject, outline, keyed: RefCell::default(), alike: Alike::default() };
        // Variables may mean objects of which the outline says nothing.
        let outlined = self.filter.is_direct() && !self.filter.means_own_objects(subject);
        for course in &self.courses {
            // One obstacle tells why not.
            let told = |one: &Found| one.question == course.question && !one.outcome.verdict.possible();
            match course.actions.first() {
                Some(_) if outlined && course.is_shut(outline) && all.iter().any(told) => {}
                Some(first) if outlined && course.is_shut(outline) => {
                    all.push(course.found(first, Outcome::cannot(vec![obstacle(subject, first.name)])));
                }
                Some(_) => self.course(&asker, course, &mut all),
                None => {}
            }
        }
        all
    }

    fn course(&self, asker: &Asker<'_>, course: &Course<'_>, all: &mut Vec<Found>) {
        let (mut found, mut closed) = (Vec::new(), None);
        for action in &course.actions {
            let outcome = self.alike(asker, action, course, closed.is_none());
            if outcome.verdict.possible() {
                let done = course.question != Question::Tamper && outcome.verdict == Verdict::Can;
                found.push(course.found(action, outcome));
                if done {
                    break;
                }
            } else if closed.is_none() {
                closed = Some(course.found(action, outcome));
            }
        }
        if found.is_empty() { all.extend(closed) } else { all.append(&mut found) }
    }

    /// What comes of an action, or of one that is like it.
    fn alike(&self, asker: &Asker<'_>, action: &'static Action, course: &Course<'_>, why: bool) -> Outcome {
        let likeness = match self.filter.is_direct() {
            true => asker.alike.likeness(self.estate, asker.subject, action, course.class),
            false => None,
        };
        if let Some(known) = likeness.as_ref().and_then(|likeness| asker.alike.known(likeness, action.name, why)) {
            return known;
        }
        let outcome = self.action(asker, action, course.objects);
        if let Some(likeness) = likeness {
            asker.alike.keep(likeness, action.name, &outcome);
        }
        outcome
    }

    fn action(&self, asker: &Asker<'_>, action: &Action, objects: &Objects) -> Outcome {
        let Asker { subject, outline, .. } = asker;
        let mut best = Outcome::cannot(Vec::new());
        if self.is_closed_everywhere(outline, action, objects) {
            return Outcome::cannot(vec![obstacle(subject, action.name)]);
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
            let open = match action.target {
                Target::Object | Target::Bucket if self.filter.is_direct() => {
                    self.filter.is_open_directly(subject, outline, action.name, &resource)
                }
                _ => true,
            };
            if !open {
                if best.blocked.is_empty() {
                    best.blocked.push(obstacle(subject, action.name));
                }
                continue;
            }
            if let Some(obstacle) = self.closed_by_key(asker, action, objects) {
                if best.blocked.is_empty() {
                    best.blocked.push(obstacle);
                }
                continue;
            }
            for asks in self.ways(asker, action, objects, &resource) {
                if let Some(obstacle) = asks.iter().find_map(|one| self.filter.closed(subject, outline, one)) {
                    if best.blocked.is_empty() {
                        best.blocked.push(obstacle);
                    }
                    continue;
                }
                let outcome = ask(&self.estate.worlds(subject), &asks);
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

    /// Why the key stops a direct request, where that is plain.
    fn closed_by_key(&self, asker: &Asker<'_>, action: &Action, objects: &Objects) -> Option<String> {
        if action.key != KeyNeed::Decrypt || !self.filter.is_direct() {
            return None;
        }
        let key = self.filter.common.key(objects.class.key.as_ref()?)?;
        let open = asker.outline.on(key).has(DECRYPT) != Some(false);
        (!open).then(|| obstacle(asker.subject, DECRYPT))
    }

    /// Whether an action is closed on whatever resource of its kind.
    fn is_closed_everywhere(&self, outline: &Outline, action: &Action, objects: &Objects) -> bool {
        let open = match action.target {
            Target::Object | Target::Bucket if !self.filter.is_direct() => return false,
            Target::Object | Target::Bucket => outline.anywhere,
            Target::Key => {
                let key = objects.class.key.as_ref().and_then(|key| self.filter.common.key(key));
                key.map_or(Actions::ALL, |key| outline.on(key))
            }
        };
        open.has(action.name) == Some(false)
    }

    /// Every set of requests that comes to the action: directly, by an access control list, through an access point.
    fn ways(&self, asker: &Asker<'_>, action: &Action, objects: &Objects, resource: &str) -> Vec<Vec<Rc<Ask>>> {
        let (estate, subject) = (self.estate, asker.subject);
        if action.target == Target::Key {
            let key = estate.keys.get(resource);
            return key
                .map(|key| vec![vec![Rc::new(estate.to_key(subject, action.name, key, Keys::default()))]])
                .unwrap_or_default();
        }
        let guard = estate.guard();
        let mut doors = vec![vec![Rc::new(estate.to_bucket(subject, action.name, resource, guard, worlds::direct()))]];
        if !subject.in_account && subject.credential != Credential::Service {
            doors.extend(acl::listed(estate, subject, action, resource).map(|one| vec![Rc::new(one)]));
        }
        if subject.kind != PrincipalKind::Anonymous && self.filter.speaks_of_access_points() {
            for door in &estate.doors {
                let ways = self.through(subject, action, resource, door).into_iter();
                doors.extend(ways.map(|asks| asks.into_iter().map(Rc::new).collect()));
            }
        }
        let keyed: Keyed = match (action.key, &objects.class.key) {
            (KeyNeed::Decrypt, Some(key)) => {
                let mut known = asker.keyed.borrow_mut();
                let asks = known.entry((key.clone(), resource.to_owned()));
                asks.or_insert_with(|| self.decrypting(subject, key, resource)).clone()
            }
            _ => vec![None],
        };
        let mut ways = Vec::new();
        for door in doors {
            for key in &keyed {
                ways.push(door.iter().chain(key).map(Rc::clone).collect());
            }
        }
        ways
    }

    /// What an access point of an account may let in that nobody listed: its policy may say anything, so the bucket's decides.
    pub fn behind_unlisted(&self, subjects: &[Arc<Subject>], account: &str) -> Vec<Found> {
        let mut all = Vec::new();
        let general = |one: &&Arc<Subject>| {
            one.kind == PrincipalKind::AnyAws || one.kind == PrincipalKind::Account && one.name.contains(account)
        };
        for subject in subjects.iter().filter(general) {
            let worlds = self.estate.worlds(subject);
            for question in [Question::Read, Question::Write, Question::List] {
                for (class, objects) in self.classes.iter().enumerate() {
                    for action in actions(question) {
                        if !concerns(action, objects) {
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
        let guard = self.estate.guard();
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
            let one = Rc::new(self.estate.to_bucket(subject, action.name, resource, guard, own));
            let keys = match (action.key, &objects.class.key) {
                (KeyNeed::Decrypt, Some(key)) => self.decrypting(subject, key, resource),
                _ => vec![None],
            };
            for key in keys {
                let asks: Vec<Rc<Ask>> = std::iter::once(Rc::clone(&one)).chain(key).collect();
                let outcome = ask(worlds, &asks);
                if outcome.verdict > best.verdict {
                    best = outcome;
                }
            }
        }
        best
    }

    /// S3 asks KMS with the object or, with bucket keys, the bucket as context; objects of both forms may lie there (K4).
    fn decrypting(&self, subject: &Subject, key: &str, object: &str) -> Keyed {
        let Some(key) = self.estate.keys.get(key) else { return vec![None] };
        let region = &self.estate.desired.aws.region;
        [self.estate.bucket_arn(), object.to_owned()]
            .iter()
            .map(|context| {
                let own = worlds::through_s3(region, context, false);
                Some(Rc::new(self.estate.to_key(subject, DECRYPT, key, own)))
            })
            .collect()
    }

    /// B6: the access point and the bucket both have to allow; an identity policy may name either.
    fn through(&self, subject: &Subject, action: &Action, resource: &str, door: &Door) -> Vec<Vec<Ask>> {
        let estate = self.estate;
        let point = &door.point;
        let bucket = estate.guard();
        let own = || worlds::through_access_point(&point.arn, &point.account, point.vpc.is_some());
        let behind = match resource.split_once('/') {
            Some((_, key)) if action.target == Target::Object => format!("{}/object/{key}", point.arn),
            _ => point.arn.clone(),
        };
        let gate = Guard { policy: door.policy.as_ref().map(|sheet| &***sheet), block: Some(&point.block) };
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
