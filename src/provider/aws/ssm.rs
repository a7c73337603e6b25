//! Systems Manager parameters: the one service outside the reconciled kinds, for the lock of a location. A parameter is
//! created without overwrite, which is atomic, and its version counts the writes (SSM API reference, PutParameter).

use serde_json::{Value, json};

use super::client::AwsClient;
use super::error::Failure;
use super::json::{self, success, text};
use super::signed::{Call, Response, Signer};
use crate::model::Observed;
use crate::provider::WriteError;

/// A parameter as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub value: String,
    /// 1 when it was created, one more for every overwrite.
    pub version: i64,
}

/// The parameters of one account and region.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'a> {
    signer: &'a Signer,
}

impl AwsClient {
    #[must_use]
    pub fn parameters(&self) -> Parameters<'_> {
        Parameters { signer: self.signer() }
    }
}

impl Parameters<'_> {
    /// Creates a parameter of type `String` and gives its version.
    ///
    /// # Errors
    /// `WriteError::Exists` when there is one of that name.
    pub async fn put_new(&self, name: &str, value: &str) -> Result<i64, WriteError> {
        self.put(name, value, false).await
    }

    /// Replaces the value and gives the new version; creates the parameter when there is none.
    ///
    /// # Errors
    /// As any write.
    pub async fn overwrite(&self, name: &str, value: &str) -> Result<i64, WriteError> {
        self.put(name, value, true).await
    }

    async fn put(&self, name: &str, value: &str, overwrite: bool) -> Result<i64, WriteError> {
        let body = json!({ "Name": name, "Value": value, "Type": "String", "Overwrite": overwrite });
        let read = |response: &Response| {
            let answer = success(response)?;
            version(&answer).ok_or_else(|| Failure::incomplete("PutParameter answers no version"))
        };
        self.signer
            .once(&self.call("PutParameter", &body), read)
            .await
            .map_err(|failure| failure.into_write_error(Some("ssm:PutParameter")))
    }

    /// The parameter, absent when there is none of that name.
    pub async fn get(&self, name: &str) -> Observed<Parameter> {
        let read = |response: &Response| parameter(&success(response)?);
        match self.signer.read(&self.call("GetParameter", &json!({ "Name": name })), read).await {
            Ok(parameter) => Observed::Present(parameter),
            Err(failure) if failure.is_absent() => Observed::Absent,
            Err(failure) => {
                Observed::Unknown(failure.into_gap(format!("ssm:GetParameter on {name}"), Some("ssm:GetParameter")))
            }
        }
    }

    /// Deletes the parameter and tells whether there was one.
    ///
    /// # Errors
    /// As any write.
    pub async fn delete(&self, name: &str) -> Result<bool, WriteError> {
        let read = |response: &Response| success(response).map(drop);
        match self.signer.once(&self.call("DeleteParameter", &json!({ "Name": name })), read).await {
            Ok(()) => Ok(true),
            Err(failure) if failure.is_absent() => Ok(false),
            Err(failure) => Err(failure.into_write_error(Some("ssm:DeleteParameter"))),
        }
    }

    fn call(&self, operation: &'static str, body: &Value) -> Call {
        let url = match &self.signer.endpoint {
            Some(endpoint) => format!("{endpoint}/"),
            None => format!("https://ssm.{}.amazonaws.com/", self.signer.region),
        };
        json::call("ssm", "AmazonSSM", operation, url, body)
    }
}

fn version(object: &Value) -> Option<i64> {
    object.get("Version").and_then(Value::as_i64)
}

fn parameter(answer: &Value) -> Result<Parameter, Failure> {
    let found = answer.get("Parameter").and_then(|parameter| text(parameter, "Value").zip(version(parameter)));
    let (value, version) = found.ok_or_else(|| Failure::incomplete("GetParameter answers no value or version"))?;
    Ok(Parameter { value: value.to_owned(), version })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, request_id: Some("R".to_owned()), retry_after: None, body: body.to_owned() }
    }

    #[test]
    fn answers() {
        let good = response(200, r#"{"Parameter":{"Name":"/x","Type":"String","Value":"v","Version":3}}"#);
        let read = success(&good).and_then(|answer| parameter(&answer)).unwrap();
        assert_eq!(read, Parameter { value: "v".to_owned(), version: 3 });
        assert!(success(&response(200, "<html>")).is_err());
        assert!(parameter(&json!({})).is_err());
    }

    #[test]
    fn errors() {
        let absent = response(400, r#"{"__type":"com.amazonaws.ssm#ParameterNotFound"}"#);
        assert!(success(&absent).unwrap_err().is_absent());
        let exists = response(400, r#"{"__type":"ParameterAlreadyExists","message":"it does"}"#);
        let error = success(&exists).unwrap_err().into_write_error(None);
        assert!(matches!(error, WriteError::Exists { .. }));
        let error = success(&response(400, "nonsense")).unwrap_err().into_write_error(None);
        assert!(matches!(error, WriteError::Rejected { .. }));
    }
}
