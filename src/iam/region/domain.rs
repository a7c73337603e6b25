//! What kind of values a context key has ("AWS global condition context keys", "Actions, resources, and condition keys for
//! Amazon S3", "… for AWS KMS", "… for AWS STS", 2026).
//!
//! Only what AWS itself fills in is listed: a key whose value a requester may choose freely has any text.

use super::super::condition::is_multivalued;
use super::super::operator::Operator;
use super::Test;

/// The values that a key can have when it is in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    Text,
    Arn,
    Bool,
    Address,
    /// A whole number, zero or more.
    Count,
    Time,
}

const BOOLS: [&str; 7] = [
    "aws:multifactorauthpresent",
    "aws:principalisawsservice",
    "aws:securetransport",
    "aws:viaawsservice",
    "kms:bypasspolicylockoutsafetycheck",
    "kms:grantisforawsresource",
    "kms:multiregion",
];
const ADDRESSES: [&str; 2] = ["aws:sourceip", "aws:vpcsourceip"];
const COUNTS: [&str; 5] = [
    "aws:multifactorauthage",
    "s3:max-keys",
    "s3:signatureage",
    "sts:durationseconds",
    "kms:schedulekeydeletionpendingwindowindays",
];
const TIMES: [&str; 3] = ["aws:currenttime", "aws:tokenissuetime", "s3:object-lock-retain-until-date"];
const ARNS: [&str; 5] =
    ["aws:principalarn", "aws:sourcearn", "aws:sourcevpcarn", "s3:dataaccesspointarn", "lambda:sourcefunctionarn"];

/// Services whose single-valued keys are all known to be so, apart from [`LISTS`].
const KNOWN_SERVICES: [&str; 6] = ["aws", "iam", "kms", "organizations", "s3", "sts"];
const LISTS: [&str; 5] = [
    "kms:encryptioncontextkeys",
    "kms:grantoperations",
    "kms:resourcealiases",
    "s3:requestobjecttagkeys",
    "sts:transitivetagkeys",
];

impl Domain {
    /// `key` is lower case.
    pub(super) fn of(key: &str) -> Self {
        match key {
            _ if BOOLS.contains(&key) => Domain::Bool,
            _ if ADDRESSES.contains(&key) => Domain::Address,
            _ if COUNTS.contains(&key) => Domain::Count,
            _ if TIMES.contains(&key) => Domain::Time,
            _ if ARNS.contains(&key) => Domain::Arn,
            _ => Domain::Text,
        }
    }
}

/// Whether a request may have more than one value for a key.
pub(super) fn takes_lists(key: &str, tests: &[Test<'_>]) -> bool {
    let qualified = tests.iter().any(|test| matches!(test.condition.operator, Operator::Known { set: Some(_), .. }));
    let service = key.split(':').next().unwrap_or_default();
    qualified || is_multivalued(key) || LISTS.contains(&key) || !KNOWN_SERVICES.contains(&service)
}
