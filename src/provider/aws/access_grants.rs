//! S3 Access Grants of one account and region (S3 API reference, S3 Control: ListAccessGrantsInstances, ListAccessGrants,
//! ListAccessGrantsLocations; S3 User Guide, "Managing access with S3 Access Grants").

use std::collections::BTreeMap;

use reqwest::Method;

use super::access_point::{PAGE, target};
use super::error::{Answer, Failure};
use super::failure::shortened;
use super::s3control::{call, success};
use super::signed::{Response, Signer};
use super::xml;
use crate::model::Fact;
use crate::model::access_grant::{AccessGrant, Grantee};

/// A list of S3 Control: its operation, its path and the element of one entry.
struct List {
    operation: &'static str,
    path: &'static str,
    entry: &'static str,
}

const INSTANCES: List =
    List { operation: "ListAccessGrantsInstances", path: "accessgrantsinstances", entry: "AccessGrantsInstance" };
const GRANTS: List = List { operation: "ListAccessGrants", path: "accessgrantsinstance/grants", entry: "AccessGrant" };
const LOCATIONS: List = List {
    operation: "ListAccessGrantsLocations",
    path: "accessgrantsinstance/locations",
    entry: "AccessGrantsLocation",
};

/// Texts of one entry by name.
type Entry = BTreeMap<String, String>;

/// Every grant with the role of its location. An account has one instance in a region, or none.
pub(super) async fn list(signer: &Signer, account: Option<&str>) -> Answer {
    if all(signer, account, &INSTANCES).await?.is_empty() {
        return Ok(None);
    }
    let grants = all(signer, account, &GRANTS).await?;
    let locations = all(signer, account, &LOCATIONS).await?;
    let role = |id: &str| {
        let of = |location: &&Entry| location.get("AccessGrantsLocationId").is_some_and(|one| one == id);
        locations.iter().find(of).and_then(|location| location.get("IAMRoleArn").cloned())
    };
    let grants = grants.iter().map(|entry| grant(entry, role)).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Fact::AccessGrants(grants)))
}

async fn all(signer: &Signer, account: Option<&str>, list: &List) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut query = vec![("maxResults", PAGE)];
        query.extend(token.as_deref().map(|token| ("nextToken", token)));
        let call = call(signer, account, list.operation, Method::GET, &target(list.path, &query)?, String::new())?;
        let read = |response: &Response| success(response).and_then(|()| page(list, &response.body));
        let (page, next) = signer.read(&call, read).await?;
        entries.extend(page);
        if next.is_some() && next == token {
            return Err(Failure::incomplete(format!("{} names the same page as the next", list.operation)));
        }
        token = next;
        if token.is_none() {
            return Ok(entries);
        }
    }
}

fn page(list: &List, body: &str) -> Result<(Vec<Entry>, Option<String>), Failure> {
    if !body.contains(&format!("{}Result", list.operation)) {
        return Err(wrong(body));
    }
    let entries = xml::split(body, list.entry).map_err(|_| wrong(body))?;
    let texts = xml::all(body).map_err(|_| wrong(body))?;
    let next = texts.into_iter().find(|(name, text)| name == "NextToken" && !text.is_empty()).map(|(_, text)| text);
    Ok((entries.into_iter().map(|entry| entry.into_iter().collect()).collect(), next))
}

fn grant(entry: &Entry, role: impl Fn(&str) -> Option<String>) -> Result<AccessGrant, Failure> {
    let text = |name: &str| {
        let missing = || Failure::incomplete(format!("an access grant has no `{name}`"));
        entry.get(name).filter(|text| !text.is_empty()).cloned().ok_or_else(missing)
    };
    let name = text("GranteeIdentifier")?;
    let grantee = match text("GranteeType")?.as_str() {
        "IAM" => Grantee::Iam(name),
        "DIRECTORY_USER" => Grantee::DirectoryUser(name),
        "DIRECTORY_GROUP" => Grantee::DirectoryGroup(name),
        other => return Err(Failure::incomplete(format!("`{other}` is no kind of grantee"))),
    };
    Ok(AccessGrant {
        id: text("AccessGrantId")?,
        grantee,
        permission: text("Permission")?,
        scope: text("GrantScope")?,
        role: role(&text("AccessGrantsLocationId")?),
    })
}

fn wrong(body: &str) -> Failure {
    Failure::incomplete(format!("the access grants could not be read: {}", shortened(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "<ListAccessGrantsResult><AccessGrantsList><AccessGrant><AccessGrantId>g</AccessGrantId><Grantee>\
        <GranteeType>IAM</GranteeType><GranteeIdentifier>arn:aws:iam::1:role/R</GranteeIdentifier></Grantee>\
        <Permission>READ</Permission><AccessGrantsLocationId>l</AccessGrantsLocationId><AccessGrantsLocationConfiguration>\
        <S3SubPrefix>audit/*</S3SubPrefix></AccessGrantsLocationConfiguration><GrantScope>s3://b/audit/*</GrantScope>\
        </AccessGrant></AccessGrantsList></ListAccessGrantsResult>";

    #[test]
    fn grants_have_the_role_of_their_location() {
        let (entries, next) = page(&GRANTS, ONE).unwrap();
        assert_eq!((entries.len(), next), (1, None));
        let role = |id: &str| (id == "l").then(|| "arn:aws:iam::1:role/Lent".to_owned());
        let found = grant(&entries[0], role).unwrap();
        assert_eq!(found.grantee, Grantee::Iam("arn:aws:iam::1:role/R".to_owned()));
        assert_eq!((found.scope.as_str(), found.role.as_deref()), ("s3://b/audit/*", Some("arn:aws:iam::1:role/Lent")));
        assert!(page(&LOCATIONS, ONE).is_err(), "another list");
    }

    #[test]
    fn what_is_not_understood_is_no_empty_list() {
        for body in ["", "<html/>", "<ErrorResponse/>"] {
            assert!(page(&GRANTS, body).is_err(), "{body}");
        }
        for (from, to) in [("IAM", "MACHINE"), ("<Permission>READ</Permission>", ""), ("s3://b/audit/*", "")] {
            let (entries, _) = page(&GRANTS, &ONE.replace(from, to)).unwrap();
            assert!(grant(&entries[0], |_| None).is_err(), "{from}");
        }
    }
}
