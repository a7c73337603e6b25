//! Looks at the caller's permissions before a plan is applied.

use crate::call::Query;
use crate::model::Live;
use crate::observe::reread;
use crate::plan::guard::Purpose;
use crate::plan::preflight::{MISSING, Subject, preflight};
use crate::plan::{Plan, Preflight};
use crate::provider::Reader;

use super::apply::locations;

/// The plan with what was found out about the caller's permissions, and the guard's verdict on it.
pub(super) fn checked(plan: Plan, live: &Live, purpose: Purpose) -> Plan {
    let locks = locations(&plan.desired);
    let subject = Subject { desired: &plan.desired, live, steps: &plan.steps, caller: &plan.caller, locks: &locks };
    let found = preflight(&subject);
    judged(plan, found, purpose)
}

/// The same, after IAM was asked about callers whose policies were not read. Where it may not be asked, that stays unknown.
pub(super) async fn simulated<R: Reader>(reader: &R, plan: Plan, live: &Live, purpose: Purpose) -> Plan {
    let region = |account: &str| {
        let places = live.iter().map(|(query, _)| &query.place);
        places.into_iter().find(|place| place.aws_account() == Some(account)).cloned()
    };
    let queries: Vec<Query> = plan
        .preflight
        .questions(&plan.caller)
        .into_iter()
        .filter_map(|(account, read)| Some(Query { place: region(&account)?, read }))
        .collect();
    if purpose == Purpose::Plan || queries.is_empty() {
        return plan;
    }
    let mut told = live.clone();
    for (query, answer) in reread(reader, queries).await.iter() {
        told.set(query.clone(), answer.clone());
    }
    checked(plan, &told, purpose)
}

fn judged(mut plan: Plan, found: Preflight, purpose: Purpose) -> Plan {
    let allowed = plan.allowed.iter().any(|code| code == MISSING);
    plan.guards.retain(|guard| guard.code != MISSING);
    plan.guards.extend(found.guard(purpose == Purpose::Apply, allowed));
    plan.guards.sort_by(|left, right| (&left.code, &left.message).cmp(&(&right.code, &right.message)));
    plan.preflight = found;
    plan
}
