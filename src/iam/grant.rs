//! KMS grants (KMS Developer Guide, "Grants in AWS KMS"): they only allow, one key, listed operations, one grantee (K3).

use std::collections::BTreeMap;

use crate::model::key::Grant;

use super::context::{Context, Lookup};
use super::evaluate::Request;
use super::principal::{Level, Principal, aws_level};
use super::truth::Truth;

const ENCRYPTION_CONTEXT: &str = "kms:EncryptionContext:";

/// Operations that take an encryption context; a grant's constraint is checked against it.
const WITH_CONTEXT: [&str; 8] = [
    "decrypt",
    "encrypt",
    "generatedatakey",
    "generatedatakeywithoutplaintext",
    "generatedatakeypair",
    "generatedatakeypairwithoutplaintext",
    "reencryptfrom",
    "reencryptto",
];

/// Whether a grant covers a request on its key.
pub(super) fn grant_covers(grant: &Grant, request: &Request, context: &Context) -> Truth {
    let Some((_, operation)) = request.action.split_once(':') else {
        return Truth::No;
    };
    if operation.eq_ignore_ascii_case("RetireGrant")
        && let Some(retiring) = &grant.retiring
        && aws_level(retiring, &request.principal).reaches(Level::Account).possible()
    {
        return aws_level(retiring, &request.principal).reaches(Level::Account);
    }
    if !grant.operations.iter().any(|granted| granted.eq_ignore_ascii_case(operation)) {
        return Truth::No;
    }
    let grantee = match &request.principal {
        // KMS shows the name of a service for the principals that the service uses.
        Principal::Service { name } if *name == grant.grantee => Truth::Unknown,
        // An account as grantee stands for its principals.
        principal => aws_level(&grant.grantee, principal).reaches(Level::Account),
    };
    let constraint = match &grant.constraints {
        None => Truth::Yes,
        Some(text) => constraint_holds(text, &operation.to_ascii_lowercase(), context),
    };
    grantee.and(constraint)
}

fn constraint_holds(text: &str, operation: &str, context: &Context) -> Truth {
    if operation == "describekey" {
        return Truth::Yes;
    }
    if !WITH_CONTEXT.contains(&operation) {
        return Truth::Unknown;
    }
    let Ok(constraints) = serde_json::from_str::<BTreeMap<String, Option<BTreeMap<String, String>>>>(text) else {
        return Truth::Unknown;
    };
    Truth::all(constraints.iter().filter_map(|(name, pairs)| Some((name, pairs.as_ref()?))).map(|(name, pairs)| {
        match name.as_str() {
            "EncryptionContextSubset" => subset(pairs, context),
            "EncryptionContextEquals" => subset(pairs, context).and(nothing_else(pairs, context)),
            _ => Truth::Unknown,
        }
    }))
}

/// Names and values compare with case here, unlike condition keys.
fn subset(pairs: &BTreeMap<String, String>, context: &Context) -> Truth {
    Truth::all(pairs.iter().map(|(name, value)| {
        let given = context.with_prefix(ENCRYPTION_CONTEXT).any(|(n, list)| n == name && list == [value.clone()]);
        match context.lookup(&format!("{ENCRYPTION_CONTEXT}{name}")) {
            Lookup::Unknown => Truth::Unknown,
            _ => given.into(),
        }
    }))
}

fn nothing_else(pairs: &BTreeMap<String, String>, context: &Context) -> Truth {
    let extra =
        context.with_prefix(ENCRYPTION_CONTEXT).any(|(name, list)| !list.is_empty() && !pairs.contains_key(name));
    match (extra, context.may_have_more(ENCRYPTION_CONTEXT)) {
        (true, _) => Truth::No,
        (false, true) => Truth::Unknown,
        (false, false) => Truth::Yes,
    }
}
