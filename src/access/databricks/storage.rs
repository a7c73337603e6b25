//! Who reaches the log prefix through Unity Catalog: external locations, volumes and tables above or below it, whose role
//! can do it in AWS (Databricks docs, "Connect to cloud object storage using Unity Catalog").

use crate::model::unity_catalog::{ExternalLocation, StorageCredential, StoredKind, StoredObject};

use super::super::assessment::{Hop, PrincipalAccess};
use super::{Findings, Holding, Metastore, Question, Verdict, View};

/// A privilege of Databricks for each question that it answers.
struct Rights {
    question: Question,
    credential: &'static [&'static str],
    location: &'static [&'static str],
    volume: &'static [&'static str],
    table: &'static [&'static str],
}

const RIGHTS: [Rights; 3] = [
    Rights {
        question: Question::Read,
        credential: &["READ_FILES"],
        location: &["READ_FILES"],
        volume: &["READ_VOLUME"],
        table: &["SELECT"],
    },
    Rights {
        question: Question::Write,
        credential: &["WRITE_FILES"],
        location: &["WRITE_FILES"],
        volume: &["WRITE_VOLUME"],
        table: &["MODIFY"],
    },
    Rights {
        question: Question::Tamper,
        credential: &["WRITE_FILES"],
        location: &["WRITE_FILES"],
        volume: &["WRITE_VOLUME"],
        table: &["MODIFY"],
    },
];

/// Privileges that let somebody define a thing over the path and then read it.
const DEFINES: [&str; 4] =
    ["CREATE_EXTERNAL_TABLE", "CREATE_EXTERNAL_VOLUME", "CREATE_MANAGED_STORAGE", "CREATE_FOREIGN_CATALOG"];

pub(super) fn assess(
    view: &View<'_>,
    metastore: &Metastore,
    roles: &dyn Fn(&str) -> Vec<PrincipalAccess>,
    findings: &mut Findings,
) {
    // A credential without a role is of another kind, or hidden: what is hidden is said with the metastore's visibility.
    let able = |role: &str| roles(role).into_iter().filter(|one| one.verdict.possible()).collect::<Vec<_>>();
    for credential in &metastore.credentials {
        let Some(role) = &credential.role_arn else { continue };
        let reach = able(role);
        for rights in &RIGHTS {
            for access in reach.iter().filter(|one| one.question == rights.question) {
                for holding in holdings(view, metastore, credential, rights) {
                    through(view, &holding, role, access, findings);
                }
            }
        }
    }
    for credential in &metastore.service_credentials {
        let Some(role) = &credential.role_arn else { continue };
        let mut holders = metastore.holders("credential", &credential.name, &["ACCESS"]);
        holders.push(owner(&credential.owner, "service credential", &credential.name, true));
        holders.retain(|holding| !holding.principal.is_empty());
        for access in able(role).iter() {
            for holding in &holders {
                through(view, holding, role, access, findings);
            }
        }
    }
}

/// Whoever may use a credential for the logs, in whatever way.
fn holdings(view: &View<'_>, metastore: &Metastore, credential: &StorageCredential, rights: &Rights) -> Vec<Holding> {
    let writes = rights.question != Question::Read;
    if writes && credential.read_only {
        return Vec::new();
    }
    let mut all = metastore.holders("storage_credential", &credential.name, rights.credential);
    all.push(owner(&credential.owner, "storage credential", &credential.name, true));
    for mut holding in metastore.holders("storage_credential", &credential.name, &["CREATE_EXTERNAL_LOCATION"]) {
        holding.must_grant_itself = true;
        all.push(holding);
    }
    let here = |location: &&ExternalLocation| {
        location.credential_name == credential.name || location.credential_name.is_empty()
    };
    for location in metastore.locations.iter().filter(here) {
        // A path that is hidden from the caller may be any.
        let meets = location.url.as_ref().is_none_or(|url| overlaps(view, url));
        if !meets || (writes && location.read_only) {
            continue;
        }
        all.extend(metastore.holders("external_location", &location.name, rights.location));
        all.push(owner(&location.owner, "external location", &location.name, false));
        for mut holding in metastore.holders("external_location", &location.name, &DEFINES) {
            holding.must_grant_itself = true;
            all.push(holding);
        }
    }
    for object in metastore.objects.iter().filter(|object| served(view, metastore, credential, object)) {
        let privileges = match object.kind {
            StoredKind::Volume => rights.volume,
            StoredKind::Table => rights.table,
            // What is managed below a catalog or schema lies in its storage.
            StoredKind::Catalog | StoredKind::Schema => &[],
        };
        if !privileges.is_empty() {
            all.extend(metastore.inherited(object.kind, &object.full_name, privileges));
        }
    }
    all.retain(|holding| !holding.principal.is_empty() && holding.principal != super::directory::SYSTEM_USER);
    all.sort();
    all.dedup();
    all
}

fn owner(name: &str, what: &str, of: &str, must_grant_itself: bool) -> Holding {
    Holding { principal: name.to_owned(), how: format!("owner of {what} `{of}`"), must_grant_itself }
}

/// Whether a thing lies on the logs and Unity Catalog serves it with this credential: that of the closest location.
fn served(view: &View<'_>, metastore: &Metastore, credential: &StorageCredential, object: &StoredObject) -> bool {
    let Some(path) = &object.location else { return false };
    if !overlaps(view, path) {
        return false;
    }
    let closest = metastore
        .locations
        .iter()
        .filter(|location| location.url.as_ref().is_some_and(|url| is_above(url, path)))
        .max_by_key(|location| location.url.as_ref().map_or(0, String::len));
    // Without a location that is seen, any credential may serve it.
    closest.is_none_or(|location| location.credential_name == credential.name || location.credential_name.is_empty())
}

fn through(view: &View<'_>, holding: &Holding, role: &str, access: &PrincipalAccess, findings: &mut Findings) {
    let mut template = view.template(access.question, &access.object_class);
    template.actions.clone_from(&access.actions);
    template.witness.s3.clone_from(&access.witness.s3);
    template.witness.kms.clone_from(&access.witness.kms);
    template.conditions.clone_from(&access.conditions);
    template.verdict = access.verdict;
    template.certain = access.certain;
    template.via = vec![Hop {
        role: role.to_owned(),
        by: "unity-catalog".to_owned(),
        statements: vec![holding.how.clone()],
        conditions: Vec::new(),
    }];
    if access.verdict == Verdict::Conditional && template.conditions.is_empty() {
        template.conditions.push(format!("as far as `{role}` can"));
    }
    view.people(holding, &template, findings);
}

/// Whether a path lies above or below the logs.
fn overlaps(view: &View<'_>, path: &str) -> bool {
    let delivery = &view.desired.delivery;
    let prefixes = std::iter::once(&delivery.prefix).chain(&delivery.previous_prefixes);
    prefixes.into_iter().any(|prefix| {
        let logs = format!("s3://{}/{prefix}", delivery.bucket);
        is_above(path, &logs) || is_above(&logs, path)
    })
}

/// Whether the first path is the second or contains it. Paths are compared by their parts.
fn is_above(above: &str, below: &str) -> bool {
    let (above, below) = (parts(above), parts(below));
    above.len() <= below.len() && above.iter().zip(&below).all(|(a, b)| a == b)
}

/// `s3://`, `s3a://` and `s3n://` name the same place.
fn parts(url: &str) -> Vec<&str> {
    let path = url.split_once("://").map_or(url, |(_, path)| path);
    path.split('/').filter(|part| !part.is_empty()).collect()
}
