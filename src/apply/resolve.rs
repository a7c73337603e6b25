//! Puts the outputs of earlier steps where later steps refer to them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::Reference;

/// Tokens and what they stand for.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    known: BTreeMap<String, String>,
}

/// A value still refers to a step that gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    #[error("it refers to `{0}`, which no earlier step gave")]
    Unresolved(String),
    #[error("the resolved value is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
}

impl Outputs {
    pub fn give(&mut self, token: String, value: String) {
        self.known.insert(token, value);
    }

    /// The value with every token replaced, inside policy texts too.
    ///
    /// # Errors
    /// When a token is left over.
    pub fn resolve<T: Serialize + DeserializeOwned>(&self, value: &T) -> Result<T, ResolveError> {
        let mut text = serde_json::to_string(value)?;
        for (token, known) in &self.known {
            // Ids and ARNs hold nothing that JSON escapes, at whatever depth the token stands.
            text = text.replace(token.as_str(), known);
        }
        if Reference::occurs_in(&text) {
            let token = text.split("(known-after-apply:").nth(1).and_then(|rest| rest.split(')').next());
            return Err(ResolveError::Unresolved(token.unwrap_or_default().to_owned()));
        }
        Ok(serde_json::from_str(&text)?)
    }
}
