//! Plans the way back of a run.

use crate::journal::Record;
use crate::model::{Desired, Intent, Live};
use crate::observe::{observe, observe_for_plan, reread};
use crate::plan::guard::{self, Purpose};
use crate::plan::{Effects, Order, Plan, effects};
use crate::provider::Reader;
use crate::rollback::{Reversal, Undeclared, questions, reverse};

use super::plan::{PlanOptions, callers, skeleton};
use super::preflight::{checked, simulated};

/// Reads live state, and what else the journal asks about, and plans what puts the run back. Reads only.
///
/// # Errors
/// When the run changed a location that none of the manifests declares.
pub async fn plan_rollback<R: Reader>(
    reader: &R,
    record: &Record,
    desired: &[Desired],
    options: &PlanOptions,
    purpose: Purpose,
) -> Result<Plan, Undeclared> {
    let mut live = match options.access {
        true => observe_for_plan(reader, desired).await,
        false => observe(reader, desired).await,
    };
    loop {
        let missing: Vec<_> = questions(record, &live).into_iter().filter(|query| !live.contains(query)).collect();
        if missing.is_empty() {
            break;
        }
        for (query, answer) in reread(reader, missing).await.iter() {
            live.set(query.clone(), answer.clone());
        }
    }
    let plan = rollback_from(&live, record, desired, options, purpose)?;
    Ok(simulated(reader, plan, &live, purpose).await)
}

/// The pure half.
///
/// # Errors
/// As [`plan_rollback`].
pub fn rollback_from(
    live: &Live,
    record: &Record,
    desired: &[Desired],
    options: &PlanOptions,
    purpose: Purpose,
) -> Result<Plan, Undeclared> {
    let reversal = reverse(record, desired, live, &options.allow)?;
    let intent = Intent::Rollback { run: record.run.clone() };
    Ok(finished(reversal, intent, live, desired, options, purpose))
}

/// The plan of steps that come from no declaration, under the guards of every plan.
pub(super) fn finished(
    reversal: Reversal,
    intent: Intent,
    live: &Live,
    desired: &[Desired],
    options: &PlanOptions,
    purpose: Purpose,
) -> Plan {
    let Reversal { changes, steps, summary, mut gaps, findings, mut guards, wanted, deliveries } = reversal;
    let access = if options.access { effects(desired, live, &steps) } else { Effects::default() };
    gaps.extend(access.gaps.iter().cloned());
    gaps.sort();
    gaps.dedup();
    let caller = callers(live, desired);
    guards.extend(guard::check(&guard::Subject {
        desired,
        live,
        wanted: &wanted,
        changes: &changes,
        steps: &steps,
        gaps: &gaps,
        access: &access,
        order: &Order::Usual,
        caller: &caller,
        allow: &options.allow,
        purpose,
    }));
    guards.sort_by(|left, right| (&left.code, &left.message).cmp(&(&right.code, &right.message)));
    guards.dedup();
    let plan = Plan {
        intent,
        summary,
        complete: gaps.is_empty(),
        gaps,
        changes,
        guards,
        findings,
        steps,
        access,
        deliveries,
        ..skeleton(live, desired, options, caller)
    };
    if options.access { checked(plan, live, purpose) } else { plan }
}
