//! What a list of object names tells without reading any object.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The newest delivered object that was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestObject {
    /// `LastModified`: Databricks overwrites its files in place while a day goes on.
    pub modified: Option<Timestamp>,
    /// `workspaceId=…/date=…/` of that object.
    pub partition: Option<String>,
    /// Workspaces that have a partition below the prefix.
    pub workspaces: usize,
}
