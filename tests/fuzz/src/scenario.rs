//! Policies and contexts out of bytes: short lists of texts that meet each other often.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};

use crate::iam::{NamedPolicy, Policies, Request};

const OWNER: &str = "111122223333";
const OBJECT: &str = "arn:aws:s3:::b/audit/x.json";

const PRINCIPALS: [&str; 7] = [
    "arn:aws:sts::111122223333:assumed-role/R/s",
    "arn:aws:iam::111122223333:role/p/R",
    "arn:aws:iam::111122223333:user/u",
    "arn:aws:sts::444455556666:assumed-role/R/s",
    "arn:aws:iam::111122223333:root",
    "logging.s3.amazonaws.com",
    "anonymous",
];
const ELEMENTS: [&str; 8] = [
    r#""Principal":"*""#,
    r#""Principal":{"AWS":"111122223333"}"#,
    r#""Principal":{"AWS":"444455556666"}"#,
    r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/R"}"#,
    r#""Principal":{"AWS":["arn:aws:sts::111122223333:assumed-role/R/s","AROAEXAMPLEEXAMPLE123"]}"#,
    r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#,
    r#""NotPrincipal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/R"]}"#,
    r#""NotPrincipal":{"AWS":"arn:aws:iam::444455556666:root"}"#,
];
const ACTIONS: [&str; 6] = ["*", "s3:*", "s3:GetObject", "S3:get*", "s3:Put?bject", "kms:*"];
const RESOURCES: [&str; 9] = [
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/audit/*",
    "arn:aws:s3:::*/x.json",
    "arn:aws:s3:::c",
    "arn:aws:s3:::b/${aws:PrincipalTag/a}*",
    "arn:aws:s3:::b/a?dit/*.json",
    "arn:aws:*",
    "arn:aws:s3:::b/${*}",
];
/// Every key that a condition may ask for.
pub const KEYS: [&str; 11] = [
    "aws:PrincipalTag/a",
    "aws:principaltag/A",
    "aws:PrincipalArn",
    "aws:SourceVpce",
    "aws:SecureTransport",
    "aws:SourceIp",
    "aws:CurrentTime",
    "aws:MultiFactorAuthAge",
    "aws:TagKeys",
    "aws:ResourceTag/a",
    "custom:Key",
];
const OPERATORS: [&str; 20] = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "ArnLike",
    "ArnNotEquals",
    "Bool",
    "Null",
    "IpAddress",
    "NotIpAddress",
    "NumericLessThan",
    "NumericGreaterThanEquals",
    "DateLessThan",
    "DateNotEquals",
    "BinaryEquals",
    "Nonsense",
    "NumericEquals",
    "DateGreaterThanEquals",
];
const VALUES: [&str; 18] = [
    "a",
    "A",
    "audit",
    "a*",
    "*",
    "?",
    "true",
    "false",
    "10.0.0.0/8",
    "10.1.2.3",
    "2001:db8::/32",
    "300",
    "2026-06-01T00:00:00Z",
    "arn:aws:iam::111122223333:role/R",
    "arn:aws:iam::*:role/*",
    "${aws:PrincipalTag/a}",
    "${aws:SourceVpce, 'a'}",
    "",
];

fn list(u: &mut Unstructured<'_>, of: &[&str], most: usize) -> Result<String> {
    let count = u.int_in_range(1..=most)?;
    let items = (0..count).map(|_| Ok(serde_json::Value::from(*u.choose(of)?))).collect::<Result<Vec<_>>>()?;
    Ok(serde_json::Value::from(items).to_string())
}

fn condition(u: &mut Unstructured<'_>) -> Result<String> {
    let set = u.choose(&["", "", "", "ForAllValues:", "ForAnyValue:"])?;
    let operator = u.choose(&OPERATORS)?;
    let if_exists = if u.ratio(1, 4)? && *operator != "Null" { "IfExists" } else { "" };
    Ok(format!(r#"{{"{set}{operator}{if_exists}":{{"{}":{}}}}}"#, u.choose(&KEYS)?, list(u, &VALUES, 2)?))
}

fn statement(u: &mut Unstructured<'_>, with_principal: bool) -> Result<String> {
    let effect = u.choose(&["Allow", "Allow", "Deny"])?;
    let principal = if with_principal { format!("{},", u.choose(&ELEMENTS)?) } else { String::new() };
    let not = |u: &mut Unstructured<'_>| Ok::<_, arbitrary::Error>(if u.ratio(1, 8)? { "Not" } else { "" });
    let (no_action, action) = (not(u)?, list(u, &ACTIONS, 2)?);
    let (no_resource, resource) = (not(u)?, list(u, &RESOURCES, 2)?);
    let condition = if u.ratio(2, 3)? { format!(r#","Condition":{}"#, condition(u)?) } else { String::new() };
    Ok(format!(
        r#"{{"Effect":"{effect}",{principal}"{no_action}Action":{action},"{no_resource}Resource":{resource}{condition}}}"#
    ))
}

/// The text of a policy of up to four statements.
///
/// # Errors
/// When the bytes run out.
pub fn policy(u: &mut Unstructured<'_>, with_principal: bool) -> Result<String> {
    let count = u.int_in_range(0..=4)?;
    let statements = (0..count).map(|_| statement(u, with_principal)).collect::<Result<Vec<_>>>()?;
    let version = if u.ratio(7, 8)? { "2012-10-17" } else { "2008-10-17" };
    Ok(format!(r#"{{"Version":"{version}","Statement":[{}]}}"#, statements.join(",")))
}

/// A request without context.
///
/// # Errors
/// When the bytes run out.
pub fn request(u: &mut Unstructured<'_>) -> Result<Request> {
    let principal = u.choose(&PRINCIPALS)?.parse().map_err(|_| arbitrary::Error::IncorrectFormat)?;
    let mut request = Request::new(principal, "s3:GetObject", OBJECT);
    request.resource_account = Some(OWNER.to_owned());
    Ok(request)
}

/// The policies of a request.
///
/// # Errors
/// When the bytes run out.
pub fn policies(u: &mut Unstructured<'_>) -> Result<Policies> {
    let mut policies = Policies::default();
    policies.identity.push(NamedPolicy::read("identity", &policy(u, false)?));
    if u.ratio(1, 4)? {
        policies.boundary = Some(NamedPolicy::read("boundary", &policy(u, false)?));
    }
    if u.ratio(1, 4)? {
        policies.scps.push(vec![NamedPolicy::read("scp", &policy(u, false)?)]);
    }
    if u.ratio(2, 3)? {
        policies.resource = Some(NamedPolicy::read("resource", &policy(u, true)?));
    }
    Ok(policies)
}

/// Some keys with one value of the documented type, or, where lists are documented or nothing is, up to two.
///
/// # Errors
/// When the bytes run out.
pub fn context(u: &mut Unstructured<'_>) -> Result<BTreeMap<String, Vec<String>>> {
    let mut context = BTreeMap::new();
    for key in KEYS {
        if key == "aws:principaltag/A" || key == "aws:PrincipalArn" || u.ratio(1, 2)? {
            continue;
        }
        let values = match key {
            "aws:SecureTransport" => vec![u.choose(&["true", "false"])?],
            "aws:SourceIp" => vec![u.choose(&["10.1.2.3", "203.0.113.7", "2001:db8::1"])?],
            "aws:MultiFactorAuthAge" => vec![u.choose(&["0", "300", "301"])?],
            "aws:CurrentTime" => vec![u.choose(&["2026-06-01T00:00:00Z", "2026-05-31T00:00:00Z"])?],
            "aws:TagKeys" | "custom:Key" if u.ratio(1, 2)? => vec![u.choose(&VALUES)?, u.choose(&VALUES)?],
            _ => vec![u.choose(&VALUES)?],
        };
        context.insert(key.to_owned(), values.into_iter().map(|value| (*value).to_owned()).collect());
    }
    Ok(context)
}
