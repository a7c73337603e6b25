use std::fmt;

use serde::{Deserialize, Serialize};

use super::Address;

/// What a step gives to later steps: values that only the cloud can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    KeyArn,
    CredentialsId,
    StorageConfigurationId,
    LogDeliveryId,
}

impl Output {
    fn name(self) -> &'static str {
        match self {
            Output::KeyArn => "key-arn",
            Output::CredentialsId => "credentials-id",
            Output::StorageConfigurationId => "storage-configuration-id",
            Output::LogDeliveryId => "log-delivery-id",
        }
    }
}

/// A value that is known only after another step ran. Inside texts (policies, request bodies) it stands as a token made of
/// characters that JSON, ARNs and policy globs leave alone, so that pure rooms can compare and evaluate it as a symbol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    pub step: Address,
    pub output: Output,
}

const OPEN: &str = "(known-after-apply:";

impl Reference {
    #[must_use]
    pub fn new(step: Address, output: Output) -> Self {
        Self { step, output }
    }

    /// Whether a text holds any reference that is not yet resolved.
    #[must_use]
    pub fn occurs_in(text: &str) -> bool {
        text.contains(OPEN)
    }

    /// A text from each reference in it that is not yet resolved.
    pub fn all_in(text: &str) -> impl Iterator<Item = &str> {
        text.match_indices(OPEN).filter_map(|(at, _)| text.get(at..))
    }

    /// How many references that are not yet resolved a text holds.
    #[must_use]
    pub fn count_in(text: &str) -> usize {
        text.matches(OPEN).count()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OPEN}{}#{})", self.step, self.output.name())
    }
}
