//! One case: an estate of its own, and the library run against it in process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use auditseal::apply::Event;
use auditseal::manifest;
use auditseal::model::{Desired, Place};
use auditseal::plan::guard::Purpose;
use auditseal::plan::{Plan, Verdict};
use auditseal::provider::aws::{AwsClient, AwsOptions, Http, Timeouts};
use auditseal::provider::databricks::{DatabricksClient, DatabricksOptions};
use auditseal::provider::router::{Connection, Router};
use auditseal::run::apply::{Applied, ApplyError, ApplyOptions, apply};
use auditseal::run::clock::SystemClock;
use auditseal::run::plan::{PlanOptions, plan};
use auditseal::run::store::Store;
use aws_credential_types::Credentials;

use crate::sandbox::databricks::Options as SimOptions;
use crate::sandbox::emulator::Emulator;
use crate::sandbox::estate::{REGION, SPEED, Sandbox};

/// A case with its estate, its manifest and its folder.
pub struct Case {
    pub sandbox: Sandbox,
    pub desired: Vec<Desired>,
    pub folder: tempfile::TempDir,
}

async fn emulator() -> Arc<Emulator> {
    tokio::task::spawn_blocking(Emulator::shared).await.expect("join").expect("the emulator starts")
}

impl Case {
    /// The vendor's documented example, with the smallest manifest.
    pub async fn insecure() -> Self {
        let sandbox = Sandbox::insecure(emulator().await).await.expect("seed");
        let text = sandbox.manifest();
        Self::of(sandbox, &text)
    }

    /// Nothing but people.
    pub async fn empty() -> Self {
        let sandbox = Sandbox::empty(emulator().await).await.expect("seed");
        let text = sandbox.manifest();
        Self::of(sandbox, &text)
    }

    fn of(sandbox: Sandbox, manifest: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let mut case = Self { sandbox, desired: Vec::new(), folder };
        case.declare(manifest);
        case
    }

    /// Replaces the manifest.
    pub fn declare(&mut self, text: &str) {
        self.desired = vec![manifest::parse("acme", "acme.toml", text).expect("the manifest is valid")];
    }

    /// Clients with a session of a role of the account.
    pub async fn router_as(&self, role: &str) -> Router {
        let session = self.sandbox.aws.session(role, true).await.expect("session");
        self.router_with(&session, SimOptions::ADMIN, timeouts()).await
    }

    /// Clients as a declared admin.
    pub async fn router(&self) -> Router {
        self.router_as("PlatformAdmin").await
    }

    pub async fn router_with(&self, session: &Credentials, client: (&str, &str), timeouts: Timeouts) -> Router {
        self.connect(&[REGION], session, client, timeouts).await
    }

    /// Clients as a declared admin, for a place named by another account id too: the credentials say whose it is.
    pub async fn router_for(&self, account: &str) -> Router {
        let session = self.sandbox.aws.session("PlatformAdmin", true).await.expect("session");
        self.connect_to(account, &[REGION], &session, SimOptions::ADMIN, timeouts()).await
    }

    /// Clients as a declared admin, of the estate's region and another one.
    pub async fn router_of_two_regions(&self, other: &str) -> Router {
        let session = self.sandbox.aws.session("PlatformAdmin", true).await.expect("session");
        self.connect(&[REGION, other], &session, SimOptions::ADMIN, timeouts()).await
    }

    async fn connect(
        &self,
        regions: &[&str],
        session: &Credentials,
        client: (&str, &str),
        timeouts: Timeouts,
    ) -> Router {
        self.connect_to(&self.sandbox.aws.account, regions, session, client, timeouts).await
    }

    async fn connect_to(
        &self,
        account: &str,
        regions: &[&str],
        session: &Credentials,
        client: (&str, &str),
        timeouts: Timeouts,
    ) -> Router {
        let account = account.to_owned();
        let http = Http::new(&timeouts).expect("http");
        let mut connections = Vec::new();
        for region in regions {
            let options = AwsOptions {
                account: Some(account.clone()),
                region: (*region).to_owned(),
                endpoint: Some(self.sandbox.proxy.url()),
                credentials: Some(session.clone()),
                timeouts,
                ..AwsOptions::default()
            };
            let client = AwsClient::connect(options, &http).await.expect("aws client");
            connections.push(Connection::Aws { account: account.clone(), region: (*region).to_owned(), client });
        }
        let mut options = DatabricksOptions::new(
            self.sandbox.aws.databricks_account.clone(),
            auditseal::model::place::Partition::Aws,
        );
        options.endpoint = Some(self.sandbox.databricks.url().to_owned());
        options.request_timeout = timeouts.attempt;
        options.retry_budget = Duration::from_secs(2);
        let (id, secret) = (client.0.to_owned(), client.1.to_owned());
        options.env = Arc::new(move |name| match name {
            "DATABRICKS_CLIENT_ID" => Some(id.clone()),
            "DATABRICKS_CLIENT_SECRET" => Some(secret.clone()),
            _ => None,
        });
        let client = DatabricksClient::connect(options).await.expect("databricks client");
        connections.push(Connection::Databricks { client });
        Router::new(connections)
    }

    pub fn aws_place(&self) -> Place {
        Place::Aws { account: self.sandbox.aws.account.clone(), region: REGION.to_owned() }
    }

    pub async fn plan(&self, router: &Router) -> Plan {
        plan(router, &self.desired, &PlanOptions::default(), Purpose::Apply).await
    }

    pub async fn plan_allowing(&self, router: &Router, codes: &[&str]) -> Plan {
        let allow: BTreeSet<String> = codes.iter().map(|code| (*code).to_owned()).collect();
        plan(router, &self.desired, &PlanOptions { allow, ..PlanOptions::default() }, Purpose::Apply).await
    }

    /// A plan that proves what it does to access, as the program makes it. Hundreds of cases of other things go without.
    pub async fn plan_proved(&self, router: &Router) -> Plan {
        let options = PlanOptions { access: true, ..PlanOptions::default() };
        plan(router, &self.desired, &options, Purpose::Apply).await
    }

    /// Applies a plan and gives what happened.
    pub async fn apply(&self, router: &Router, plan: &Plan) -> Result<Applied, ApplyError> {
        self.apply_watched(router, plan, &AtomicBool::new(false), &mut |_| {}).await
    }

    pub async fn apply_watched(
        &self,
        router: &Router,
        plan: &Plan,
        stop: &AtomicBool,
        on_event: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Applied, ApplyError> {
        let run = uuid::Uuid::new_v4().to_string();
        let options = ApplyOptions {
            store: &Store::local(self.folder.path()),
            run: &run,
            owner: "a test",
            // A killed run's lock ends with its lease; tests do not wait for that.
            lock_timeout: Duration::ZERO,
            stop,
        };
        apply(router, &clock(), plan, &options, on_event).await
    }

    /// Plans, applies, and insists that the result is in sync.
    pub async fn converge(&self, router: &Router) -> Applied {
        let plan = self.plan(router).await;
        assert_not_refused(&plan);
        let applied = self.apply(router, &plan).await.expect("apply runs");
        assert_in_sync(&applied);
        applied
    }
}

/// Waits are divided, so that an hour is a few seconds.
pub fn clock() -> SystemClock {
    SystemClock::compressed(SPEED)
}

/// Short enough for tests of timeouts.
pub fn timeouts() -> Timeouts {
    Timeouts { connect: Duration::from_secs(2), attempt: Duration::from_secs(10), operation: Duration::from_secs(20) }
}

pub fn assert_not_refused(plan: &Plan) {
    let refused: Vec<String> = plan
        .guards
        .iter()
        .filter(|guard| guard.verdict == Verdict::Refuse)
        .map(|guard| format!("{}: {}", guard.code, guard.message))
        .collect();
    assert!(refused.is_empty(), "refused: {}", refused.join("\n"));
    assert!(plan.complete, "gaps: {:?}", plan.gaps);
}

pub fn assert_in_sync(applied: &Applied) {
    let failed: Vec<String> = applied
        .outcome
        .steps
        .iter()
        .filter(|step| {
            !matches!(step.state, auditseal::apply::StepState::Done | auditseal::apply::StepState::AlreadyThere)
        })
        .map(|step| format!("{} {}: {:?}", step.address, step.title, step.state))
        .collect();
    assert!(failed.is_empty(), "steps: {}", failed.join("\n"));
    assert_eq!(applied.unconfirmed, [""; 0], "deliveries that were not seen");
    let verification = applied.verification.as_ref().expect("a verification");
    assert!(verification.complete, "gaps after apply: {:?}", verification.gaps);
    assert_eq!(changes(verification), [""; 0], "changes after apply");
}

/// Addresses that a plan changes.
pub fn changes(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(|change| change.address.to_string()).collect()
}
