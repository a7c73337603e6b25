//! Who can become a role that can, in one step or several (A1–A4).

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::iam::principal::{Level, Levels, PrincipalFacts, principal_level};
use crate::iam::symbolic::Keys;
use crate::iam::{Document, Effect, NamedPolicy, Principal};

use super::ask::{Ask, Guard, Outcome, ask};
use super::assessment::{Hop, PrincipalKind, Verdict};
use super::entry;
use super::estate::Estate;
use super::inventory::{Inventory, OwnRole};
use super::mentioned::Mentioned;
use super::outsiders::Home;
use super::subject::{Credential, Identity, Subject, Traits};

/// How somebody takes a role.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    /// Index of the role in the inventory.
    pub role: usize,
    pub by: &'static str,
    pub outcome: Outcome,
}

/// Everybody who can take a role that matters, and how.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub subjects: Vec<Arc<Subject>>,
    /// By subject.
    pub edges: Vec<Vec<Edge>>,
    /// Subject → role of the inventory that it is.
    own: BTreeMap<usize, usize>,
}

/// How roles lead to one of some goals.
#[derive(Debug)]
pub(super) struct Toward<'g> {
    /// By ways whose every step is certain to be possible ordinarily, and by any ways.
    ways: [(Verdict, Ways<'g>); 2],
}

/// Role → how many further roles, and the way to the next of them.
type Ways<'g> = BTreeMap<usize, (usize, Option<&'g Edge>)>;

pub(super) struct Chains<'a> {
    pub estate: &'a Estate<'a>,
    pub inventory: &'a Inventory,
    pub home: &'a Home<'a>,
}

impl Chains<'_> {
    /// The graph behind some roles (indices into the inventory): whoever can take one of them, whoever can take theirs, and
    /// so on. `known` are the subjects that were asked about already.
    pub fn behind(&self, targets: &BTreeSet<usize>, known: &[Arc<Subject>]) -> Graph {
        let mut graph = Graph { subjects: known.to_vec(), ..Graph::default() };
        let mut places: HashMap<(&str, PrincipalKind), usize> = HashMap::with_capacity(known.len());
        for (at, subject) in known.iter().enumerate() {
            places.entry((&subject.name, subject.kind)).or_insert(at);
        }
        for (index, role) in self.inventory.roles.iter().enumerate() {
            let own = self.inventory.subjects.get(role.subject);
            if let Some(at) = own.and_then(|own| places.get(&(own.name.as_str(), own.kind))) {
                graph.own.insert(*at, index);
            }
        }
        // Texts are read once, so an equal policy is the same one.
        let mut entered = BTreeSet::new();
        let mut queue: VecDeque<usize> = targets.iter().copied().collect();
        let mut seen = targets.clone();
        let mut candidates = Candidates::default();
        while let Some(index) = queue.pop_front() {
            let Some(role) = self.inventory.roles.get(index) else { continue };
            if entered.insert(Arc::as_ptr(&role.trust) as usize) {
                self.entrants(&role.trust, &mut graph);
            }
            graph.edges.resize_with(graph.subjects.len(), Vec::new);
            for subject in candidates.of(role, &graph.subjects) {
                for edge in self.edges(&graph, subject, index, role) {
                    if let Some(edges) = graph.edges.get_mut(subject) {
                        edges.push(edge);
                    }
                    if let Some(own) = graph.own.get(&subject).filter(|own| seen.insert(**own)) {
                        queue.push_back(*own);
                    }
                }
            }
        }
        graph.edges.resize_with(graph.subjects.len(), Vec::new);
        graph
    }

    /// Adds whom a trust policy names and nobody has asked about yet.
    fn entrants(&self, trust: &NamedPolicy, graph: &mut Graph) {
        let mut mentioned = Mentioned::default();
        mentioned.document(trust);
        let mut found = self.home.outsiders(&mentioned);
        found.extend(mentioned.identity_providers.iter().map(|provider| identity_provider(provider)));
        for subject in found {
            // What stands for all others has been asked about with what the bucket's own policies name.
            let general =
                matches!(subject.kind, PrincipalKind::AnyAws | PrincipalKind::Anonymous | PrincipalKind::Root);
            let same = |one: &Arc<Subject>| one.name == subject.name && one.principal == subject.principal;
            if !general && !graph.subjects.iter().any(same) {
                graph.subjects.push(Arc::new(subject));
            }
        }
    }

    fn edges(&self, graph: &Graph, index: usize, role_index: usize, role: &OwnRole) -> Vec<Edge> {
        let Some(subject) = graph.subjects.get(index) else { return Vec::new() };
        let mut edges = Vec::new();
        // A2: a role does not take itself to get anywhere.
        if graph.own.get(&index) == Some(&role_index) {
            return edges;
        }
        if named_as(&role.trust, subject).reaches(Level::Account).possible() {
            let (actions, by): (&[&str], _) = match subject.kind {
                PrincipalKind::IdentityProvider => {
                    (&["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"], "identity-provider")
                }
                PrincipalKind::Service => (&["sts:AssumeRole"], "service"),
                _ => (&["sts:AssumeRole"], "assume-role"),
            };
            for action in actions {
                let mut outcome = self.assume(subject, action, role);
                if subject.name == "ec2.amazonaws.com" && !role.instance_profiles.is_empty() {
                    outcome.statements.push(vec![format!("instance profile {}", role.instance_profiles.join(", "))]);
                }
                if outcome.verdict.possible() {
                    edges.push(Edge { role: role_index, by, outcome });
                    break;
                }
            }
        }
        if edges.is_empty() && subject.in_account && subject.kind != PrincipalKind::Root {
            edges.extend(self.pass(subject, role).map(|outcome| Edge { role: role_index, by: "pass-role", outcome }));
        }
        edges
    }

    fn assume(&self, subject: &Subject, action: &str, role: &OwnRole) -> Outcome {
        let guard = Guard { policy: Some(&role.trust), block: None };
        let mut one = self.estate.to_bucket(subject, action, &role.arn, guard, Keys::default());
        one.own.present.insert("sts:RoleSessionName".to_owned());
        ask(&self.estate.worlds(subject), &[one])
    }

    /// iam:PassRole to a service that the role trusts, with an action that makes the service act.
    fn pass(&self, subject: &Subject, role: &OwnRole) -> Option<Outcome> {
        let allowed = |action: &str| subject.identity.may_allow(action);
        if !allowed("iam:PassRole") {
            return None;
        }
        for service in entry::services(&role.trust) {
            let starters = entry::starters(&service);
            let starter = starters.iter().find(|action| allowed(action));
            if starter.is_none() && !starters.is_empty() {
                continue;
            }
            let mut own = Keys::default();
            own.fixed.insert("iam:PassedToService".to_owned(), vec![service.clone()]);
            let one: Ask = self.estate.to_bucket(subject, "iam:PassRole", &role.arn, Guard::default(), own);
            let mut outcome = ask(&self.estate.worlds(subject), &[one]);
            if outcome.verdict.possible() {
                let how = match starter {
                    Some(action) => format!("passes it to {service} with {action}"),
                    None => format!("passes it to {service}"),
                };
                outcome.statements.push(vec![how]);
                return Some(outcome);
            }
        }
        None
    }
}

/// How closely the Allows of a trust policy may name a subject.
pub(super) fn named_as(trust: &NamedPolicy, subject: &Subject) -> Levels {
    let Document::Known(policy) = &trust.document else { return Levels::up_to(Level::Exact) };
    let facts = PrincipalFacts { canonical_user: None, has_boundary: subject.identity.boundary.is_some() };
    let allows = policy.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    allows.fold(Levels::NONE, |levels, statement| {
        levels.union(match &statement.principal {
            Some(element) => principal_level(element, Effect::Allow, &subject.principal, facts),
            None => Levels::up_to(Level::Exact),
        })
    })
}

fn identity_provider(provider: &str) -> Subject {
    Subject {
        name: provider.to_owned(),
        kind: PrincipalKind::IdentityProvider,
        principal: Principal::Federated { provider: provider.to_owned() },
        credential: Credential::Anonymous,
        identity: Identity::default(),
        in_account: false,
        traits: Traits::Open,
        canonical_user: None,
        class: None,
    }
}

/// A way from a subject to a role, first hop first.
pub(super) struct Path {
    pub hops: Vec<Hop>,
    pub verdict: Verdict,
    pub certain: bool,
    /// Indices of the roles on the way.
    pub roles: Vec<usize>,
}

impl Graph {
    /// Whether a subject can take any role.
    pub fn leads_on(&self, subject: usize) -> bool {
        self.edges.get(subject).is_some_and(|edges| !edges.is_empty())
    }

    /// How every role gets to one of some goals.
    pub fn toward(&self, goals: &BTreeMap<usize, Verdict>) -> Toward<'_> {
        let mut incoming: BTreeMap<usize, Vec<(usize, &Edge)>> = BTreeMap::new();
        for (subject, role) in &self.own {
            for edge in self.edges.get(*subject).into_iter().flatten() {
                incoming.entry(edge.role).or_default().push((*role, edge));
            }
        }
        let ways = [Verdict::Can, Verdict::Conditional].map(|least| {
            let ends = goals.iter().filter(|(_, verdict)| **verdict >= least).map(|(role, _)| *role);
            let mut queue: VecDeque<usize> = ends.collect();
            let mut ways: Ways<'_> = queue.iter().map(|role| (*role, (0, None))).collect();
            while let Some(at) = queue.pop_front() {
                let far = ways.get(&at).map_or(0, |(far, _)| *far);
                for (from, edge) in incoming.get(&at).into_iter().flatten() {
                    if edge.outcome.verdict >= least && !ways.contains_key(from) {
                        ways.insert(*from, (far + 1, Some(edge)));
                        queue.push_back(*from);
                    }
                }
            }
            (least, ways)
        });
        Toward { ways }
    }

    /// A way from a subject to one of some roles. From outside of the account one by each role that is taken first: whether
    /// somebody who comes in is expected depends on the door.
    pub fn paths(&self, subject: usize, toward: &Toward<'_>, inventory: &Inventory) -> Vec<Path> {
        if self.subjects.get(subject).is_none_or(|one| one.in_account) {
            return self.path(subject, None, toward, inventory).into_iter().collect();
        }
        let doors: BTreeSet<usize> = self.edges.get(subject).into_iter().flatten().map(|edge| edge.role).collect();
        doors.into_iter().filter_map(|role| self.path(subject, Some(role), toward, inventory)).collect()
    }

    /// The shortest way from a subject to a goal; `door`: the only role that the subject itself may take. Only ways of certain
    /// steps count as `Can`; they come before shorter ones that may not work.
    fn path(&self, subject: usize, door: Option<usize>, toward: &Toward<'_>, inventory: &Inventory) -> Option<Path> {
        let own = self.own.get(&subject);
        toward.ways.iter().find_map(|(least, ways)| {
            let edges = self.edges.get(subject)?.iter().filter(|edge| door.is_none_or(|role| role == edge.role));
            let open = edges.filter(|edge| edge.outcome.verdict >= *least && own != Some(&edge.role));
            let first = open
                .filter(|edge| ways.contains_key(&edge.role))
                .min_by_key(|edge| ways.get(&edge.role).map(|(far, _)| far))?;
            let mut path = Path { hops: Vec::new(), verdict: *least, certain: true, roles: Vec::new() };
            let mut next = Some(first);
            while let Some(edge) = next {
                path.roles.push(edge.role);
                path.certain &= edge.outcome.certain;
                path.hops.push(Hop {
                    role: inventory.roles.get(edge.role)?.arn.clone(),
                    by: edge.by.to_owned(),
                    statements: edge.outcome.statements.iter().flatten().cloned().collect(),
                    conditions: edge.outcome.conditions.clone(),
                });
                next = ways.get(&edge.role).and_then(|(_, next)| *next);
            }
            Some(path)
        })
    }
}

/// Subjects that may be able to take a role, found without looking at every pair of the two: most roles share their trust
/// policy with others, and most principals may not take any.
#[derive(Default)]
struct Candidates {
    /// How many subjects were looked at.
    known: usize,
    /// Subjects with an Allow of `iam:PassRole`, and with one of `sts:AssumeRole`.
    may_pass: BTreeSet<usize>,
    may_assume: BTreeSet<usize>,
    /// Trust policy → how many subjects were looked at, and those who come into question.
    by_trust: HashMap<usize, (usize, BTreeSet<usize>)>,
}

impl Candidates {
    fn of(&mut self, role: &OwnRole, subjects: &[Arc<Subject>]) -> BTreeSet<usize> {
        for (index, subject) in subjects.iter().enumerate().skip(self.known) {
            if subject.identity.may_allow("iam:PassRole") {
                self.may_pass.insert(index);
            }
            if subject.identity.may_allow("sts:AssumeRole") {
                self.may_assume.insert(index);
            }
        }
        self.known = subjects.len();
        // Texts are read once, so an equal policy is the same one.
        let (known, named) = self.by_trust.entry(Arc::as_ptr(&role.trust) as usize).or_default();
        for (index, subject) in subjects.iter().enumerate().skip(*known) {
            let levels = named_as(&role.trust, subject);
            // A1: whom the trust only delegates to needs an Allow of its own.
            let needs_own = subject.in_account && !levels.reaches(Level::Role).possible();
            if levels.reaches(Level::Account).possible() && (!needs_own || self.may_assume.contains(&index)) {
                named.insert(index);
            }
        }
        *known = subjects.len();
        if entry::services(&role.trust).is_empty() {
            return named.clone();
        }
        named.union(&self.may_pass).copied().collect()
    }
}
