//! How a request failed, in one shape for every service, and what that means for a read and for a write.
//!
//! Codes are compared as text: what says "there is none" is mostly not modelled by the SDK. Sources: Amazon S3 API
//! reference "Error responses", KMS and IAM API references (errors of each operation), AWS SDK reference "Retry behavior".

use std::time::Duration;

use crate::call::WriteOutcome;
use crate::model::{Fact, Gap, Observed};
use crate::provider::WriteError;

/// What one read gives: a fact, or a documented "there is none".
pub(super) type Answer = Result<Option<Fact>, Failure>;
pub(super) type Done = Result<WriteOutcome, Failure>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// AWS answered with an error.
    Answered,
    /// AWS answered something that is not what the operation answers.
    Unreadable,
    /// The request never left: no credentials, or it could not be built.
    NotSent,
    /// Time-out or broken connection: whether the request arrived is unknown.
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    cause: Cause,
    code: Option<String>,
    message: String,
    status: Option<u16>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    /// Header `x-amz-bucket-region`: where a bucket is, when this region is the wrong one.
    bucket_region: Option<String>,
}

/// The documented codes of "there is no such thing".
const ABSENT: &[&str] = &[
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
    "ObjectLockConfigurationNotFoundError",
    "OwnershipControlsNotFoundError",
    "NoSuchLifecycleConfiguration",
    "ReplicationConfigurationNotFoundError",
    "NoSuchTagSet",
    "NoSuchAccessPoint",
    "NoSuchAccessPointPolicy",
    "NoSuchEntity",
    "NoSuchEntityException",
    "NotFoundException",
    "ParameterNotFound",
];

const DENIED: &[&str] =
    &["AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "Forbidden"];

const EXISTS: &[&str] =
    &["BucketAlreadyOwnedByYou", "EntityAlreadyExists", "AlreadyExistsException", "ParameterAlreadyExists"];

/// States that pass by themselves.
const PASSING: &[&str] = &[
    "OperationAborted",
    "ConditionalRequestConflict",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "TooManyUpdates",
    "PriorRequestNotComplete",
    "RequestTimeout",
    "RequestTimeoutException",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "ServiceFailure",
    "ServiceUnavailable",
    "KMSInternalException",
    "DependencyTimeoutException",
    "ConflictException",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "EntityTemporarilyUnmodifiable",
];

/// Said of things and principals that exist already but are not known everywhere yet (IAM user guide, "Changes that I make
/// are not always immediately visible"; KMS developer guide, "Eventual consistency").
const NOT_YET_VISIBLE: &[&str] =
    &["NoSuchEntity", "NoSuchEntityException", "NotFoundException", "NoSuchBucket", "KMS.NotFoundException"];

const MALFORMED_POLICY: &[&str] = &["MalformedPolicy", "MalformedPolicyDocument", "MalformedPolicyDocumentException"];

impl Failure {
    fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self {
            cause,
            code: None,
            message: message.into(),
            status: None,
            request_id: None,
            retry_after: None,
            bucket_region: None,
        }
    }

    /// The request was not sent.
    pub(super) fn not_sent(message: impl Into<String>) -> Self {
        Self::new(Cause::NotSent, message)
    }

    /// The answer lacks what the API reference promises.
    pub(super) fn incomplete(message: impl Into<String>) -> Self {
        Self::new(Cause::Unreadable, message)
    }

    /// Time-out or broken connection.
    pub(super) fn lost(message: impl Into<String>) -> Self {
        Self::new(Cause::Lost, message)
    }

    /// An error answer that was read here; without a code it is an answer that could not be read.
    pub(super) fn answered(
        status: u16,
        code: Option<String>,
        message: String,
        request_id: Option<String>,
        retry_after: Option<Duration>,
    ) -> Self {
        let cause = if code.is_some() { Cause::Answered } else { Cause::Unreadable };
        Self { cause, code, message, status: Some(status), request_id, retry_after, bucket_region: None }
    }

    /// What the SDK does not keep: where S3 says that the bucket is.
    #[must_use]
    pub(super) fn in_region(mut self, bucket_region: Option<String>) -> Self {
        self.bucket_region = bucket_region;
        self
    }

    /// The failure of something that was done on the way.
    #[must_use]
    pub(super) fn on_the_way(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }

    fn says(&self, words: &str) -> bool {
        self.message.to_ascii_lowercase().contains(words)
    }

    pub(super) fn is(&self, code: &str) -> bool {
        self.has_code(&[code])
    }

    pub(super) fn is_absent(&self) -> bool {
        self.has_code(ABSENT)
    }

    fn is_denied(&self) -> bool {
        self.has_code(DENIED) && !self.is_blocked_public()
    }

    /// S3 refuses a public policy under a public access block as `AccessDenied`.
    fn is_blocked_public(&self) -> bool {
        self.says("blockpublicpolicy") || self.says("blockpublicaccess")
    }

    /// Throttled, not served, lost, or in conflict with something that ends: worth asking again.
    pub(super) fn is_passing(&self) -> bool {
        let server = self.status.is_some_and(|status| status >= 500 || status == 429 || status == 408);
        match self.cause {
            Cause::Lost => true,
            Cause::NotSent => false,
            // A success that cannot be read has had its effect.
            Cause::Unreadable => server || self.status.is_none_or(|status| status < 300),
            Cause::Answered => server || self.has_code(PASSING),
        }
    }

    /// Something made a moment ago is not known everywhere yet; bounded by the applier, not here.
    fn is_propagating(&self) -> bool {
        self.has_code(NOT_YET_VISIBLE)
            || (self.has_code(MALFORMED_POLICY) && self.says("principal") && !self.says("in the future"))
            || (self.has_code(&["KMSInvalidStateException"]) && (self.says("creating") || self.says("updating")))
            // Replication and Object Lock right after versioning was enabled.
            || (self.has_code(&["InvalidRequest", "InvalidBucketState"]) && self.says("versioning must be"))
    }

    /// The region a bucket is in, when the refusal is that this one is wrong.
    pub(super) fn redirect(&self) -> Option<&str> {
        let wrong_region = self.status == Some(301)
            || self.has_code(&[
                "PermanentRedirect",
                "AuthorizationHeaderMalformed",
                "IllegalLocationConstraintException",
            ]);
        self.bucket_region.as_deref().filter(|_| wrong_region)
    }

    /// A refusal by S3 may also be the answer to the expected owner.
    #[must_use]
    pub(super) fn expecting_owner(mut self, account: Option<&str>) -> Self {
        if let (true, Some(account)) = (self.is_denied(), account) {
            self.message = format!("{}; or the bucket belongs to another account than `{account}`", self.text());
        }
        self
    }

    fn text(&self) -> &str {
        self.message.trim_end().trim_end_matches('.')
    }

    /// What went wrong, with the code, status and request id that AWS support asks for, and what to do about it.
    fn describe(&self) -> String {
        let mut text = match &self.code {
            Some(code) if self.message.is_empty() => format!("`{code}`"),
            Some(code) => format!("`{code}`: {}", self.text()),
            None => self.text().to_owned(),
        };
        match (self.status, &self.request_id) {
            (Some(status), Some(id)) => text.push_str(&format!(" (HTTP {status}, request {id})")),
            (Some(status), None) => text.push_str(&format!(" (HTTP {status})")),
            _ => {}
        }
        if let Some(hint) = self.hint() {
            text.push_str("; ");
            text.push_str(&hint);
        }
        text
    }

    fn hint(&self) -> Option<String> {
        if let Some(region) = self.redirect() {
            return Some(format!("the bucket is in `{region}`: declare that region"));
        }
        if self.cause == Cause::Lost {
            return Some("check the network, the region and the proxy variables".to_owned());
        }
        if self.is_blocked_public() {
            return Some("the policy is public: narrow it, the public access block stays".to_owned());
        }
        let hint = match self.code.as_deref()? {
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
                "the credentials have expired: sign in again, for example with `aws sso login`"
            }
            "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException" => {
                "AWS does not accept these credentials: check the profile or the environment variables"
            }
            "RequestTimeTooSkewed" => "set the clock of this machine",
            "BucketAlreadyExists" => "another account owns a bucket of this name: choose another one",
            "LimitExceeded" | "LimitExceededException" | "TooManyBuckets" => {
                "a quota of the account is reached: raise it or remove what is not needed"
            }
            code if MALFORMED_POLICY.contains(&code) && self.says("in the future") => {
                "the policy would lock the caller out of the key: let it keep `kms:PutKeyPolicy`"
            }
            code if MALFORMED_POLICY.contains(&code) && self.says("principal") => {
                "a principal does not exist, or was made a moment ago and is not visible yet"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// The action named by the refusal itself, else the operation's own.
    fn permission(&self, fallback: Option<&str>) -> Option<String> {
        let named = self.message.split_once("not authorized to perform: ").map(|(_, rest)| {
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '*')).collect::<String>()
        });
        named.filter(|action| action.contains(':')).or_else(|| fallback.map(str::to_owned))
    }

    pub(super) fn into_gap(self, what: String, permission: Option<&str>) -> Gap {
        let permission = if self.is_denied() { self.permission(permission) } else { None };
        Gap { what, permission, message: self.describe() }
    }

    pub(super) fn into_write_error(self, permission: Option<&str>) -> WriteError {
        let message = self.describe();
        if self.is_denied() {
            WriteError::Denied { permission: self.permission(permission), message }
        } else if self.has_code(EXISTS) {
            WriteError::Exists { message }
        } else if self.is_passing() {
            WriteError::Transient { retry_after: self.retry_after, message }
        } else if self.is_propagating() {
            let message = if self.hint().is_some() {
                message
            } else {
                format!("{message}; it may not be visible everywhere yet")
            };
            WriteError::Transient { retry_after: self.retry_after, message }
        } else {
            WriteError::Rejected { message }
        }
    }
}

/// Present, absent or unknown.
pub(super) fn observed(answer: Answer, what: impl FnOnce() -> String, permission: Option<&str>) -> Observed<Fact> {
    match answer {
        Ok(Some(fact)) => Observed::Present(fact),
        Ok(None) => Observed::Absent,
        Err(failure) if failure.is_absent() => Observed::Absent,
        Err(failure) => Observed::Unknown(failure.into_gap(what(), permission)),
    }
}

/// Milliseconds in `x-amz-retry-after`, seconds in `retry-after`.
pub(super) fn retry_after(milliseconds: Option<&str>, seconds: Option<&str>) -> Option<Duration> {
    let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<u64>().ok());
    number(milliseconds).map(Duration::from_millis).or_else(|| number(seconds).map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: &str, message: &str) -> Failure {
        Failure::answered(status, Some(code.to_owned()), message.to_owned(), Some("R1".to_owned()), None)
    }

    fn kind(failure: Failure) -> &'static str {
        match failure.into_write_error(Some("s3:Own")) {
            WriteError::Denied { .. } => "denied",
            WriteError::Transient { .. } => "transient",
            WriteError::Exists { .. } => "exists",
            WriteError::Rejected { .. } => "rejected",
        }
    }

    #[test]
    fn failures_of_writes() {
        let table: &[(u16, &str, &str, &str)] = &[
            (403, "AccessDenied", "Access Denied", "denied"),
            (400, "AccessDeniedException", "User: x is not authorized to perform: kms:CreateKey", "denied"),
            (403, "AccessDenied", "… because public policies are blocked by the BlockPublicPolicy setting", "rejected"),
            (403, "ExpiredToken", "The provided token has expired.", "rejected"),
            (403, "InvalidAccessKeyId", "", "rejected"),
            (403, "SignatureDoesNotMatch", "", "rejected"),
            (409, "BucketAlreadyOwnedByYou", "", "exists"),
            (409, "BucketAlreadyExists", "", "rejected"),
            (409, "EntityAlreadyExists", "", "exists"),
            (400, "AlreadyExistsException", "", "exists"),
            (400, "ParameterAlreadyExists", "", "exists"),
            (409, "OperationAborted", "A conflicting conditional operation is in progress", "transient"),
            (503, "SlowDown", "", "transient"),
            (400, "ThrottlingException", "Rate exceeded", "transient"),
            (400, "Throttling", "Rate exceeded", "transient"),
            (503, "RequestLimitExceeded", "", "transient"),
            (500, "AnythingNew", "", "transient"),
            (429, "AnythingNew", "", "transient"),
            (409, "ConcurrentModification", "", "transient"),
            (400, "MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"arn…\"", "transient"),
            (400, "MalformedPolicyDocument", "Syntax errors in policy.", "rejected"),
            (400, "MalformedPolicy", "Invalid principal in policy", "transient"),
            (400, "MalformedPolicy", "Policy has invalid action", "rejected"),
            (400, "MalformedPolicyDocumentException", "… one or more invalid principals.", "transient"),
            (
                400,
                "MalformedPolicyDocumentException",
                "The new key policy will not allow you to update the key policy in the future.",
                "rejected",
            ),
            (404, "NoSuchEntity", "", "transient"),
            (400, "NotFoundException", "", "transient"),
            (404, "NoSuchBucket", "", "transient"),
            (400, "KMSInvalidStateException", "arn:… is pending deletion.", "rejected"),
            (400, "KMSInvalidStateException", "arn:… is Creating.", "transient"),
            (400, "InvalidRequest", "Versioning must be 'Enabled' on the bucket", "transient"),
            (400, "InvalidRequest", "Missing required field", "rejected"),
            (409, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole", "rejected"),
        ];
        for (status, code, message, expected) in table {
            assert_eq!(kind(answer(*status, code, message)), *expected, "{code}: {message}");
        }
        assert_eq!(kind(Failure::lost("timed out")), "transient");
        assert_eq!(kind(Failure::not_sent("no credentials")), "rejected");
        assert_eq!(kind(Failure::answered(200, None, "odd".to_owned(), None, None)), "transient");
        assert_eq!(kind(Failure::answered(400, None, "odd".to_owned(), None, None)), "rejected");
        assert_eq!(kind(Failure::answered(502, None, "odd".to_owned(), None, None)), "transient");
    }

    #[test]
    fn the_permission_is_the_one_the_refusal_names() {
        let message =
            "User: arn:aws:iam::1:user/u is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/r";
        let named = answer(403, "AccessDenied", message).into_gap("x".to_owned(), Some("s3:Own"));
        assert_eq!(named.permission.as_deref(), Some("iam:PassRole"));
        let plain = answer(403, "AccessDenied", "Access Denied").into_gap("x".to_owned(), Some("s3:Own"));
        assert_eq!(plain.permission.as_deref(), Some("s3:Own"));
        let broken = answer(500, "InternalError", "").into_gap("x".to_owned(), Some("s3:Own"));
        assert_eq!(broken.permission, None);
    }

    #[test]
    fn only_documented_codes_are_absence() {
        let what = || "s3:GetBucketPolicy on b".to_owned();
        assert_eq!(observed(Err(answer(404, "NoSuchBucketPolicy", "")), what, None), Observed::Absent);
        for failure in [
            answer(403, "AccessDenied", ""),
            answer(404, "NoSuchKey", ""),
            Failure::answered(404, None, "no body".to_owned(), None, None),
            Failure::lost("timed out"),
        ] {
            assert!(observed(Err(failure.clone()), what, None).is_unknown(), "{failure:?}");
        }
    }

    #[test]
    fn messages() {
        let denied = answer(403, "AccessDenied", "Access Denied.").expecting_owner(Some("111122223333"));
        insta::assert_snapshot!(
            denied.into_gap("s3:GetBucketPolicy on `b`".to_owned(), Some("s3:GetBucketPolicy")).to_string(),
            @"s3:GetBucketPolicy on `b` could not be read: `AccessDenied`: Access Denied; or the bucket belongs to another account than `111122223333` (HTTP 403, request R1) (needs s3:GetBucketPolicy)"
        );
        let expired = answer(400, "ExpiredTokenException", "The security token included in the request is expired");
        insta::assert_snapshot!(
            expired.into_write_error(None),
            @"`ExpiredTokenException`: The security token included in the request is expired (HTTP 400, request R1); the credentials have expired: sign in again, for example with `aws sso login`"
        );
    }

    #[test]
    fn retry_after_headers() {
        assert_eq!(retry_after(Some("1500"), Some("9")), Some(Duration::from_millis(1500)));
        assert_eq!(retry_after(None, Some(" 3 ")), Some(Duration::from_secs(3)));
        assert_eq!(retry_after(None, Some("Wed, 21 Oct 2026 07:28:00 GMT")), None);
    }
}
