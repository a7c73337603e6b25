//! What `apply`, `rollback` and `forget` share once there is a plan: showing it, asking, running it, and saying how it
//! ended.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use auditseal::apply::{Event, StepState};
use auditseal::journal::RunResult;
use auditseal::model::Intent;
use auditseal::plan::Plan;
use auditseal::provider::router::Router;
use auditseal::report;
use auditseal::run::apply::{Applied, ApplyError, ApplyOptions, apply};
use auditseal::run::lock::LockError;
use auditseal::run::plan::is_refused;
use auditseal::run::store::Store;

use super::args::Global;
use super::exit::Exit;
use super::output::Output;
use super::session;

/// Whether the plan may go on: `Some` ends the verb.
pub fn refused(plan: &Plan, output: &Output) -> Option<Exit> {
    let unread = !plan.complete && !plan.allowed.iter().any(|code| code == "unread-inputs");
    if is_refused(plan) || unread {
        output.note("Nothing was changed: a guard refused the plan. `auditseal explain CODE` says more.");
        return Some(Exit::Refused);
    }
    None
}

/// Asks for approval: `Some` ends the verb. `instead` is what else a caller without a terminal may do.
pub fn declined(output: &Output, instead: &str) -> Option<Exit> {
    match session::confirm(output, "\nMake these changes? Only `yes` is accepted.") {
        Some(true) => None,
        Some(false) => {
            output.note("Nothing was changed.");
            Some(Exit::Failed)
        }
        None => {
            output.note(&format!("error: no terminal to ask on: pass --auto-approve{instead}"));
            Some(Exit::Usage)
        }
    }
}

pub async fn execute(
    global: &Global,
    lock_timeout: Duration,
    (router, store): (&Router, &Store),
    plan: &Plan,
    output: &Output,
) -> anyhow::Result<Exit> {
    let run = uuid::Uuid::new_v4().to_string();
    let clock = session::clock(global);
    if let Err(error) = store.settle(&clock).await {
        return Ok(session::not_begun(&error, output));
    }
    let (stop, signal) = on_signals();
    let owner = owner(plan);
    let options = ApplyOptions { store, run: &run, owner: &owner, lock_timeout, stop: &stop };
    output.scope.run(&run);
    session::warn_without_store(store, "the journal of this run is", output);
    if let Some(summary) = report::preflight_summary(&plan.preflight) {
        output.note(&format!("\n{summary}"));
    }
    let copy = store.url().map(|url| format!(", and in {url}")).unwrap_or_default();
    output.note(&format!("\nRun {run}, journal {}/runs/{run}.jsonl{copy}", store.folder().display()));
    if !lock_timeout.is_zero() {
        output.note(&format!("Waits up to {} s for the lock.", lock_timeout.as_secs()));
    }
    let mut progress = Progress { output, last: String::new() };
    let applied = apply(router, &clock, plan, &options, &mut |event| progress.show(&event)).await;
    output.scope.step(None);
    match applied {
        Err(ApplyError::Lock(error @ LockError::Held { .. })) => {
            output.note(&format!("refused: lock-held: {error}"));
            Ok(Exit::Refused)
        }
        Err(ApplyError::Store(error)) => Ok(session::not_begun(&error, output)),
        Err(error) => Err(error.into()),
        Ok(applied) => Ok(conclude(plan, &run, &applied, signal.load(Ordering::SeqCst), output)),
    }
}

/// How to go on with a run that did not reach its end.
fn again(intent: &Intent) -> String {
    match intent {
        Intent::Rollback { run } => format!("auditseal rollback {run}"),
        other => format!("auditseal {}", other.verb()),
    }
}

fn conclude(plan: &Plan, run: &str, applied: &Applied, signal: u8, output: &Output) -> Exit {
    let count =
        |wanted: fn(&StepState) -> bool| applied.outcome.steps.iter().filter(|step| wanted(&step.state)).count();
    let done = count(|state| matches!(state, StepState::Done | StepState::AlreadyThere));
    let failed = count(|state| matches!(state, StepState::Failed(_)));
    let skipped = count(|state| matches!(state, StepState::Skipped { .. }));
    let undone = count(|state| matches!(state, StepState::Undone));
    let left = count(|state| matches!(state, StepState::NotStarted));
    let (again, verb) = (again(&plan.intent), plan.intent.verb());
    let mut title = verb.to_owned();
    title.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
    output.note(&format!(
        "\n{title}: {done} steps done, {failed} failed, {skipped} skipped, {undone} taken back, {left} not started."
    ));
    if applied.outcome.result == RunResult::Interrupted {
        output.note(&format!("Stopped between two steps. Run `{again}` again to go on."));
        return if signal == 15 { Exit::Terminated } else { Exit::Interrupted };
    }
    if failed > 0 {
        output.note(&format!(
            "What failed is said above and kept in the journal. What was done stays; `{again}` goes on from there, `auditseal rollback {run}` goes back."
        ));
    }
    verified(plan, applied, output)
}

fn verified(plan: &Plan, applied: &Applied, output: &Output) -> Exit {
    let Some(verification) = &applied.verification else { return Exit::Failed };
    if !verification.complete {
        output.note("Verification: incomplete, some inputs could not be read.");
        return Exit::Failed;
    }
    if !verification.changes.is_empty() {
        let addresses: BTreeSet<String> =
            verification.changes.iter().map(|change| change.address.to_string()).collect();
        let addresses: Vec<String> = addresses.into_iter().collect();
        output.note(&format!("Verification: still differs: {}.", addresses.join(", ")));
        return Exit::Failed;
    }
    if !applied.unconfirmed.is_empty() {
        output.note(&format!("Verification: no successful delivery: {}.", applied.unconfirmed.join("; ")));
        return Exit::Failed;
    }
    if let Some(partial) = &verification.partial {
        output.note("Verification: the part that was planned matches the declaration.");
        if !partial.left_out.is_empty() {
            let left: Vec<String> = partial.left_out.iter().map(|one| one.address.to_string()).collect();
            output.note(&format!("Left out, and still to be done: {}.", left.join(", ")));
        }
    } else {
        output.note(match &plan.intent {
            Intent::Apply => "Verification: the live configuration matches the declaration.",
            Intent::Rollback { .. } => {
                "Verification: what could be put back is as it was before that run. `auditseal plan` shows how that differs from the declaration."
            }
            Intent::Forget => {
                "Verification: the marks are gone, nothing else was changed. `auditseal apply` adopts again."
            }
        });
    }
    if applied.outcome.result == RunResult::Applied { Exit::Done } else { Exit::Failed }
}

/// Who holds the lock, for whoever waits.
fn owner(plan: &Plan) -> String {
    let callers: BTreeSet<&String> = plan.caller.values().collect();
    callers.into_iter().cloned().collect::<Vec<_>>().join(", ")
}

/// The first signal ends the run after the step under way; the second ends the program.
fn on_signals() -> (Arc<AtomicBool>, Arc<AtomicU8>) {
    let (stop, number) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU8::new(0)));
    let (stop_task, number_task) = (Arc::clone(&stop), Arc::clone(&number));
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        loop {
            let which = tokio::select! { _ = interrupt.recv() => 2_u8, _ = terminate.recv() => 15 };
            if stop_task.swap(true, Ordering::SeqCst) {
                // The default action of a signal that came twice: leave now. The journal is on disk.
                quit(which);
            }
            number_task.store(which, Ordering::SeqCst);
        }
    });
    (stop, number)
}

#[allow(clippy::exit, reason = "the second signal is an order to leave at once; only the binary does this")]
fn quit(signal: u8) {
    std::process::exit(128 + i32::from(signal));
}

/// Plain lines everywhere: they read the same in a terminal and in the log of a job.
struct Progress<'a> {
    output: &'a Output,
    last: String,
}

impl Progress<'_> {
    fn show(&mut self, event: &Event) {
        let line = match event {
            Event::Started { step, total, address, title } => {
                self.output.scope.step(Some(address.to_string()));
                format!("[{}/{total}] {address}: {title}", step + 1)
            }
            Event::Retrying { message, .. } => format!("        trying again: {message}"),
            Event::Waiting { message, .. } => format!("        waiting: {message}"),
            Event::Finished { .. } => return,
            Event::AlreadyThere { .. } => "        already there".to_owned(),
            Event::Failed { address, message, .. } => format!("        failed: {address}: {message}"),
            Event::Skipped { address, because, .. } => {
                self.output.scope.step(Some(address.to_string()));
                format!("        skipped: {address}, because {because} failed")
            }
            Event::Undone { address, .. } => format!("        taken back: {address}"),
            Event::Interrupted => "Stopping: what is under way was finished, nothing else is started.".to_owned(),
        };
        // A wait says the same for minutes.
        if line != self.last {
            self.output.note(&line);
            self.last = line;
        }
    }
}
