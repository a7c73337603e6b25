//! A statement as it was written.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::json::Json;

/// A statement of a document whose text is kept; it is cut out and indented only when somebody asks. By default a statement
/// that nobody wrote, without text.
#[derive(Clone, Debug, Default)]
pub struct Written {
    document: Arc<str>,
    /// `None`: the document is the statement itself.
    index: Option<usize>,
}

impl Written {
    pub(super) fn new(document: &Arc<str>, index: usize) -> Self {
        Self { document: Arc::clone(document), index: Some(index) }
    }

    /// The statement, members in their order, indented by two spaces.
    #[must_use]
    pub fn text(&self) -> String {
        let Some(index) = self.index else { return self.document.to_string() };
        let member = |json| match json {
            Json::Object(members) => members.into_iter().find(|(name, _)| name == "Statement").map(|(_, json)| json),
            _ => None,
        };
        let found = match serde_json::from_str::<Json>(&self.document).ok().and_then(member) {
            Some(Json::List(list)) => list.into_iter().nth(index),
            one => one,
        };
        found.map(|json| json.pretty()).unwrap_or_default()
    }
}

impl PartialEq for Written {
    fn eq(&self, other: &Self) -> bool {
        (self.index == other.index && self.document == other.document) || self.text() == other.text()
    }
}

impl Eq for Written {}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self { document: text.into(), index: None })
    }
}
