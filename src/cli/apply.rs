use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use auditseal::apply::{Event, StepState};
use auditseal::journal::RunResult;
use auditseal::model::Desired;
use auditseal::plan::Plan;
use auditseal::plan::guard::Purpose;
use auditseal::provider::router::Router;
use auditseal::run::apply::{Applied, ApplyError, ApplyOptions, apply, check_fresh};
use auditseal::run::clock::today;
use auditseal::run::lock::LockError;
use auditseal::run::plan::{PlanOptions, is_refused, plan};

use super::args::{Apply, Global};
use super::exit::Exit;
use super::output::Output;
use super::{plan as plan_verb, session};

pub async fn run(global: &Global, verb: &Apply, output: &Output) -> anyhow::Result<Exit> {
    let saved = verb.file.as_deref().map(plan_verb::read).transpose()?;
    let (desired, allow) = match &saved {
        Some(saved) => {
            if let Some(exit) = differs_from_manifests(global, saved, output) {
                return Ok(exit);
            }
            (saved.desired.clone(), saved.allowed.iter().cloned().collect())
        }
        None => {
            let loaded = match session::load(global, output) {
                Ok(loaded) => loaded,
                Err(exit) => return Ok(exit),
            };
            match session::allowed(&verb.allow, output) {
                Ok(allow) => (session::desired(loaded), allow),
                Err(exit) => return Ok(exit),
            }
        }
    };
    let router = session::connections(global, &desired).await?;
    let options = PlanOptions { allow, partial: false, access: true, today: today() };
    let now = plan(&router, &desired, &options, Purpose::Apply).await;
    if let Some(saved) = &saved
        && let Err(error) = check_fresh(saved, &now)
    {
        output.note(&format!("refused: stale-plan: {error}"));
        return Ok(Exit::Refused);
    }
    plan_verb::print(global, &now, output)?;
    if is_refused(&now) || (!now.complete && !options.allow.contains("unread-inputs")) {
        output.note("Nothing was changed: a guard refused the plan. `auditseal explain CODE` says more.");
        return Ok(Exit::Refused);
    }
    let earlier = auditseal::run::journal_file::unfinished(&session::store(global));
    match (&earlier, now.steps.is_empty()) {
        (None, true) => return Ok(Exit::Done),
        (Some(earlier), true) => {
            output.note(&format!("The earlier run {earlier} was stopped: a delivery that succeeds now is awaited."));
        }
        (_, false) => {}
    }
    if !now.steps.is_empty() && saved.is_none() && !verb.auto_approve {
        match session::confirm(output, "\nMake these changes? Only `yes` is accepted.") {
            Some(true) => {}
            Some(false) => {
                output.note("Nothing was changed.");
                return Ok(Exit::Failed);
            }
            None => {
                output.note("error: no terminal to ask on: pass --auto-approve, or apply a saved plan");
                return Ok(Exit::Usage);
            }
        }
    }
    execute(global, verb, &router, &now, &desired, output).await
}

/// A saved plan needs no manifests, but manifests that say something else are a mistake.
fn differs_from_manifests(global: &Global, saved: &Plan, output: &Output) -> Option<Exit> {
    if !global.manifest.exists() {
        return None;
    }
    let present: Vec<Desired> = session::load(global, output).map(session::desired).ok()?;
    if present == saved.desired {
        return None;
    }
    output.note(&format!(
        "refused: stale-plan: the manifests in `{}` differ from those that the plan was made from; plan again",
        global.manifest.display()
    ));
    Some(Exit::Refused)
}

async fn execute(
    global: &Global,
    verb: &Apply,
    router: &Router,
    plan: &Plan,
    _desired: &[Desired],
    output: &Output,
) -> anyhow::Result<Exit> {
    let run = uuid::Uuid::new_v4().to_string();
    let store = session::store(global);
    let clock = session::clock(global);
    let (stop, signal) = on_signals(output.color_err);
    let owner = owner(plan);
    let options =
        ApplyOptions { store: &store, run: &run, owner: &owner, lock_timeout: verb.lock_timeout, stop: &stop };
    if std::env::var_os("CI").is_some() {
        output.note(&format!(
            "warning: the journal of this run is only in {}: keep that folder as an artifact, a CI runner forgets it",
            store.display()
        ));
    }
    output.note(&format!("\nRun {run}, journal {}/runs/{run}.jsonl", store.display()));
    let mut progress = Progress { output, last: String::new() };
    let applied = apply(router, &clock, plan, &options, &mut |event| progress.show(&event)).await;
    match applied {
        Err(ApplyError::Lock(error @ LockError::Held { .. })) => {
            output.note(&format!("refused: lock-held: {error}"));
            Ok(Exit::Refused)
        }
        Err(error) => Err(error.into()),
        Ok(applied) => Ok(conclude(&applied, signal.load(Ordering::SeqCst), output)),
    }
}

fn conclude(applied: &Applied, signal: u8, output: &Output) -> Exit {
    let count =
        |wanted: fn(&StepState) -> bool| applied.outcome.steps.iter().filter(|step| wanted(&step.state)).count();
    let done = count(|state| matches!(state, StepState::Done | StepState::AlreadyThere));
    let failed = count(|state| matches!(state, StepState::Failed(_)));
    let skipped = count(|state| matches!(state, StepState::Skipped { .. }));
    let undone = count(|state| matches!(state, StepState::Undone));
    let left = count(|state| matches!(state, StepState::NotStarted));
    output.note(&format!(
        "\nApply: {done} steps done, {failed} failed, {skipped} skipped, {undone} taken back, {left} not started."
    ));
    if applied.outcome.result == RunResult::Interrupted {
        output.note("Stopped between two steps. Run `auditseal apply` again to go on.");
        return if signal == 15 { Exit::Terminated } else { Exit::Interrupted };
    }
    if failed > 0 {
        output.note(
            "What failed is said above and kept in the journal. What was done stays; `auditseal apply` goes on from there.",
        );
    }
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
    output.note("Verification: the live configuration matches the declaration.");
    if applied.outcome.result == RunResult::Applied { Exit::Done } else { Exit::Failed }
}

/// Who holds the lock, for whoever waits.
fn owner(plan: &Plan) -> String {
    let callers: BTreeSet<&String> = plan.caller.values().collect();
    callers.into_iter().cloned().collect::<Vec<_>>().join(", ")
}

/// The first signal ends the run after the step under way; the second ends the program.
fn on_signals(_color: bool) -> (Arc<AtomicBool>, Arc<AtomicU8>) {
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
            Event::Started { step, total, address, title } => format!("[{}/{total}] {address}: {title}", step + 1),
            Event::Retrying { message, .. } => format!("        trying again: {message}"),
            Event::Waiting { message, .. } => format!("        waiting: {message}"),
            Event::Finished { .. } => return,
            Event::AlreadyThere { .. } => "        already there".to_owned(),
            Event::Failed { address, message, .. } => format!("        failed: {address}: {message}"),
            Event::Skipped { address, because, .. } => format!("        skipped: {address}, because {because} failed"),
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
