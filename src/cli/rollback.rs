use auditseal::plan::guard::Purpose;
use auditseal::run::clock::today;
use auditseal::run::plan::PlanOptions;
use auditseal::run::rollback::plan_rollback;
use auditseal::run::runs::journal;

use super::args::{Global, Rollback};
use super::exit::Exit;
use super::output::Output;
use super::{execute, plan as plan_verb, session};

pub async fn run(global: &Global, verb: &Rollback, output: &Output) -> anyhow::Result<Exit> {
    let found = journal(&session::store(global), &verb.run)?;
    let loaded = match session::load(global, output) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let allow = match session::allowed(&verb.allow, output) {
        Ok(allow) => allow,
        Err(exit) => return Ok(exit),
    };
    let desired = session::desired(loaded);
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
    execute::execute(global, verb.lock_timeout, &router, &planned, output).await
}
