use auditseal::manifest::is_part;
use auditseal::model::{Desired, Intent};
use auditseal::plan::guard::Purpose;
use auditseal::plan::{Plan, Selection};
use auditseal::run::apply::{check_fresh, replan};
use auditseal::run::clock::today;
use auditseal::run::plan::{PlanOptions, planned};
use auditseal::run::store::Which;

use super::args::{Apply, Global};
use super::exit::Exit;
use super::output::Output;
use super::{execute, plan as plan_verb, session};

pub async fn run(global: &Global, verb: &Apply, output: &Output) -> anyhow::Result<Exit> {
    let saved = verb.file.as_deref().map(plan_verb::read).transpose()?;
    let (desired, options) = match &saved {
        Some(saved) => {
            if let Some(exit) = differs_from_manifests(global, saved, output) {
                return Ok(exit);
            }
            (saved.desired.clone(), PlanOptions { access: true, today: today(), ..PlanOptions::of(saved) })
        }
        None => {
            let loaded = match session::load(global, output) {
                Ok(loaded) => loaded,
                Err(exit) => return Ok(exit),
            };
            match session::allowed(&verb.allow, output) {
                Ok(allow) => {
                    let selection = Selection::new(&verb.target, &verb.exclude);
                    let partial = is_part(&global.manifest);
                    let options = PlanOptions { allow, partial, selection, access: true, today: today() };
                    (session::desired(loaded), options)
                }
                Err(exit) => return Ok(exit),
            }
        }
    };
    let router = session::connections(global, &desired).await?;
    let store = session::kept(global, &session::store(global), &desired).await?;
    if let Err(exit) = session::journals(&store, Which::Newest, output).await {
        return Ok(exit);
    }
    if let Some(Intent::Rollback { run }) = saved.as_ref().map(|saved| &saved.intent)
        && let Err(exit) = session::journals(&store, Which::Run(run), output).await
    {
        return Ok(exit);
    }
    let now = match &saved {
        // What a saved plan names may be done by now: then the plan is stale.
        Some(saved) => replan(&router, saved, store.folder(), &options, Purpose::Apply).await?,
        None => {
            let made = planned(&router, &desired, &options, Purpose::Apply).await;
            if let Some(exit) = plan_verb::unknown(&made, output) {
                return Ok(exit);
            }
            made.plan
        }
    };
    if let Some(saved) = &saved
        && let Err(error) = check_fresh(saved, &now)
    {
        output.note(&format!("refused: stale-plan: {error}"));
        return Ok(Exit::Refused);
    }
    plan_verb::print(global, &now, output)?;
    if let Some(exit) = execute::refused(&now, output) {
        return Ok(exit);
    }
    let earlier = auditseal::run::journal_file::unfinished(store.folder());
    match (&earlier, now.steps.is_empty()) {
        (None, true) => return Ok(Exit::Done),
        (Some(earlier), true) => {
            output.note(&format!("The earlier run {earlier} was stopped: a delivery that succeeds now is awaited."));
        }
        (_, false) => {}
    }
    if !now.steps.is_empty()
        && saved.is_none()
        && !verb.auto_approve
        && let Some(exit) = execute::declined(output, ", or apply a saved plan")
    {
        return Ok(exit);
    }
    execute::execute(global, verb.lock_timeout, (&router, &store), &now, output).await
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
