//! Policies of the organization, from live state or from a file (E4, E5).

use std::sync::Arc;

use crate::model::live::Read;
use crate::model::organization::OrganizationLevel;
use crate::model::{Fact, Observed};

use super::allowed::Sheet;
use super::estate::Estate;

/// What limits the account from above.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    /// `o-…`; `Absent` when the account is certainly in no organization.
    pub organization: Option<Observed<String>>,
    /// Service control policies, a list per level.
    pub service_control: Vec<Vec<Arc<Sheet>>>,
    pub resource_control: Vec<Arc<Sheet>>,
    /// Whether the policies are known, or only taken to allow everything.
    pub known: bool,
}

impl Limits {
    pub fn of(estate: &mut Estate<'_>) -> Self {
        let organization = estate.read(Read::Organization, Fact::organization);
        let (id, management) = match organization {
            Observed::Present(found) => {
                (found.id.map_or(Observed::Absent, Observed::Present), found.management_account)
            }
            Observed::Absent => (Observed::Absent, None),
            Observed::Unknown(gap) => (Observed::Unknown(gap), None),
        };
        let mut limits = Self { organization: Some(id), known: true, ..Self::default() };
        // Neither kind of policy acts on the management account.
        if management.as_deref() == Some(estate.account()) {
            return limits;
        }
        match estate.read(Read::OrganizationPolicies, Fact::organization_levels) {
            Observed::Present(levels) => limits.add(&levels, estate),
            Observed::Absent => {}
            Observed::Unknown(_) => {
                limits.known = false;
                estate.assume(
                    "organization-policies-not-read",
                    "service and resource control policies were not read: they are taken to allow everything, which can \
                     only make more principals appear here; `--organization FILE` supplies them",
                );
            }
        }
        limits
    }

    fn add(&mut self, levels: &[OrganizationLevel], estate: &Estate<'_>) {
        for OrganizationLevel { target, service_control, resource_control } in levels {
            let read = |kind: &str, arn: &str, text: &str| {
                let name = arn.rsplit('/').next().unwrap_or(arn);
                estate.library.read(&format!("{kind} {name} on {target}"), text)
            };
            // No policy at all means that the organization does not use the type.
            if !service_control.is_empty() {
                let level = service_control.iter().map(|policy| read("SCP", &policy.arn, &policy.text));
                self.service_control.push(level.collect());
            }
            self.resource_control.extend(resource_control.iter().map(|policy| read("RCP", &policy.arn, &policy.text)));
        }
    }
}
