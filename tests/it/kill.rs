//! A run that dies at any request loses no log, exposes nothing, announced what it wrote, and is finished by the next run.

use std::collections::BTreeMap;

use auditseal::journal::Entry;

use crate::harness::Case;
use crate::sandbox::faults::Moment;
use crate::struck::{Estate, chosen, delivers, dies, each_death, exposed_to, resume, undisturbed};

async fn killed(estate: Estate, point: (u64, Moment), keys: usize) -> Option<Vec<String>> {
    let case = estate.case().await;
    let (delivered, exposed) = (delivers(&case).await, exposed_to(&case).await);
    let router = case.router().await;
    let plan = case.plan(&router).await;
    if !dies(&case, router, &plan, "killed", point).await {
        return None;
    }
    let mut wrong = unannounced(&case, "killed");
    if delivered && !delivers(&case).await {
        wrong.push(format!("the delivery that worked is lost: {:#?}", case.sandbox.databricks.log_deliveries()));
    }
    for reader in exposed_to(&case).await {
        if !exposed.contains(&reader) {
            wrong.push(format!("exposed to {reader}"));
        }
    }
    wrong.extend(resume(&case, "killed", keys).await);
    Some(wrong)
}

/// Writes that took effect without being on disk before: their number by operation, against the journal's.
pub fn unannounced(case: &Case, run: &str) -> Vec<String> {
    let path = case.folder.path().join(format!("runs/{run}.jsonl"));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut announced: BTreeMap<String, i64> = BTreeMap::new();
    for line in text.lines() {
        if let Ok(Entry::WriteStarted { write, .. }) = Entry::parse(line) {
            *announced.entry(write.operation().to_owned()).or_default() += 1;
        }
    }
    for record in case.sandbox.faults.recorded() {
        let effective = record.effect.is_some_and(|status| status < 300);
        // Databricks' operations have other names on the wire; the lock is not part of the journal.
        let counted = ["s3:", "kms:", "iam:"].iter().any(|service| record.name.starts_with(service));
        if record.is_write && effective && counted {
            *announced.entry(record.name).or_default() -= 1;
        }
    }
    announced.into_iter().filter(|(_, left)| *left < 0).map(|(name, _)| format!("{name} was not announced")).collect()
}

async fn matrix(estate: Estate, first: usize) {
    let (requests, keys) = undisturbed(estate).await;
    assert!(requests.len() > 50, "an apply of {} requests", requests.len());
    // A read has no effect that a later death could leave behind.
    let points = chosen(&requests, first, 6).into_iter().flat_map(|(n, is_write)| {
        [(n, Moment::Before), (n, Moment::After)].into_iter().take(if is_write { 2 } else { 1 })
    });
    each_death(&format!("{estate:?}"), points.collect(), |point| killed(estate, point, keys)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_killed_at_any_request_of_a_move_is_resumed_without_loss() {
    matrix(Estate::Insecure, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_killed_at_any_request_in_an_empty_account_is_resumed() {
    matrix(Estate::Empty, 4).await;
}
