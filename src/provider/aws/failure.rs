//! From the errors of the SDK, of credentials and of request builders to one failure.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;

use super::error::{Failure, retry_after};
use super::s3::Unkept;

impl<E> From<SdkError<E, HttpResponse>> for Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        Self::of(&error)
    }
}

impl Failure {
    fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if let Some(unkept) = source_of::<Unkept>(error) {
            return Self::incomplete(unkept.to_string());
        }
        if let Some(raw) = error.raw_response() {
            return Self::of_answer(error, raw);
        }
        if let Some(credentials) = source_of::<CredentialsError>(error) {
            return Self::credentials(credentials);
        }
        let message = chain(error);
        match error {
            SdkError::TimeoutError(_) => Self::lost(message),
            // Also a connection that closes before the answer, which the client calls "other": the request may have arrived.
            SdkError::DispatchFailure(failure) if !failure.is_user() => Self::lost(message),
            _ => Self::not_sent(message),
        }
    }

    fn of_answer<E>(error: &SdkError<E, HttpResponse>, raw: &HttpResponse) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let header = |name: &str| raw.headers().get(name);
        let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id")).map(str::to_owned);
        let (code, message) = match error {
            SdkError::ServiceError(service) => (service.err().code(), service.err().message()),
            _ => (None, None),
        };
        let message = match (code, message) {
            (_, Some(message)) => message.to_owned(),
            (Some(_), None) => String::new(),
            (None, None) => unreadable(&chain(error), raw.body().bytes()),
        };
        Self::answered(
            raw.status().as_u16(),
            code.map(str::to_owned),
            message,
            request_id,
            retry_after(header("x-amz-retry-after"), header("retry-after")),
        )
        .in_region(header("x-amz-bucket-region").map(str::to_owned))
    }

    /// No credentials, or none from the role to assume. Nothing was sent, so that what passes may be tried again.
    pub(super) fn credentials(error: &CredentialsError) -> Self {
        if let Some(refusal) = source_of::<SdkError<AssumeRoleError, HttpResponse>>(error) {
            return Self::of(refusal).on_the_way("the role cannot be assumed");
        }
        // Where nothing is set up, the chain only lists, on lines of their own, the places that say nothing.
        let reason = match error {
            CredentialsError::CredentialsNotLoaded(_) => "none are set up".to_owned(),
            _ => chain(error).split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let message = format!(
            "no usable AWS credentials: {reason}; set a profile, sign in with `aws sso login`, or set the AWS_ environment variables"
        );
        let timed_out = matches!(error, CredentialsError::ProviderTimedOut(_));
        if timed_out { Self::lost(message) } else { Self::not_sent(message) }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::not_sent(format!("the request cannot be built: {error}"))
    }
}

/// An error with its causes, without repeating what one says of the next.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

fn source_of<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

/// Without the raw answer, an unexpected XML root or an HTML page could not be told from anything else.
fn unreadable(reason: &str, body: Option<&[u8]>) -> String {
    let body = String::from_utf8_lossy(body.unwrap_or_default());
    format!("the answer could not be read: {reason}: `{}`", shortened(&body))
}

/// Enough of a raw answer to recognise it.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
