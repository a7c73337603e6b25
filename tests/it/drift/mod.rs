//! Drift: in a converged estate one field is changed behind the tool's back; the next plan names that field and nothing
//! else, `apply` repairs it, and the plan after that is empty. What is foreign and harmless is kept and told.
//!
//! One estate serves many changes, one after the other. What goes wrong is collected, so that one run shows all of it.

mod access_log;
mod bucket;
mod catalog;
mod delivery;
mod key;
mod locked;
mod policy;
mod replica;
mod role;
mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use auditseal::apply::StepState;
use auditseal::plan::{Plan, Verdict};
use auditseal::provider::router::Router;
use serde_json::Value;

use crate::harness::{Case, assert_in_sync, assert_not_refused, changes};
use crate::sandbox::aws_seed::World;

/// Addresses that a plan changes, with the paths of their fields.
type Named = BTreeMap<String, BTreeSet<String>>;

/// A converged estate, and what went wrong in it so far.
pub struct Estate {
    pub case: Case,
    pub router: Router,
    /// What an earlier repair left behind, so that it is reported once.
    left: Mutex<BTreeSet<String>>,
    trouble: Mutex<Vec<String>>,
    /// Clients of another region than the audit bucket's.
    elsewhere: Option<World>,
}

impl Estate {
    /// Applies the declaration of a case, and insists on an empty second plan.
    pub async fn of(case: Case) -> Self {
        let router = case.router().await;
        Self::reached(case, router, &[]).await
    }

    /// As [`Estate::of`], by other clients, with codes that the user allows the first time.
    pub async fn reached(case: Case, router: Router, allow: &[&'static str]) -> Self {
        let plan = case.plan_allowing(&router, allow).await;
        assert_not_refused(&plan);
        let applied = case.apply(&router, &plan).await.expect("apply runs");
        assert_in_sync(&applied);
        let second = case.plan(&router).await;
        assert!(second.complete, "gaps: {:?}", second.gaps);
        assert_eq!(changes(&second), [""; 0], "the second plan");
        assert!(second.steps.is_empty(), "steps without changes");
        Self { case, router, left: Mutex::default(), trouble: Mutex::default(), elsewhere: None }
    }

    pub fn bucket(&self) -> &str {
        &self.case.sandbox.aws.bucket
    }

    /// The access-log bucket.
    pub fn log_bucket(&self) -> &str {
        &self.case.desired[0].bucket.access_log.bucket
    }

    pub fn role(&self) -> String {
        self.case.desired[0].role.arn.role().expect("a role").1
    }

    /// S3 as the root user, whom the emulator lets pass every policy.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        self.world().s3(&self.root())
    }

    pub fn kms(&self) -> aws_sdk_kms::Client {
        self.world().kms(&self.root())
    }

    pub fn iam(&self) -> aws_sdk_iam::Client {
        self.world().iam(&self.root())
    }

    pub fn world(&self) -> &World {
        self.elsewhere.as_ref().unwrap_or(&self.case.sandbox.aws.world)
    }

    /// From here on the clients are those of a region.
    pub fn moved_to(self, region: &str) -> Self {
        let world = World::new(self.case.sandbox.proxy.quiet_url(), region);
        Self { elsewhere: Some(world), ..self }
    }

    pub fn root(&self) -> aws_credential_types::Credentials {
        self.case.sandbox.aws.root()
    }

    /// ARN of the key of the audit bucket.
    pub async fn key(&self) -> String {
        let alias = self.case.desired[0].key.alias.clone();
        let found = self.kms().describe_key().key_id(alias).send().await.expect("DescribeKey");
        found.key_metadata.and_then(|key| key.arn).expect("an ARN")
    }

    /// A change that the next plan has to name, alone, and that `apply` has to repair.
    pub async fn drift(&self, what: &str, act: impl Future<Output = ()>, expected: &[(&str, &[&str])]) {
        let plan = self.found(what, act, expected).await;
        self.repair(what, &plan).await;
    }

    /// A change that the next plan has to name, alone; the next one follows upon it and is repaired with it. For several
    /// changes of what one request writes.
    pub async fn found(&self, what: &str, act: impl Future<Output = ()>, expected: &[(&str, &[&str])]) -> Plan {
        act.await;
        let expected: Named = expected
            .iter()
            .map(|(address, paths)| ((*address).to_owned(), paths.iter().map(|path| (*path).to_owned()).collect()))
            .collect();
        let plan = self.case.plan(&self.router).await;
        let named = self.named(&plan);
        if named != expected {
            self.wrong(what, format!("named {named:#?}, expected {expected:#?}"));
        }
        self.look(what, &plan);
        plan
    }

    /// A change that is nobody's drift: kept, and told with this code.
    pub async fn kept(&self, what: &str, act: impl Future<Output = ()>, code: &str, address: &str) {
        act.await;
        let plan = self.case.plan(&self.router).await;
        let named = self.named(&plan);
        if !named.is_empty() {
            self.wrong(what, format!("is no drift, and named {named:#?}"));
        }
        self.look(what, &plan);
        self.told(what, &plan, code, address);
    }

    /// A change that is nobody's business and not even told.
    pub async fn ignored(&self, what: &str, act: impl Future<Output = ()>) {
        act.await;
        let plan = self.case.plan(&self.router).await;
        let named = self.named(&plan);
        if !named.is_empty() {
            self.wrong(what, format!("is no drift, and named {named:#?}"));
        }
        self.look(what, &plan);
    }

    /// A state that may not be planned over: refused with this code.
    pub async fn refused(&self, what: &str, act: impl Future<Output = ()>, code: &str) {
        act.await;
        let plan = self.case.plan(&self.router).await;
        let codes: Vec<&str> =
            plan.guards.iter().filter(|one| one.verdict == Verdict::Refuse).map(|one| one.code.as_str()).collect();
        if codes != [code] {
            self.wrong(what, format!("refused with {codes:?}, expected {code}"));
        }
    }

    /// That a plan has a finding.
    pub fn told(&self, what: &str, plan: &Plan, code: &str, address: &str) {
        let there = plan.findings.iter().any(|one| one.code == code && one.subject == address);
        if !there {
            let all: Vec<String> = plan.findings.iter().map(|one| format!("{} {}", one.code, one.subject)).collect();
            self.wrong(what, format!("no finding {code} at {address}; there are {all:?}"));
        }
    }

    /// What a plan changes, without what an earlier repair left.
    pub fn named(&self, plan: &Plan) -> Named {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let fields = |change: &auditseal::plan::Change| {
            let paths = change.fields.iter().map(|field| field.path.clone());
            (change.address.to_string(), paths.collect())
        };
        plan.changes.iter().map(fields).filter(|(address, _)| !left.contains(address)).collect()
    }

    /// What holds for every plan of drift: complete, not refused, and a reason for everything.
    fn look(&self, what: &str, plan: &Plan) {
        if !plan.complete {
            self.wrong(what, format!("gaps {:?}", plan.gaps));
        }
        for guard in plan.guards.iter().filter(|guard| guard.verdict == Verdict::Refuse) {
            self.wrong(what, format!("refused: {}: {}", guard.code, guard.message));
        }
        for change in &plan.changes {
            if change.reason.is_empty() || change.fields.is_empty() {
                self.wrong(what, format!("{} has no reason or no fields", change.address));
            }
            let bare = |reason: &str| reason.is_empty() || reason == "not as declared";
            for field in change.fields.iter().filter(|field| bare(&field.reason) || field.before == field.after) {
                self.wrong(what, format!("{} {}: {field:?}", change.address, field.path));
            }
        }
    }

    /// Applies a plan; the verification is the empty second plan.
    async fn repair(&self, what: &str, plan: &Plan) {
        let applied = match self.case.apply(&self.router, plan).await {
            Ok(applied) => applied,
            Err(error) => return self.wrong(what, format!("apply: {error}")),
        };
        for step in &applied.outcome.steps {
            if !matches!(step.state, StepState::Done | StepState::AlreadyThere) {
                self.wrong(what, format!("step {} `{}`: {:?}", step.address, step.title, step.state));
            }
        }
        let Some(verification) = applied.verification else {
            return self.wrong(what, "no verification".to_owned());
        };
        if !verification.complete {
            self.wrong(what, format!("gaps after the repair: {:?}", verification.gaps));
        }
        let after = self.named(&verification);
        if !after.is_empty() {
            self.wrong(what, format!("after the repair: {after:#?}"));
        }
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = changes(&verification).into_iter().collect();
    }

    /// Something that has to be there after the repairs so far.
    pub fn holds(&self, is: bool, what: &str) {
        if !is {
            self.wrong(what, "does not hold".to_owned());
        }
    }

    fn wrong(&self, what: &str, message: String) {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{what}: {message}"));
    }

    /// Fails with everything that went wrong.
    pub fn done(self) {
        let trouble = self.trouble.into_inner().unwrap_or_else(PoisonError::into_inner);
        assert!(trouble.is_empty(), "{} troubles:\n{}", trouble.len(), trouble.join("\n"));
    }
}

/// The statements of a policy, to be changed and written back.
#[derive(Clone)]
pub struct Document(Value);

impl Document {
    pub fn of(text: &str) -> Self {
        Self(serde_json::from_str(text).expect("a policy"))
    }

    pub fn sids(&self) -> Vec<String> {
        self.0["Statement"].as_array().expect("statements").iter().map(|one| sid(one).to_owned()).collect()
    }

    pub fn without(mut self, name: &str) -> Self {
        self.statements().retain(|one| sid(one) != name);
        self
    }

    pub fn with(mut self, statement: Value) -> Self {
        self.statements().push(statement);
        self
    }

    /// The statement of this Sid as `change` leaves it.
    pub fn changed(mut self, name: &str, change: impl FnOnce(&mut Value)) -> Self {
        let found = self.statements().iter_mut().find(|one| sid(one) == name).expect("a statement of that Sid");
        change(found);
        self
    }

    fn statements(&mut self) -> &mut Vec<Value> {
        self.0["Statement"].as_array_mut().expect("statements")
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn sid(statement: &Value) -> &str {
    statement["Sid"].as_str().unwrap_or_default()
}
