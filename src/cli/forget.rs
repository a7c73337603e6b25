use auditseal::model::{Address, Desired};
use auditseal::plan::guard::Purpose;
use auditseal::run::clock::today;
use auditseal::run::forget::{Chosen, plan_forget};
use auditseal::run::plan::PlanOptions;
use auditseal::run::store::Which;

use super::args::{Forget, Global};
use super::exit::Exit;
use super::output::Output;
use super::{execute, plan as plan_verb, session};

pub async fn run(global: &Global, verb: &Forget, output: &Output) -> anyhow::Result<Exit> {
    let loaded = match session::load(global, output) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let desired = session::desired(loaded);
    let Some(chosen) = chosen(&verb.what, &desired) else {
        let names: Vec<String> = desired.iter().map(|one| format!("`{}`", one.name)).collect();
        output.note(&format!(
            "error: `{}` is neither a manifest ({}) nor an address such as `{}/bucket[audit]`",
            verb.what.join(" "),
            names.join(", "),
            desired.first().map_or("acme", |one| one.name.as_str())
        ));
        return Ok(Exit::Usage);
    };
    let router = session::connections(global, &desired).await?;
    let store = session::kept(global, &session::store(global), &desired).await?;
    if let Err(exit) = session::journals(&store, Which::Newest, output).await {
        return Ok(exit);
    }
    // Tags may be conditions of policies, so that access is proved here too.
    let options = PlanOptions { access: true, today: today(), ..PlanOptions::default() };
    let planned = plan_forget(&router, &chosen, &desired, &options, Purpose::Apply).await?;
    plan_verb::print(global, &planned, output)?;
    if let Some(exit) = execute::refused(&planned, output) {
        return Ok(exit);
    }
    if planned.steps.is_empty() {
        return Ok(Exit::Done);
    }
    if !verb.auto_approve
        && let Some(exit) = execute::declined(output, "")
    {
        return Ok(exit);
    }
    execute::execute(global, verb.lock_timeout, (&router, &store), &planned, output).await
}

/// Addresses, one manifest, or everything when nothing is named.
fn chosen(what: &[String], desired: &[Desired]) -> Option<Chosen> {
    match what {
        [] => Some(Chosen::All),
        [one] if desired.iter().any(|desired| desired.name == *one) => Some(Chosen::Manifest(one.clone())),
        many => {
            let addresses: Vec<Address> = many.iter().map(|one| one.parse().ok()).collect::<Option<_>>()?;
            Some(Chosen::Addresses(addresses))
        }
    }
}
