//! Requirements → the IAM policies that give exactly them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::Place;

use super::{Permission, Requirement, Resource};

/// Characters that a managed policy may have, whitespace not counted (IAM User Guide, "IAM and AWS STS quotas").
pub const MANAGED_POLICY_SIZE: usize = 6_144;

/// Condition key of KMS for the aliases of the key that a request is about.
const ALIASES: &str = "kms:ResourceAliases";

/// An identity policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    #[serde(rename = "Version")]
    pub version: String,
    #[serde(rename = "Statement")]
    pub statements: Vec<Statement>,
}

/// One statement of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Statement {
    pub sid: String,
    pub effect: String,
    pub action: Vec<String>,
    pub resource: Vec<String>,
    /// Operator → key → values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl Document {
    fn of(statements: Vec<Statement>) -> Self {
        Self { version: "2012-10-17".to_owned(), statements }
    }

    /// The text without whitespace, as its size is counted.
    #[must_use]
    pub fn minified(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The text to read and to paste.
    #[must_use]
    pub fn pretty(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// As many resources as a statement has at most, so that it fits into a policy.
const RESOURCES: usize = 40;

/// What an action is allowed on: a pattern of ARNs, and the alias that the key has to bear.
type On = (String, Option<String>);

/// The policies of each AWS account, by its number: one, unless it would be too long for a managed policy. Same
/// requirements, same text.
#[must_use]
pub fn documents<'a>(requirements: impl IntoIterator<Item = &'a Requirement>) -> BTreeMap<String, Vec<Document>> {
    let mut accounts: BTreeMap<String, BTreeMap<&'static str, BTreeSet<On>>> = BTreeMap::new();
    for one in requirements {
        let (Permission::Aws(action), Place::Aws { account, .. }) = (one.permission, &one.place) else { continue };
        let alias = match &one.resource {
            Resource::KeyNamed(alias) => Some(alias.clone()),
            _ => None,
        };
        let on = one.resource.patterns(&one.place).into_iter().map(|pattern| (pattern, alias.clone()));
        accounts.entry(account.clone()).or_default().entry(action).or_default().extend(on);
    }
    accounts.into_iter().map(|(account, actions)| (account, packed(statements(&actions)))).collect()
}

/// Whether everything that the second names is in the first.
fn covers(wide: &On, narrow: &On) -> bool {
    let open = wide.1.is_none() || wide.1 == narrow.1;
    let within = wide.0.strip_suffix('*').is_some_and(|head| narrow.0.starts_with(head));
    wide != narrow && open && (within || wide.0 == narrow.0)
}

fn statements(actions: &BTreeMap<&'static str, BTreeSet<On>>) -> Vec<Statement> {
    let mut grouped: BTreeMap<(String, Option<String>, Vec<String>), Vec<String>> = BTreeMap::new();
    for (action, all) in actions {
        let mut by_alias: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
        for on in all.iter().filter(|on| !all.iter().any(|other| covers(other, on))) {
            by_alias.entry(on.1.clone()).or_default().push(on.0.clone());
        }
        for (alias, patterns) in by_alias {
            for part in patterns.chunks(RESOURCES) {
                let key = (name(action), alias.clone(), part.to_vec());
                grouped.entry(key).or_default().push((*action).to_owned());
            }
        }
    }
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let statement = |((name, alias, resource), action): ((String, Option<String>, Vec<String>), Vec<String>)| {
        let count = used.entry(name.clone()).or_default();
        *count += 1;
        let sid = if *count == 1 { name } else { format!("{name}{count}") };
        let condition = alias
            .map(|alias| ("ForAnyValue:StringEquals".to_owned(), BTreeMap::from([(ALIASES.to_owned(), vec![alias])])));
        Statement { sid, effect: "Allow".to_owned(), action, resource, condition: condition.into_iter().collect() }
    };
    grouped.into_iter().map(statement).collect()
}

/// `S3Read`, `KmsWrite`: what the statement is for.
fn name(action: &str) -> String {
    let (service, operation) = action.split_once(':').unwrap_or((action, ""));
    let service = match service {
        "s3" => "S3",
        "kms" => "Kms",
        "iam" => "Iam",
        "organizations" => "Organizations",
        // Parameters hold the lock and nothing else.
        "ssm" => return "Lock".to_owned(),
        other => other,
    };
    let reads = ["Get", "List", "Describe", "Simulate"].iter().any(|verb| operation.starts_with(verb));
    format!("{service}{}", if reads { "Read" } else { "Write" })
}

/// As few documents as they fit into, in order.
fn packed(statements: Vec<Statement>) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    for statement in statements {
        let grown = documents.last().map(|last| {
            let all = last.statements.iter().cloned().chain(std::iter::once(statement.clone())).collect();
            Document::of(all)
        });
        match (grown, documents.last_mut()) {
            (Some(grown), Some(last)) if grown.minified().chars().count() <= MANAGED_POLICY_SIZE => *last = grown,
            _ => documents.push(Document::of(vec![statement])),
        }
    }
    documents
}
