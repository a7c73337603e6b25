//! What changed between two policies, statement by statement, for people to read.

use serde::{Deserialize, Serialize};

use super::canonical::{
    CanonicalStatement, Resolver, canonical_principal, condition_json, element_name, principal_json,
};
use super::document::{Policy, PolicyError, Statement, Version, parse};
use super::json::Json;
use super::text::Text;

/// A statement under its name: the `Sid`, or `#2` for the third statement of a policy that has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedStatement {
    pub name: String,
    /// Indented JSON, lists sorted, principals as ARNs: the same statement gives the same lines.
    pub json: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedStatement {
    pub sid: String,
    pub before: String,
    pub after: String,
}

/// Differences in meaning between two policies; spelling alone gives none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementDiff {
    /// Language version before and after, when it differs.
    pub version: Option<(Version, Version)>,
    pub added: Vec<NamedStatement>,
    pub removed: Vec<NamedStatement>,
    pub changed: Vec<ChangedStatement>,
    /// Statements that are the same.
    pub kept: usize,
}

impl StatementDiff {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { version, added, removed, changed, kept: _ } = self;
        version.is_none() && added.is_empty() && removed.is_empty() && changed.is_empty()
    }
}

/// Compares two policy texts statement by statement; an empty text is no policy.
///
/// # Errors
/// When a text that is not empty is no policy document.
pub fn diff_statements(before: &str, after: &str) -> Result<StatementDiff, PolicyError> {
    diff_statements_with(before, after, &Resolver::default())
}

/// [`diff_statements`] with the names that a resolver knows.
///
/// # Errors
/// When a text that is not empty is no policy document.
pub fn diff_statements_with(before: &str, after: &str, resolver: &Resolver) -> Result<StatementDiff, PolicyError> {
    let (before, after) = (read(before)?, read(after)?);
    let mut diff = StatementDiff::default();
    if let (Some(old), Some(new)) = (&before, &after)
        && old.version != new.version
    {
        diff.version = Some((old.version, new.version));
    }
    let mut old = sides(before, resolver);
    let mut rest = Vec::new();
    // Equal content first, so that a repeated or missing Sid cannot make an unchanged statement look changed.
    for side in sides(after, resolver) {
        match old.iter().position(|candidate| candidate.canonical == side.canonical) {
            Some(at) => {
                old.remove(at);
                diff.kept += 1;
            }
            None => rest.push(side),
        }
    }
    for side in rest {
        let same_sid = |candidate: &Side| side.sid.is_some() && candidate.sid == side.sid;
        let same_but_sid = |candidate: &Side| candidate.without_sid() == side.without_sid();
        match old.iter().position(same_sid).or_else(|| old.iter().position(same_but_sid)) {
            Some(at) => {
                let before = old.remove(at);
                diff.changed.push(ChangedStatement { sid: side.name, before: before.json, after: side.json });
            }
            None => diff.added.push(NamedStatement { name: side.name, json: side.json }),
        }
    }
    diff.removed = old.into_iter().map(|side| NamedStatement { name: side.name, json: side.json }).collect();
    Ok(diff)
}

struct Side {
    name: String,
    sid: Option<String>,
    canonical: CanonicalStatement,
    json: String,
}

impl Side {
    fn without_sid(&self) -> CanonicalStatement {
        CanonicalStatement { sid: None, ..self.canonical.clone() }
    }
}

fn read(text: &str) -> Result<Option<Policy>, PolicyError> {
    if text.trim().is_empty() { Ok(None) } else { parse(text).map(Some) }
}

fn sides(policy: Option<Policy>, resolver: &Resolver) -> Vec<Side> {
    let statements = policy.map(|policy| policy.statements).unwrap_or_default();
    let side = |(index, statement): (usize, Statement)| Side {
        name: statement.sid.as_ref().map_or_else(|| format!("#{index}"), String::from),
        canonical: CanonicalStatement::of(&statement, resolver),
        json: pretty(&statement, resolver),
        sid: statement.sid.map(String::from),
    };
    statements.into_iter().enumerate().map(side).collect()
}

/// The statement as indented JSON: lists sorted, the spelling of actions, operators and keys kept.
#[must_use]
pub fn pretty(statement: &Statement, resolver: &Resolver) -> String {
    let Statement { sid, effect, principal, action, resource, conditions, json: _ } = statement;
    let mut members = Vec::new();
    if let Some(sid) = sid {
        members.push(("Sid".to_owned(), Json::String(sid.into())));
    }
    members.push(("Effect".to_owned(), Json::String(effect.as_str().to_owned())));
    if let Some(element) = principal {
        let value = principal_json(&canonical_principal(element.get(), resolver));
        members.push((element_name("Principal", element), value));
    }
    members.push((element_name("Action", action), sorted(action.get())));
    if let Some(element) = resource {
        members.push((element_name("Resource", element), sorted(element.get())));
    }
    if !conditions.is_empty() {
        let mut lines: Vec<_> = conditions
            .iter()
            .map(|c| {
                let mut values: Vec<String> = c.values.iter().map(String::from).collect();
                values.sort();
                values.dedup();
                (String::from(&c.operator_text), String::from(&c.key), values)
            })
            .collect();
        lines.sort_by_key(|(operator, key, _)| (operator.to_ascii_lowercase(), key.to_ascii_lowercase()));
        // The spelling of the document has no doubles; the grouping leaves it as it is then.
        members.push(("Condition".to_owned(), condition_json(lines.into_iter())));
    }
    Json::Object(members).pretty()
}

fn sorted(list: &[Text]) -> Json {
    let mut list: Vec<String> = list.iter().map(String::from).collect();
    list.sort_by_key(|text| (text.to_ascii_lowercase(), text.clone()));
    list.dedup();
    Json::strings(list)
}
