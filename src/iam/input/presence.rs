//! What a request has although nobody said so.

use super::super::evaluate::Request;
use super::super::principal::Principal;

/// Keys that every request has ("AWS global condition context keys", 2026): C5.
const ALWAYS: [&str; 6] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:RequestedRegion",
    "aws:SecureTransport",
    "aws:UserAgent",
    "aws:ViaAWSService",
];

/// Keys that every request with temporary credentials has: C6.
const TEMPORARY: [&str; 2] = ["aws:MultiFactorAuthPresent", "aws:TokenIssueTime"];

fn value_of<'a>(request: &'a Request, key: &str) -> Option<&'a [String]> {
    request.context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, values)| values.as_slice())
}

/// `aws:userid` holds the unique id of the role or user (C4), by which a policy may name it (P3).
pub(super) fn learn_unique_id(request: &mut Request) {
    let Some([userid]) = value_of(request, "aws:userid") else { return };
    let learnt = userid.split(':').next().unwrap_or_default().to_owned();
    match &mut request.principal {
        Principal::RoleSession { role, .. } if learnt.starts_with("AROA") => role.id = Some(learnt),
        Principal::User { id, .. } if learnt.starts_with("AIDA") => *id = Some(learnt),
        _ => {}
    }
}

/// Keys that the request has, but whose value was not given.
pub(super) fn mark(request: &mut Request, (principal_in_organization, resource_in_organization): (bool, bool)) {
    let mut present: Vec<&str> = ALWAYS.to_vec();
    if matches!(request.principal, Principal::RoleSession { .. } | Principal::FederatedUser { .. }) {
        present.extend(TEMPORARY);
    }
    if principal_in_organization && request.principal.account().is_some() {
        present.extend(["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"]);
    }
    if resource_in_organization {
        present.extend(["aws:ResourceOrgID", "aws:ResourceOrgPaths"]);
    }
    present.retain(|key| value_of(request, key).is_none());
    request.unknown_keys.extend(present.into_iter().map(str::to_owned));
}
