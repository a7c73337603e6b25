//! Who can become a role that can, in one step or several (A1–A4).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::iam::principal::{Level, PrincipalFacts, principal_level};
use crate::iam::symbolic::Keys;
use crate::iam::{Document, Effect, NamedPolicy, Principal};

use super::ask::{Ask, Guard, Outcome, Worlds, ask};
use super::assessment::{Hop, PrincipalKind, Verdict};
use super::entry;
use super::estate::Estate;
use super::inventory::{Inventory, OwnRole, may_allow};
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
    pub subjects: Vec<Subject>,
    /// By subject.
    pub edges: Vec<Vec<Edge>>,
    /// Subject → role of the inventory that it is.
    own: BTreeMap<usize, usize>,
}

pub(super) struct Chains<'a> {
    pub estate: &'a Estate<'a>,
    pub inventory: &'a Inventory,
    pub home: &'a Home<'a>,
}

impl Chains<'_> {
    /// The graph behind some roles (indices into the inventory): whoever can take one of them, whoever can take theirs, and
    /// so on. `known` are the subjects that were asked about already.
    pub fn behind(&self, targets: &BTreeSet<usize>, known: &[Subject]) -> Graph {
        let mut graph = Graph { subjects: known.to_vec(), ..Graph::default() };
        for (index, role) in self.inventory.roles.iter().enumerate() {
            if let Some(at) = self.inventory.subjects.get(role.subject).and_then(|own| position(known, own)) {
                graph.own.insert(at, index);
            }
        }
        let mut queue: VecDeque<usize> = targets.iter().copied().collect();
        let mut seen = targets.clone();
        while let Some(index) = queue.pop_front() {
            let Some(role) = self.inventory.roles.get(index) else { continue };
            self.entrants(&role.trust, &mut graph);
            for subject in 0..graph.subjects.len() {
                for edge in self.edges(&graph, subject, index, role) {
                    if graph.edges.len() < graph.subjects.len() {
                        graph.edges.resize_with(graph.subjects.len(), Vec::new);
                    }
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
            let same = |one: &Subject| one.name == subject.name && one.principal == subject.principal;
            if !general && !graph.subjects.iter().any(same) {
                graph.subjects.push(subject);
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
        if is_named(&role.trust, subject) {
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
        ask(&Worlds::of(subject, self.estate), &[one])
    }

    /// iam:PassRole to a service that the role trusts, with an action that makes the service act.
    fn pass(&self, subject: &Subject, role: &OwnRole) -> Option<Outcome> {
        let allowed = |action: &str| subject.identity.policies.iter().any(|policy| may_allow(policy, action));
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
            let mut outcome = ask(&Worlds::of(subject, self.estate), &[one]);
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

fn position(subjects: &[Subject], own: &Subject) -> Option<usize> {
    subjects.iter().position(|one| one.name == own.name && one.kind == own.kind)
}

/// Whether an Allow of a trust policy may name a subject at all.
fn is_named(trust: &NamedPolicy, subject: &Subject) -> bool {
    let Document::Known(policy) = &trust.document else { return true };
    let facts = PrincipalFacts { canonical_user: None, has_boundary: subject.identity.boundary.is_some() };
    policy.statements.iter().filter(|statement| statement.effect == Effect::Allow).any(|statement| {
        statement.principal.as_ref().is_none_or(|element| {
            principal_level(element, Effect::Allow, &subject.principal, facts).reaches(Level::Account).possible()
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
    /// The shortest way from a subject to one of some roles. Only ways of certain steps count as `Can`; they are tried first.
    fn path(
        &self,
        subject: usize,
        first: Option<usize>,
        goals: &BTreeMap<usize, Verdict>,
        inventory: &Inventory,
    ) -> Option<Path> {
        self.search(subject, first, goals, inventory, Verdict::Can)
            .or_else(|| self.search(subject, first, goals, inventory, Verdict::Conditional))
    }

    /// A way from a subject to one of some roles. From outside of the account one by each role that is taken first: whether
    /// somebody who comes in is expected depends on the door.
    pub fn paths(&self, subject: usize, goals: &BTreeMap<usize, Verdict>, inventory: &Inventory) -> Vec<Path> {
        if self.subjects.get(subject).is_none_or(|one| one.in_account) {
            return self.path(subject, None, goals, inventory).into_iter().collect();
        }
        let doors: BTreeSet<usize> = self.edges.get(subject).into_iter().flatten().map(|edge| edge.role).collect();
        doors.into_iter().filter_map(|role| self.path(subject, Some(role), goals, inventory)).collect()
    }

    /// `first`: the only role that the subject itself may take.
    fn search(
        &self,
        subject: usize,
        first: Option<usize>,
        goals: &BTreeMap<usize, Verdict>,
        inventory: &Inventory,
        least: Verdict,
    ) -> Option<Path> {
        let own: BTreeMap<usize, usize> = self.own.iter().map(|(subject, role)| (*role, *subject)).collect();
        // Role → (the subject that took it, the edge).
        let mut came: BTreeMap<usize, (usize, &Edge)> = BTreeMap::new();
        let mut queue = VecDeque::from([subject]);
        let mut goal = None;
        'search: while let Some(at) = queue.pop_front() {
            let open = |edge: &&Edge| {
                edge.outcome.verdict >= least && (at != subject || first.is_none_or(|role| role == edge.role))
            };
            for edge in self.edges.get(at).into_iter().flatten().filter(open) {
                if came.contains_key(&edge.role) || self.own.get(&subject) == Some(&edge.role) {
                    continue;
                }
                came.insert(edge.role, (at, edge));
                if goals.get(&edge.role).is_some_and(|verdict| *verdict >= least) {
                    goal = Some(edge.role);
                    break 'search;
                }
                queue.extend(own.get(&edge.role));
            }
        }
        let mut at = goal?;
        let (mut hops, mut roles, mut certain) = (Vec::new(), Vec::new(), true);
        while let Some((from, edge)) = came.get(&at) {
            roles.push(at);
            certain &= edge.outcome.certain;
            hops.push(Hop {
                role: inventory.roles.get(at)?.arn.clone(),
                by: edge.by.to_owned(),
                statements: edge.outcome.statements.iter().flatten().cloned().collect(),
                conditions: edge.outcome.conditions.clone(),
            });
            match self.own.get(from) {
                Some(role) if *from != subject => at = *role,
                _ => break,
            }
        }
        hops.reverse();
        roles.reverse();
        Some(Path { hops, verdict: least, certain, roles })
    }
}
