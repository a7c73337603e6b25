//! Reads live state and says who can read, write, tamper with and list the logs.

use crate::access::{Assessment, assess};
use crate::model::live::{Query, Read};
use crate::model::organization::{Organization, OrganizationLevel};
use crate::model::{Desired, Fact, Live, Observed};
use crate::observe::observe_for_access;
use crate::plan::guard::Purpose;
use crate::plan::project;
use crate::provider::Reader;

use super::clock::today;
use super::plan::{PlanOptions, plan_from};

/// What `--organization FILE` holds: the policies that limit the account, from the root to the account itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationFile {
    /// `o-…`
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub management_account: Option<String>,
    pub levels: Vec<Level>,
}

/// One level of it. Policies are documents, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Root, organizational unit or account id.
    #[serde(default)]
    pub target: String,
    #[serde(default)]
    pub service_control: Vec<Policy>,
    #[serde(default)]
    pub resource_control: Vec<Policy>,
}

/// A policy with its name.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub name: String,
    pub policy: serde_json::Value,
}

impl OrganizationFile {
    /// Reads the text of such a file.
    ///
    /// # Errors
    /// When it is no JSON, or has another shape.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    fn levels(&self) -> Vec<OrganizationLevel> {
        let policies = |all: &[Policy]| {
            all.iter()
                .map(|one| crate::model::authorization::ManagedPolicy {
                    arn: one.name.clone(),
                    text: one.policy.to_string(),
                })
                .collect()
        };
        self.levels
            .iter()
            .map(|level| OrganizationLevel {
                target: level.target.clone(),
                service_control: policies(&level.service_control),
                resource_control: policies(&level.resource_control),
            })
            .collect()
    }
}

/// Reads everything that has a say and judges it: as it is or, when asked for, as it will be once the plan is applied.
pub async fn access<R: Reader>(
    reader: &R,
    desired: &[Desired],
    organization: Option<&OrganizationFile>,
    planned: bool,
) -> Assessment {
    let mut live = observe_for_access(reader, desired).await;
    if let Some(file) = organization {
        supply(&mut live, desired, file);
    }
    if planned {
        let options = PlanOptions { today: today(), ..PlanOptions::default() };
        for step in &plan_from(&live, desired, &options, Purpose::Plan).steps {
            project(&mut live, step);
        }
    }
    assess(desired, &live)
}

/// Puts the file's policies in the place of what could not be read. What was read is what is in force.
pub fn supply(live: &mut Live, desired: &[Desired], file: &OrganizationFile) {
    for one in desired {
        let facts: [(Read, Fact); 2] = [
            (
                Read::Organization,
                Organization { id: file.id.clone(), management_account: file.management_account.clone() }.into(),
            ),
            (Read::OrganizationPolicies, Fact::OrganizationLevels(file.levels())),
        ];
        for (read, fact) in facts {
            let query = Query { place: one.aws_place(), read };
            if live.get(&query).is_unknown() {
                live.set(query, Observed::Present(fact));
            }
        }
    }
}
