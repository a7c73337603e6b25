//! `init --from-live`: reads, says what was found, and writes nothing that a plan would refuse.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::Path;

use auditseal::adopt::{Candidate, Choice, pending};
use auditseal::manifest::Answer;
use auditseal::report::{InitDelivery, InitReport};
use auditseal::run::adopt::{AdoptError, AdoptOptions, Adoption, adopt, beside};
use auditseal::run::clock::today;
use jiff::civil::Date;

use super::super::args::Global;
use super::super::exit::Exit;
use super::super::output::Output;
use super::super::{plan, session};
use super::ask::{Asked, ask, pick};
use super::{Given, Init, Place, deliver, document, usage};

/// Days that waivers last unless somebody says otherwise: a quarter.
const DAYS: i64 = 90;

pub async fn run(global: &Global, verb: &Init, given: Given, place: &Place, output: &Output) -> anyhow::Result<Exit> {
    let allow = match session::allowed(&verb.allow, output) {
        Ok(allow) => allow,
        Err(exit) => return Ok(exit),
    };
    let until = match until(verb.waive_until.as_deref()) {
        Ok(until) => until,
        Err(wrong) => return Ok(usage(&[wrong], output)),
    };
    let Some(account) = databricks_account(verb, output)? else {
        let wrong = "no terminal to ask on: pass --databricks-account-id, or set DATABRICKS_ACCOUNT_ID";
        return Ok(usage(&[wrong.to_owned()], output));
    };
    let beside = match beside(&place.directory, &account) {
        Ok(beside) => beside,
        Err(findings) => {
            output.note(&session::render_problems(&findings, output));
            return Ok(Exit::Failed);
        }
    };
    let options = AdoptOptions {
        databricks_account: account,
        aws_account: verb.aws_account_id.clone(),
        region: verb.region.clone(),
        partition: given.partition,
        choice: Choice { delivery: verb.delivery.clone(), bucket: verb.bucket.clone(), prefix: verb.prefix.clone() },
        name: place.name(verb.name.as_deref()),
        role: given.role,
        role_profile: verb.role_profile.clone(),
        admins: given.admins,
        readers: given.readers,
        owner: verb.owner.clone(),
        today: today(),
        until,
        allow,
        beside,
    };
    let connect = |desired| async move { session::connections(global, &[desired]).await };
    match adopt(&options, connect, |all| choose(all, output)).await {
        Ok(adoption) => conclude(global, verb, place, &adoption, output),
        Err(error) => failed(global, error, output),
    }
}

fn until(asked: Option<&str>) -> Result<Date, String> {
    let today = today();
    let Some(text) = asked else {
        let span = jiff::Span::new().days(DAYS);
        return today.checked_add(span).map_err(|error| format!("--waive-until: {error}"));
    };
    let date: Date =
        text.parse().map_err(|_| format!("--waive-until: `{text}` is not a date: write for example `2027-03-31`"))?;
    if date < today {
        return Err(format!("--waive-until: `{date}` is over: the waivers would not hold"));
    }
    Ok(date)
}

fn databricks_account(verb: &Init, output: &Output) -> anyhow::Result<Option<String>> {
    if verb.databricks_account_id.is_some() || !std::io::stdin().is_terminal() {
        return Ok(verb.databricks_account_id.clone());
    }
    let asked = Asked {
        flag: "--databricks-account-id",
        question: "Databricks account id (account console, a UUID)",
        answer: Answer::DatabricksAccount,
        default: None,
    };
    Ok(ask(&mut std::io::stdin().lock(), &mut |line| output.note(line), &asked, false)?)
}

/// Asks on a terminal; elsewhere the best is taken, and said.
fn choose(all: &[Candidate], output: &Output) -> usize {
    let lines: Vec<String> = all.iter().map(Candidate::describe).collect();
    if !std::io::stdin().is_terminal() {
        return 0;
    }
    let question = "Several deliveries of audit logs can be adopted. Which one?";
    pick(&mut std::io::stdin().lock(), &mut |line| output.note(line), question, &lines)
}

fn conclude(global: &Global, verb: &Init, place: &Place, adoption: &Adoption, output: &Output) -> anyhow::Result<Exit> {
    said(adoption, output);
    let gaps: BTreeSet<String> = adoption.plan.gaps.iter().map(ToString::to_string).collect();
    for gap in &gaps {
        output.note(&format!("unread: {gap}"));
    }
    if plan::exit(&adoption.plan, false) == Exit::Refused {
        for refusal in adoption.refusals() {
            output.note(&format!("refused: {refusal}"));
        }
        output.note("Nothing is written. Grant what is missing, correct what is refused, or pass --allow CODE.");
        document(global, &reported(adoption), output)?;
        return Ok(Exit::Refused);
    }
    let left = pending(&adoption.plan.changes);
    if !left.is_empty() {
        let what = if adoption.delivery.is_some() {
            "warning: not everything can be adopted; a plan will show"
        } else {
            "A plan will show what has to be made:"
        };
        output.note(what);
        for one in &left {
            output.note(&format!("  {one}"));
        }
    }
    let path = place.path(&adoption.name);
    deliver(global, verb, &path, reported(adoption), &next(global, &path, left.is_empty()), output)
}

fn reported(adoption: &Adoption) -> InitReport {
    let Adoption { name, text, delivery, others, plan, waivers, readers, admins } = adoption;
    InitReport {
        from_live: true,
        manifest: Some(name.clone()),
        path: None,
        text: Some(text.clone()),
        adopted: delivery.as_ref().map(found),
        others: others.iter().map(found).collect(),
        readers: *readers,
        admins: *admins,
        waivers: *waivers,
        changes: plan.changes.clone(),
        gaps: plan.gaps.clone(),
        guards: plan.guards.clone(),
    }
}

fn found(one: &Candidate) -> InitDelivery {
    InitDelivery {
        config_id: one.config_id.clone(),
        name: one.name.clone(),
        bucket: one.bucket.clone(),
        prefix: one.prefix.clone(),
        role: one.role.clone(),
        enabled: one.enabled,
        status: one.health.clone(),
    }
}

fn said(adoption: &Adoption, output: &Output) {
    match &adoption.delivery {
        Some(delivery) => output.note(&format!("Adopted the delivery {}.", delivery.describe())),
        None => output.note("No delivery of audit logs to adopt was found: a manifest for a new one."),
    }
    for other in adoption.others.iter().filter(|one| one.enabled) {
        output.note(&format!("Not adopted, and left running: {}.", other.describe()));
    }
    let Adoption { waivers, readers, admins, .. } = adoption;
    output
        .note(&format!("Readers: {readers}, admins: {admins}, waivers that leave what is there as it is: {waivers}."));
}

/// What to do next, with the flags that this run needed.
fn next(global: &Global, path: &Path, in_sync: bool) -> Vec<String> {
    let mut flags = String::new();
    if let Some(profile) = &global.aws_profile {
        flags.push_str(&format!(" --aws-profile {profile}"));
    }
    if let Some(profile) = &global.databricks_profile {
        flags.push_str(&format!(" --databricks-profile {profile}"));
    }
    let path = path.display();
    let shows = if in_sync { "changes nothing, lists what is waived" } else { "shows what is left" };
    vec![
        format!("auditseal plan -m {path}{flags}      {shows}"),
        format!("auditseal access -m {path}{flags}    who can read, write and tamper today"),
        format!("remove a waiver of {path}, plan again, review, apply"),
    ]
}

fn failed(global: &Global, error: AdoptError<anyhow::Error>, output: &Output) -> anyhow::Result<Exit> {
    match error {
        AdoptError::Connect(error) => Err(error),
        AdoptError::Unread(gaps) => {
            let lines: BTreeSet<String> = gaps.iter().map(ToString::to_string).collect();
            lines.iter().for_each(|line| output.note(&format!("unread: {line}")));
            output.note("refused: unread-inputs: nothing can be adopted without that. Nothing is written.");
            document(global, &InitReport { from_live: true, gaps, ..InitReport::default() }, output)?;
            Ok(Exit::Refused)
        }
        AdoptError::UnknownDelivery { ref known, .. } => {
            output.note(&format!("error: {error}; there are:"));
            known.iter().for_each(|one| output.note(&format!("  {one}")));
            Ok(Exit::Usage)
        }
        AdoptError::NoRegion { .. } | AdoptError::NoBucket | AdoptError::RoleElsewhere { .. } | AdoptError::NoAdmin => {
            Ok(usage(&[error.to_string()], output))
        }
        AdoptError::Invalid { text, ref findings } => {
            output.note("error: what was found cannot be declared: a manifest has no form for it");
            output.note(&auditseal::report::diagnostic::render(findings, |_| Some(text.clone()), output.color_err));
            Ok(Exit::Failed)
        }
    }
}
