//! Who is who in Databricks: users, service principals and groups of the account, and the caller (SCIM).
//! Requests and answers: docs.databricks.com/api/account, databricks-sdk-py `service/iam.py`.

use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::{DatabricksClient, decode};
use super::endpoint::Target;
use super::error::Failure;
use super::page::Paging;
use crate::model::unity_catalog::{DatabricksCaller, DatabricksIdentity, DatabricksIdentityKind};

/// Groups fetched at one time.
const FETCHES: usize = 8;
/// The role of whoever administers the account.
const ACCOUNT_ADMIN: &str = "account_admin";

/// A user, a service principal or a group: each names itself by a field of its own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdentityAnswer {
    id: String,
    user_name: Option<String>,
    application_id: Option<String>,
    display_name: Option<String>,
    active: Option<bool>,
    roles: Option<Vec<Reference>>,
    members: Option<Vec<Reference>>,
}

#[derive(Deserialize)]
struct Reference {
    value: Option<String>,
    display: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallerAnswer {
    user_name: Option<String>,
    groups: Option<Vec<Reference>>,
}

impl IdentityAnswer {
    fn identity(self, kind: DatabricksIdentityKind) -> Result<DatabricksIdentity, Failure> {
        let name = match kind {
            DatabricksIdentityKind::User => self.user_name,
            DatabricksIdentityKind::ServicePrincipal => self.application_id,
            DatabricksIdentityKind::Group => self.display_name,
        };
        let unnamed = || Failure::Answer(format!("identity {} without the name that grants use", self.id));
        let name = name.filter(|name| !name.is_empty()).ok_or_else(unnamed)?;
        let mut members = Vec::new();
        for member in self.members.unwrap_or_default() {
            let member = member.value.filter(|id| !id.is_empty());
            members.push(member.ok_or_else(|| Failure::Answer(format!("group {} has a member without id", self.id)))?);
        }
        members.sort();
        members.dedup();
        let roles = self.roles.unwrap_or_default();
        Ok(DatabricksIdentity {
            account_admin: roles.iter().any(|role| role.value.as_deref() == Some(ACCOUNT_ADMIN)),
            // Left out for who was never deactivated.
            active: self.active.unwrap_or(true),
            id: self.id,
            kind,
            name,
            members,
        })
    }
}

impl DatabricksClient {
    pub(super) async fn identities(&self) -> Result<Vec<DatabricksIdentity>, Failure> {
        use DatabricksIdentityKind::{Group, ServicePrincipal, User};
        let (users, principals, groups) =
            futures::try_join!(self.scim("Users"), self.scim("ServicePrincipals"), self.groups())?;
        let users = users.into_iter().map(|answer: IdentityAnswer| answer.identity(User));
        let principals = principals.into_iter().map(|answer: IdentityAnswer| answer.identity(ServicePrincipal));
        let groups = groups.into_iter().map(|answer| answer.identity(Group));
        let mut identities = users.chain(principals).chain(groups).collect::<Result<Vec<_>, _>>()?;
        identities.sort();
        Ok(identities)
    }

    /// Lists of accounts made after 2025-08-22 leave the members out: such a group is asked for by itself.
    async fn groups(&self) -> Result<Vec<IdentityAnswer>, Failure> {
        let listed: Vec<IdentityAnswer> = self.scim("Groups").await?;
        futures::stream::iter(listed)
            .map(|group| async move {
                if group.members.as_ref().is_some_and(|members| !members.is_empty()) {
                    return Ok(group);
                }
                let url = self.hosts().account_url(&["scim", "v2", "Groups", &group.id])?;
                decode(self.get(&Target::Account, url).await?)
            })
            .buffered(FETCHES)
            .try_collect()
            .await
    }

    async fn scim<T: DeserializeOwned>(&self, resource: &str) -> Result<Vec<T>, Failure> {
        let url = self.hosts().account_url(&["scim", "v2", resource])?;
        self.list(&Target::Account, Paging::Scim.first(url), Paging::Scim).await
    }

    pub(super) async fn caller(&self, at: &Target) -> Result<DatabricksCaller, Failure> {
        let url = self.hosts().url(at, &["api", "2.0", "preview", "scim", "v2", "Me"], &[])?;
        let answer: CallerAnswer = decode(self.get(at, url).await?)?;
        let name = answer.user_name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Failure::Answer("a caller without a name".to_owned()))?;
        let mut groups: Vec<String> =
            answer.groups.unwrap_or_default().into_iter().filter_map(|group| group.display).collect();
        groups.sort();
        Ok(DatabricksCaller { name, groups })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn identity(kind: DatabricksIdentityKind, value: Value) -> Result<DatabricksIdentity, Failure> {
        decode::<IdentityAnswer>(value).and_then(|answer| answer.identity(kind))
    }

    #[test]
    fn everybody_is_named_as_grants_name_them() {
        use DatabricksIdentityKind::{Group, ServicePrincipal, User};
        let all = json!({"id": "1", "userName": "a@x", "applicationId": "uuid", "displayName": "A"});
        let name = |kind| identity(kind, all.clone()).unwrap().name;
        assert_eq!((name(User), name(ServicePrincipal), name(Group)), ("a@x".into(), "uuid".into(), "A".into()));
        for kind in [User, ServicePrincipal] {
            assert!(identity(kind, json!({"id": "1", "displayName": "A"})).is_err(), "{kind:?}");
        }
    }

    #[test]
    fn roles_members_and_activity() {
        let group = json!({"id": "9", "displayName": "g", "roles": [{"value": "account_admin"}],
            "members": [{"value": "2", "$ref": "Users/2"}, {"value": "1", "display": "x"}, {"value": "2"}]});
        let group = identity(DatabricksIdentityKind::Group, group).unwrap();
        assert!(group.account_admin && group.active);
        assert_eq!(group.members, ["1", "2"]);
        let user = json!({"id": "1", "userName": "a@x", "active": false, "roles": [{"value": "billing_admin"}]});
        let user = identity(DatabricksIdentityKind::User, user).unwrap();
        assert!(!user.account_admin && !user.active);
        // A member that cannot be told is not left out.
        let odd = json!({"id": "9", "displayName": "g", "members": [{"display": "somebody"}]});
        assert!(identity(DatabricksIdentityKind::Group, odd).is_err());
    }
}
