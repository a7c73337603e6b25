use auditseal::plan::guard::Purpose;
use auditseal::run::clock::today;
use auditseal::run::plan::PlanOptions;
use auditseal::run::rollback::plan_rollback;
use auditseal::run::runs::journal;
use auditseal::run::store::Which;

use super::args::{Global, Rollback};
use super::exit::Exit;
use super::output::Output;
use super::{execute, plan as plan_verb, session};

pub async fn run(global: &Global, verb: &Rollback, output: &Output) -> anyhow::Result<Exit> {
    let loaded = match session::load(global, output) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let allow = match session::allowed(&verb.allow, output) {
        Ok(allow) => allow,
        Err(exit) => return Ok(exit),
    };
    let desired = session::desired(loaded);
    let store = session::kept(global, &session::store(global), &desired).await?;
    if let Err(exit) = session::journals(&store, Which::Run(&verb.run), output).await {
        return Ok(exit);
    }
    let found = journal(store.folder(), &verb.run)?;
    let router = session::connections(global, &desired).await?;
    let only_plan = verb.plan || verb.out.is_some();
    let purpose = if only_plan { Purpose::Plan } else { Purpose::Apply };
    let options = PlanOptions { allow, access: true, today: today(), ..PlanOptions::default() };
    let planned = match plan_rollback(&router, &found.record, &desired, &options, purpose).await {
        Ok(planned) => planned,
        Err(error) => {
            output.note(&format!("refused: {error}"));
            return Ok(Exit::Refused);
        }
    };
    plan_verb::print(global, &planned, output)?;
    if let Some(path) = &verb.out {
        plan_verb::save(path, &planned, output)?;
    }
    if only_plan {
        return Ok(plan_verb::exit(&planned, false));
    }
    if let Some(exit) = execute::refused(&planned, output) {
        return Ok(exit);
    }
    if planned.steps.is_empty() {
        return Ok(Exit::Done);
    }
    if !verb.auto_approve
        && let Some(exit) = execute::declined(output, ", or save the plan with --out and apply it")
    {
        return Ok(exit);
    }
    execute::execute(global, verb.lock_timeout, (&router, &store), &planned, output).await
}
