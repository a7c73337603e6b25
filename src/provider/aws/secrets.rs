//! One operation of Secrets Manager: reading a secret that a manifest names (Secrets Manager API reference, GetSecretValue).

use secrecy::SecretString;
use serde_json::{Value, json};

use super::client::AwsClient;
use super::error::Failure;
use super::json::{self, success};
use super::signed::{Call, Response, Signer};
use crate::model::Observed;

/// Also of a secret whose current version has no value yet.
const ABSENT: &str = "ResourceNotFoundException";

/// The secrets of one account and region.
#[derive(Clone, Debug)]
pub struct Secrets {
    signer: Signer,
}

impl AwsClient {
    /// The secrets of `region`, which may be another one than the client's.
    #[must_use]
    pub fn secrets(&self, region: &str) -> Secrets {
        Secrets { signer: self.signer().in_region(region) }
    }
}

impl Secrets {
    /// The text of a secret's current version, by name or ARN; absent when there is none of that name.
    pub async fn get(&self, id: &str) -> Observed<SecretString> {
        match self.signer.read(&self.call(id), value).await {
            Ok(secret) => Observed::Present(secret),
            Err(failure) if failure.is(ABSENT) => Observed::Absent,
            Err(failure) => {
                let permission = "secretsmanager:GetSecretValue";
                Observed::Unknown(failure.into_gap(format!("{permission} on {id}"), Some(permission)))
            }
        }
    }

    fn call(&self, id: &str) -> Call {
        let url = match &self.signer.endpoint {
            Some(endpoint) => format!("{endpoint}/"),
            None => format!("https://secretsmanager.{}.amazonaws.com/", self.signer.region),
        };
        json::call("secretsmanager", "secretsmanager", "GetSecretValue", url, &json!({ "SecretId": id }))
    }
}

/// Nothing of a good answer is repeated in an error: it holds the secret.
fn value(response: &Response) -> Result<SecretString, Failure> {
    if !response.is_success() {
        // Always the error that the answer tells.
        success(response)?;
    }
    let answer: Value = serde_json::from_str(&response.body)
        .map_err(|_| Failure::incomplete("GetSecretValue answers something that is not JSON"))?;
    match answer.get("SecretString").and_then(Value::as_str) {
        Some(text) => Ok(SecretString::from(text)),
        None => Err(Failure::incomplete("the secret has no text: store it as plain text, not as binary")),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, request_id: None, retry_after: None, body: body.to_owned() }
    }

    #[test]
    fn answers() {
        let good = value(&response(200, r#"{"ARN":"a","Name":"n","SecretString":"hush"}"#)).unwrap();
        assert_eq!(good.expose_secret(), "hush");
        for broken in [r#"{"SecretBinary":"aHVzaA=="}"#, "hush", r#"{"SecretString":"hush""#, r#"{"secret":"hush"}"#] {
            let failure = value(&response(200, broken)).unwrap_err();
            assert!(!failure.is(ABSENT));
            let said = failure.into_gap("x".to_owned(), None).to_string();
            assert!(!said.contains("hush") && !said.contains("aHVzaA"), "{said}");
        }
    }

    #[test]
    fn a_missing_secret_is_absent_and_a_denied_one_is_not() {
        let absent = response(400, r#"{"__type":"ResourceNotFoundException","Message":"no"}"#);
        assert!(value(&absent).unwrap_err().is(ABSENT));
        let denied = response(400, r#"{"__type":"AccessDeniedException","Message":"not yours"}"#);
        assert!(!value(&denied).unwrap_err().is(ABSENT));
    }
}
