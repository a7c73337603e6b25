//! Account SCIM: users, groups and service principals (SDK `service/iam.py`
//! `Account{Users,Groups,ServicePrincipals}API`).

use hyper::StatusCode;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::errors::ApiError;
use super::options::Options;
use super::route::Operation;
use super::state::{Data, Principal};

const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Group,
    ServicePrincipal,
}

fn kind(operation: Operation) -> Kind {
    match operation {
        Operation::ListUsers | Operation::GetUser => Kind::User,
        Operation::ListGroups | Operation::GetGroup => Kind::Group,
        _ => Kind::ServicePrincipal,
    }
}

fn all(kind: Kind, data: &Data) -> &[Principal] {
    match kind {
        Kind::User => &data.users,
        Kind::Group => &data.groups,
        Kind::ServicePrincipal => &data.service_principals,
    }
}

/// A list: `startIndex` counts from 1; `Resources` is missing when the page is empty. Accounts
/// created after 2025-08-22 do not list members of groups (docstring of `AccountGroupsAPI.list`).
pub fn list(call: &Call, options: &Options, data: &Data) -> Result<Reply, ApiError> {
    let kind = kind(call.route.operation);
    let filter = call.parameter("filter").map(Filter::parse).transpose()?;
    let number = |name: &str, default: usize| {
        let given = call.parameter(name).map(str::parse::<usize>);
        given
            .transpose()
            .map_err(|_| ApiError::scim(StatusCode::BAD_REQUEST, format!("Invalid {name}.")))
            .map(|value| value.unwrap_or(default))
    };
    let (start, count) = (number("startIndex", 1)?.max(1), number("count", 100)?.min(options.scim_page_size));
    let matching: Vec<&Principal> =
        all(kind, data).iter().filter(|one| filter.as_ref().is_none_or(|filter| filter.matches(one))).collect();
    let members = options.group_list_has_members;
    let page: Vec<Value> =
        matching.iter().skip(start - 1).take(count).map(|one| resource(kind, one, members)).collect();
    let mut reply = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": matching.len(),
        "startIndex": start,
        "itemsPerPage": page.len(),
    });
    if let (false, Some(fields)) = (page.is_empty(), reply.as_object_mut()) {
        fields.insert("Resources".to_owned(), Value::Array(page));
    }
    Ok(Reply::Json(reply))
}

/// One principal, with its members.
pub fn get(call: &Call, data: &Data) -> Result<Reply, ApiError> {
    let kind = kind(call.route.operation);
    let id = call.argument(0);
    let found = all(kind, data).iter().find(|one| one.id == id).map(|one| resource(kind, one, true));
    found.map(Reply::Json).ok_or_else(|| {
        let name = match kind {
            Kind::User => "User",
            Kind::Group => "Group",
            Kind::ServicePrincipal => "ServicePrincipal",
        };
        ApiError::scim(StatusCode::NOT_FOUND, format!("{name} with id {id} not found."))
    })
}

fn resource(kind: Kind, one: &Principal, members: bool) -> Value {
    let roles: Vec<Value> = one.roles.iter().map(|role| json!({ "value": role })).collect();
    let mut value = json!({ "id": one.id, "displayName": one.display_name, "roles": roles });
    let Some(fields) = value.as_object_mut() else { return value };
    match kind {
        Kind::User => {
            fields.insert("userName".to_owned(), json!(one.name));
            fields.insert("active".to_owned(), json!(one.active));
            fields.insert("emails".to_owned(), json!([{ "value": one.name, "primary": true, "type": "work" }]));
        }
        Kind::Group if members => {
            let members: Vec<Value> =
                one.members.iter().map(|(id, name)| json!({ "value": id, "display": name })).collect();
            fields.insert("members".to_owned(), Value::Array(members));
        }
        Kind::Group => {}
        Kind::ServicePrincipal => {
            fields.insert("applicationId".to_owned(), json!(one.name));
            fields.insert("active".to_owned(), json!(one.active));
        }
    }
    if let Some(external) = &one.external_id {
        fields.insert("externalId".to_owned(), json!(external));
    }
    value
}

/// `attribute op "value"`, the part of RFC 7644 section 3.4.2.2 that clients use here.
struct Filter {
    attribute: String,
    operator: String,
    value: String,
}

impl Filter {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let refuse = || ApiError::scim(StatusCode::BAD_REQUEST, format!("Invalid filter: {text}"));
        let mut words = text.trim().splitn(3, ' ');
        let (attribute, operator) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let value = words.next().unwrap_or_default().trim().trim_matches('"');
        let known = matches!(
            attribute.to_ascii_lowercase().as_str(),
            "displayname" | "username" | "applicationid" | "externalid" | "id"
        );
        if !known || !matches!(operator, "eq" | "co" | "sw" | "ne") {
            return Err(refuse());
        }
        Ok(Self {
            attribute: attribute.to_ascii_lowercase(),
            operator: operator.to_owned(),
            value: value.to_lowercase(),
        })
    }

    fn matches(&self, one: &Principal) -> bool {
        let actual = match self.attribute.as_str() {
            "displayname" => one.display_name.to_lowercase(),
            "externalid" => one.external_id.as_deref().unwrap_or_default().to_lowercase(),
            "id" => one.id.to_lowercase(),
            _ => one.name.to_lowercase(),
        };
        match self.operator.as_str() {
            "co" => actual.contains(&self.value),
            "sw" => actual.starts_with(&self.value),
            "ne" => actual != self.value,
            _ => actual == self.value,
        }
    }
}
