//! What a command needs, put together: policies for AWS, roles for Databricks, each with its reasons.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::Place;

use super::{Document, Permission, Requirement, documents};

/// Version of what `permissions --format json` prints.
pub const LISTING_VERSION: &str = "1.0";

/// The OAuth scope that the clients ask Databricks for; roles narrow what it gives.
const SCOPE: &str = "all-apis";

/// Requirements and why they are there, in words.
pub type Reasons = BTreeMap<Requirement, BTreeSet<String>>;

/// The least that a command has to be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    pub format_version: String,
    pub command: String,
    /// Whether account, region and names stand as words to be replaced, because no manifest was read.
    pub placeholders: bool,
    pub aws: Vec<AwsNeeds>,
    pub databricks: Vec<DatabricksNeeds>,
    /// What the policies cannot say.
    pub notes: Vec<String>,
}

/// What is needed in one AWS account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsNeeds {
    pub account: String,
    /// One, unless it would be longer than a managed policy may be.
    pub policies: Vec<Document>,
    pub actions: Vec<ActionNeed>,
}

/// One action, on what, and for which calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionNeed {
    pub action: String,
    pub resources: Vec<String>,
    pub because: Vec<String>,
}

/// What is needed in one Databricks account or workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabricksNeeds {
    pub place: String,
    pub role: String,
    pub scope: String,
    pub because: Vec<String>,
}

impl Listing {
    #[must_use]
    pub fn new(command: &str, reasons: &Reasons, notes: Vec<String>) -> Self {
        Self {
            format_version: LISTING_VERSION.to_owned(),
            command: command.to_owned(),
            placeholders: false,
            aws: aws(reasons),
            databricks: databricks(reasons),
            notes,
        }
    }
}

fn aws(reasons: &Reasons) -> Vec<AwsNeeds> {
    let needs = |(account, policies): (String, Vec<Document>)| {
        let mut actions: BTreeMap<&str, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
        for (one, because) in reasons {
            let (Permission::Aws(action), Some(own)) = (one.permission, one.place.aws_account()) else { continue };
            if own == account {
                let (resources, why) = actions.entry(action).or_default();
                resources.extend(one.resource.patterns(&one.place));
                why.extend(because.iter().cloned());
            }
        }
        let action = |(action, (resources, because)): (&str, (BTreeSet<String>, BTreeSet<String>))| ActionNeed {
            action: action.to_owned(),
            resources: resources.into_iter().collect(),
            because: because.into_iter().collect(),
        };
        AwsNeeds { account, policies, actions: actions.into_iter().map(action).collect() }
    };
    documents(reasons.keys()).into_iter().map(needs).collect()
}

/// Which workspace answers for a metastore is not known before Databricks is asked.
fn name(place: &Place) -> String {
    match place {
        Place::Workspace { deployment, .. } if deployment == "*" => {
            "Databricks, in a workspace of each metastore".to_owned()
        }
        Place::Workspace { deployment, .. } => format!("Databricks workspace {deployment}"),
        other => other.to_string(),
    }
}

fn databricks(reasons: &Reasons) -> Vec<DatabricksNeeds> {
    let mut roles: BTreeMap<(String, &str), BTreeSet<String>> = BTreeMap::new();
    for (one, because) in reasons {
        let Permission::Databricks(role) = one.permission else { continue };
        roles.entry((name(&one.place), role)).or_default().extend(because.iter().cloned());
    }
    let needs = |((place, role), because): ((String, &str), BTreeSet<String>)| DatabricksNeeds {
        place,
        role: role.to_owned(),
        scope: SCOPE.to_owned(),
        because: because.into_iter().collect(),
    };
    roles.into_iter().map(needs).collect()
}
