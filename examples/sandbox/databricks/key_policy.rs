//! A small evaluation of KMS key policies: may the delivery role generate a data key through S3?
//!
//! The emulator does not check the caller of SSE-KMS writes. Semantics: AWS IAM user guide,
//! "Policy evaluation logic" and "Condition operators", and AWS KMS developer guide, "Key policies".
//! A policy that only delegates to the account is taken as an allow, since IAM then decides.

use serde_json::{Map, Value};

/// The use that is asked for.
pub struct KeyUse<'a> {
    pub role_arn: &'a str,
    /// The account of the key.
    pub account: &'a str,
    /// The account of the role.
    pub role_account: &'a str,
    pub via_service: &'a str,
    /// The encryption context: the bucket when it has a bucket key, otherwise the object.
    pub context_arn: &'a str,
}

const ACTION: &str = "kms:GenerateDataKey";

/// Whether the policy allows the use: an allow, and no deny.
pub fn allows(policy: &str, usage: &KeyUse<'_>) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(policy) else { return false };
    let statements = document.get("Statement").map(listed).unwrap_or_default();
    let with = |effect: &str| {
        let mut some = statements.iter().filter(|one| one.get("Effect").and_then(Value::as_str) == Some(effect));
        some.any(|one| applies(one, usage))
    };
    with("Allow") && !with("Deny")
}

fn applies(statement: &Value, usage: &KeyUse<'_>) -> bool {
    let acts = match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), _) => any_like(actions, ACTION, true),
        (None, Some(actions)) => !any_like(actions, ACTION, true),
        (None, None) => false,
    };
    let concerns = match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(principal), _) => is_principal(principal, usage),
        (None, Some(principal)) => !is_principal(principal, usage),
        (None, None) => false,
    };
    acts && concerns && statement.get("Condition").and_then(Value::as_object).is_none_or(|all| holds(all, usage))
}

fn is_principal(principal: &Value, usage: &KeyUse<'_>) -> bool {
    let root = format!("arn:aws:iam::{}:root", usage.role_account);
    let names = match principal {
        Value::Object(kinds) => kinds.get("AWS").map(listed).unwrap_or_default(),
        other => listed(other),
    };
    let given = |name: &&Value| {
        name.as_str()
            .is_some_and(|name| name == "*" || name == usage.role_arn || name == root || name == usage.role_account)
    };
    names.iter().any(given)
}

fn holds(conditions: &Map<String, Value>, usage: &KeyUse<'_>) -> bool {
    conditions.iter().all(|(operator, keys)| {
        keys.as_object().is_some_and(|keys| keys.iter().all(|(key, wanted)| test(operator, key, wanted, usage)))
    })
}

/// The value of a condition key for the request that S3 makes for the role.
fn context<'a>(key: &str, usage: &KeyUse<'a>) -> Option<&'a str> {
    Some(match key.to_ascii_lowercase().as_str() {
        "kms:viaservice" => usage.via_service,
        "kms:encryptioncontext:aws:s3:arn" => usage.context_arn,
        "kms:encryptioncontextkeys" => "aws:s3:arn",
        "kms:calleraccount" | "aws:principalaccount" => usage.role_account,
        "aws:resourceaccount" => usage.account,
        "aws:principalarn" => usage.role_arn,
        "aws:securetransport" => "true",
        "aws:principalisawsservice" => "false",
        "aws:viaawsservice" => "true",
        "aws:principaltype" => "AssumedRole",
        _ => return None,
    })
}

/// One condition. An unknown operator does not hold, so that neither its allow nor its deny counts.
fn test(operator: &str, key: &str, wanted: &Value, usage: &KeyUse<'_>) -> bool {
    let operator = operator.strip_prefix("ForAnyValue:").or(operator.strip_prefix("ForAllValues:")).unwrap_or(operator);
    let (name, if_exists) = match operator.strip_suffix("IfExists") {
        Some(name) => (name, true),
        None => (operator, false),
    };
    let actual = context(key, usage);
    if name == "Null" {
        let null = listed(wanted).iter().any(|value| value.as_str() == Some("true") || value.as_bool() == Some(true));
        return null == actual.is_none();
    }
    let negated = matches!(
        name,
        "StringNotEquals" | "StringNotEqualsIgnoreCase" | "StringNotLike" | "ArnNotEquals" | "ArnNotLike"
    );
    let Some(actual) = actual else { return if_exists || negated };
    let found = match name {
        "StringEquals" | "StringNotEquals" => listed(wanted).iter().any(|value| value.as_str() == Some(actual)),
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" | "Bool" => {
            listed(wanted).iter().any(|value| text(value).eq_ignore_ascii_case(actual))
        }
        "StringLike" | "StringNotLike" | "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => {
            any_like(wanted, actual, false)
        }
        _ => return false,
    };
    found != negated
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A single value stands for a list of one.
fn listed(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |all| all.iter().collect())
}

fn any_like(patterns: &Value, actual: &str, ignore_case: bool) -> bool {
    let fold = |text: &str| if ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let actual: Vec<char> = fold(actual).chars().collect();
    listed(patterns).into_iter().filter_map(Value::as_str).any(|pattern| {
        let pattern: Vec<char> = fold(pattern).chars().collect();
        like(&pattern, &actual)
    })
}

/// `*` matches any run of characters and `?` any one.
fn like(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), tail) => like(rest, text) || tail.is_some_and(|(_, tail)| like(pattern, tail)),
        (Some(('?', rest)), Some((_, tail))) => like(rest, tail),
        (Some((wanted, rest)), Some((actual, tail))) => wanted == actual && like(rest, tail),
        _ => false,
    }
}
