//! A wanted policy, with the statements that are waived as they are live. Statements are paired as the diff pairs them.

use serde_json::Value;

use crate::iam::canonical::CanonicalStatement;
use crate::iam::{Policy, Resolver, Statement, parse};

use super::fold::Empties;
use super::{kept, statement};

/// A statement on its way: its name in field paths, and its meaning.
struct Side {
    name: String,
    canonical: CanonicalStatement,
    statement: Statement,
}

impl Side {
    fn without_sid(&self) -> CanonicalStatement {
        CanonicalStatement { sid: None, ..self.canonical.clone() }
    }
}

fn sides(policy: &Policy, resolver: &Resolver) -> Vec<Side> {
    let side = |(index, statement): (usize, &Statement)| Side {
        name: statement.sid.as_ref().map_or_else(|| format!("#{index}"), String::from),
        canonical: CanonicalStatement::of(statement, resolver),
        statement: statement.clone(),
    };
    policy.statements.iter().enumerate().map(side).collect()
}

/// The text to want instead; the live text itself when nothing of it would change. A live text that is no policy is
/// nothing that could be kept in part.
pub(super) fn fold(
    prefix: &str,
    wanted: &str,
    live: Option<&str>,
    waived: &dyn Fn(&str) -> bool,
    resolver: &Resolver,
) -> Result<Option<String>, Empties> {
    let unfolded = || Ok(Some(wanted.to_owned()));
    let Ok(ours) = parse(wanted) else { return unfolded() };
    let theirs = match live.map(parse) {
        Some(Ok(policy)) => Some(policy),
        Some(Err(_)) => return unfolded(),
        None => None,
    };
    let waived = |name: &str| waived(&format!("{prefix}statement[{name}]"));
    let mut rest = theirs.as_ref().map(|policy| sides(policy, resolver)).unwrap_or_default();
    let version = theirs.as_ref().map(|policy| policy.version);
    let portable = |side: &Side| version.and_then(|version| kept::portable(&side.statement, version, resolver));
    let mut statements: Vec<Value> = Vec::new();
    let (mut as_live, mut any) = (true, false);
    let mut open = Vec::new();
    for side in sides(&ours, resolver) {
        match rest.iter().position(|candidate| candidate.canonical == side.canonical) {
            Some(at) => {
                rest.remove(at);
                statements.extend(value(&side));
            }
            None => open.push(side),
        }
    }
    for side in open {
        let partner = rest
            .iter()
            .position(|candidate| side.statement.sid.is_some() && candidate.statement.sid == side.statement.sid)
            .or_else(|| rest.iter().position(|candidate| candidate.without_sid() == side.without_sid()))
            .map(|at| rest.remove(at));
        if waived(&side.name) {
            any = true;
            statements.extend(partner.as_ref().and_then(portable));
        } else {
            as_live = false;
            statements.extend(value(&side));
        }
    }
    for side in rest {
        if waived(&side.name) {
            any = true;
            statements.extend(portable(&side));
        } else {
            as_live = false;
        }
    }
    if !any {
        return unfolded();
    }
    match (as_live, statements.is_empty()) {
        (true, _) => Ok(live.map(str::to_owned)),
        (false, true) => Err(Empties),
        (false, false) => Ok(Some(statement::document(&[], &statements).0)),
    }
}

fn value(side: &Side) -> Option<Value> {
    serde_json::from_str(&side.statement.json.text()).ok()
}
