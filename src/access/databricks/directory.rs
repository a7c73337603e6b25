//! Who stands behind a name in a grant: groups are expanded to their members, nested ones too.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::unity_catalog::{DatabricksIdentity, DatabricksIdentityKind};

use super::super::assessment::PrincipalKind;

/// The group that holds everybody of the account (Databricks docs, "Manage groups", "System groups").
const EVERYBODY: &str = "account users";

/// Owner of what Databricks itself provides; nobody can sign in as it.
pub(super) const SYSTEM_USER: &str = "System user";

/// A person or program that a grant reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub name: String,
    pub kind: PrincipalKind,
    /// Groups on the way, from the one that the grant names; empty when it names the member itself.
    pub through: Vec<String>,
    pub account_admin: bool,
}

/// Identities of one Databricks account.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    by_id: BTreeMap<String, DatabricksIdentity>,
    by_name: BTreeMap<String, String>,
    /// Whether the identities were read at all.
    pub known: bool,
}

impl Directory {
    pub fn of(identities: Option<Vec<DatabricksIdentity>>) -> Self {
        let known = identities.is_some();
        let mut directory = Self { known, ..Self::default() };
        for identity in identities.unwrap_or_default() {
            directory.by_name.insert(identity.name.to_lowercase(), identity.id.clone());
            directory.by_id.insert(identity.id.clone(), identity);
        }
        directory
    }

    /// Everybody behind a name. A name that the directory does not know stands for itself, a group of it included, since
    /// workspace-local groups are listed nowhere at account level.
    pub fn expand(&self, name: &str) -> Vec<Member> {
        if name.eq_ignore_ascii_case(EVERYBODY) && self.known {
            let people = self.by_id.values().filter(|one| one.kind != DatabricksIdentityKind::Group && one.active);
            return people.map(|one| member(one, vec![EVERYBODY.to_owned()])).collect();
        }
        match self.by_name.get(&name.to_lowercase()).and_then(|id| self.by_id.get(id)) {
            Some(identity) => {
                let mut found = BTreeSet::new();
                self.collect(identity, &[], &mut BTreeSet::new(), &mut found);
                found.into_iter().collect()
            }
            None => vec![Member {
                name: name.to_owned(),
                kind: kind_by_spelling(name),
                through: Vec::new(),
                account_admin: false,
            }],
        }
    }

    /// Whoever is an account admin, by themselves or through a group.
    pub fn account_admins(&self) -> Vec<Member> {
        let mut found = BTreeSet::new();
        for identity in self.by_id.values().filter(|identity| identity.account_admin) {
            self.collect(identity, &[], &mut BTreeSet::new(), &mut found);
        }
        found.into_iter().collect()
    }

    fn collect(
        &self,
        identity: &DatabricksIdentity,
        through: &[String],
        seen: &mut BTreeSet<String>,
        found: &mut BTreeSet<Member>,
    ) {
        if identity.kind != DatabricksIdentityKind::Group {
            // Somebody who was deactivated cannot sign in.
            if identity.active {
                found.insert(member(identity, through.to_vec()));
            }
            return;
        }
        // Groups may contain each other.
        if !seen.insert(identity.id.clone()) {
            return;
        }
        let through: Vec<String> = through.iter().cloned().chain([identity.name.clone()]).collect();
        for id in &identity.members {
            match self.by_id.get(id) {
                Some(inner) => self.collect(inner, &through, seen, found),
                None => {
                    let name = format!("member {id} of group {}", identity.name);
                    let kind = PrincipalKind::DatabricksGroup;
                    found.insert(Member { name, kind, through: through.clone(), account_admin: false });
                }
            }
        }
    }
}

fn member(identity: &DatabricksIdentity, through: Vec<String>) -> Member {
    let kind = match identity.kind {
        DatabricksIdentityKind::User => PrincipalKind::DatabricksUser,
        DatabricksIdentityKind::ServicePrincipal => PrincipalKind::DatabricksServicePrincipal,
        DatabricksIdentityKind::Group => PrincipalKind::DatabricksGroup,
    };
    Member { name: identity.name.clone(), kind, through, account_admin: identity.account_admin }
}

/// Users are named by e-mail, service principals by a UUID, groups by anything.
fn kind_by_spelling(name: &str) -> PrincipalKind {
    let uuid = name.len() == 36 && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match name {
        _ if uuid => PrincipalKind::DatabricksServicePrincipal,
        _ if name.contains('@') => PrincipalKind::DatabricksUser,
        _ => PrincipalKind::DatabricksGroup,
    }
}
