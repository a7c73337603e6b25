//! A rollback that dies, or meets a fault, at any request: no log is lost, nobody reads who did not before, and the same
//! command again ends at the before-images.

use std::collections::BTreeMap;

use auditseal::model::{Fact, Observed};
use auditseal::plan::Plan;
use auditseal::provider::router::Router;
use auditseal::run::lock::unlock;
use auditseal::run::plan::is_refused;

use super::{INSECURE, done, names_of_enabled, rollback, settings};
use crate::harness::{Case, assert_not_refused, changes};
use crate::kill::unannounced;
use crate::sandbox::faults::{Failure, Moment};
use crate::struck::{
    Estate, all, chosen, delivers, dies, each_death, each_fault, exposed_to, is_done, lock_of, meets, run,
};

/// What has to be allowed so that a whole run is put back.
fn allowed(estate: Estate) -> &'static [&'static str] {
    match estate {
        Estate::Insecure => &INSECURE,
        // The only delivery that there is was made by the run.
        Estate::Empty => &["delivery-would-end"],
    }
}

/// What a rollback has to bring back.
#[derive(PartialEq, Debug)]
struct Image {
    /// Settings of the bucket; none where it is the run that made it: what was made stays, and stays closed.
    settings: BTreeMap<String, Observed<Fact>>,
    enabled: Vec<String>,
    keys: usize,
}

/// An estate in which a whole run was applied, and the way back of it.
struct Applied {
    estate: Estate,
    case: Case,
    before: Image,
    /// Who of the undeclared read before the run, and reads again after its rollback.
    exposed: Vec<&'static str>,
}

async fn keys(case: &Case) -> usize {
    let kms = case.sandbox.aws.world.kms(&case.sandbox.aws.root());
    kms.list_keys().send().await.expect("keys").keys.unwrap_or_default().len()
}

impl Applied {
    async fn new(estate: Estate) -> Self {
        let case = estate.case().await;
        let router = case.router().await;
        let (enabled, exposed) = (names_of_enabled(&case), exposed_to(&case).await);
        let settings_before = match estate {
            Estate::Insecure => Some(settings(&case, &router).await),
            Estate::Empty => None,
        };
        let plan = case.plan(&router).await;
        assert_not_refused(&plan);
        done(&run(&case, &router, &plan, "first").await.expect("apply"));
        assert_eq!(exposed_to(&case).await, [""; 0], "what was applied is closed");
        let settings = match settings_before {
            Some(before) => before,
            None => settings(&case, &router).await,
        };
        let before = Image { settings, enabled, keys: keys(&case).await };
        Self { estate, case, before, exposed }
    }

    async fn back(&self, router: &Router) -> Plan {
        let plan = rollback(&self.case, router, "first", allowed(self.estate)).await;
        assert_not_refused(&plan);
        plan
    }

    /// What is wrong while the rollback is where the fault left it.
    async fn wrong_now(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if matches!(self.estate, Estate::Insecure) && !delivers(&self.case).await {
            let all = self.case.sandbox.databricks.log_deliveries();
            wrong.push(format!("the delivery that worked is lost: {all:#?}"));
        }
        for reader in exposed_to(&self.case).await {
            if !self.exposed.contains(&reader) {
                wrong.push(format!("exposed to {reader}"));
            }
        }
        wrong
    }

    /// The same command again, without faults, and what is wrong after it.
    async fn again(&self) -> Vec<String> {
        let case = &self.case;
        let router = case.router().await;
        let (place, name) = lock_of(case);
        unlock(&router, &place, &name, "back").await.expect("the lock is the struck run's or nobody's");
        let plan = rollback(case, &router, "first", allowed(self.estate)).await;
        if is_refused(&plan) {
            return vec![format!("the second rollback is refused: {:?} {:?}", plan.guards, plan.gaps)];
        }
        let mut wrong = Vec::new();
        match run(case, &router, &plan, "again").await {
            Err(error) => wrong.push(format!("the second rollback fails: {error}")),
            Ok(applied) => {
                let left = applied.verification.as_ref().map(changes);
                if left.as_ref().is_none_or(|left| !left.is_empty()) || !applied.unconfirmed.is_empty() {
                    let undone: Vec<_> = applied.outcome.steps.iter().filter(|one| !is_done(&one.state)).collect();
                    wrong.push(format!("it leaves {left:?}, {:?}: {undone:?}", applied.unconfirmed));
                }
            }
        }
        let (settings, enabled) = (settings(case, &router).await, names_of_enabled(case));
        let after = Image { settings, enabled, keys: keys(case).await };
        if after != self.before {
            wrong.push(format!("it ends at {after:#?}, before the run there was {:#?}", self.before));
        }
        wrong.extend(self.wrong_now().await);
        let exposed = exposed_to(case).await;
        if exposed != self.exposed {
            wrong.push(format!("{exposed:?} read, and before the run did {:?}", self.exposed));
        }
        let once_more = rollback(case, &router, "first", allowed(self.estate)).await;
        if !once_more.steps.is_empty() {
            wrong.push(format!("a third rollback changes {:?}", changes(&once_more)));
        }
        wrong
    }
}

/// The requests of an undisturbed rollback with whether they write.
async fn undisturbed(estate: Estate) -> Vec<(u64, bool)> {
    let applied = Applied::new(estate).await;
    let router = applied.case.router().await;
    let plan = applied.back(&router).await;
    applied.case.sandbox.faults.reset();
    done(&run(&applied.case, &router, &plan, "back").await.expect("rollback"));
    applied.case.sandbox.faults.recorded().iter().map(|one| (one.ordinal, one.is_write)).collect()
}

/// `None` when the rollback ended before that request.
async fn killed(estate: Estate, point: (u64, Moment)) -> Option<Vec<String>> {
    let applied = Applied::new(estate).await;
    let router = applied.case.router().await;
    let plan = applied.back(&router).await;
    if !dies(&applied.case, router, &plan, "back", point).await {
        return None;
    }
    let mut wrong = unannounced(&applied.case, "back");
    wrong.extend(applied.wrong_now().await);
    wrong.extend(applied.again().await);
    Some(wrong)
}

async fn kill_matrix(estate: Estate, first: usize, step: usize) {
    let requests = undisturbed(estate).await;
    assert!(requests.len() > 10, "a rollback of {} requests", requests.len());
    // A read has no effect that a later death could leave behind.
    let points = chosen(&requests, first, step).into_iter().flat_map(|(n, is_write)| {
        [(n, Moment::After), (n, Moment::Before)].into_iter().take(if is_write && all() { 2 } else { 1 })
    });
    each_death(&format!("rollback-{estate:?}"), points.collect(), |point| killed(estate, point)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_killed_at_any_request_is_made_again() {
    kill_matrix(Estate::Insecure, 4, 9).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_that_ends_a_delivery_killed_at_any_request_is_made_again() {
    kill_matrix(Estate::Empty, 2, 9).await;
}

async fn faulted(n: u64, class: (Moment, Failure)) -> Vec<String> {
    let applied = Applied::new(Estate::Insecure).await;
    let router = applied.case.router().await;
    let plan = applied.back(&router).await;
    let mut wrong = meets(&applied.case, &router, &plan, "back", (n, class)).await;
    wrong.extend(applied.wrong_now().await);
    wrong.extend(applied.again().await);
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_class_of_fault_is_survived_at_any_request_of_a_rollback() {
    let requests = undisturbed(Estate::Insecure).await;
    each_fault(chosen(&requests, 1, 5), faulted).await;
}
