//! A manifest for an estate that is not there yet, or that nobody looked at: what was answered, and nothing else.

use crate::model::Arn;
use crate::model::place::Partition;

use super::sketch::{Person, Sketch, Who, number};

/// The answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fresh {
    pub databricks_account: String,
    pub aws_account: String,
    pub region: String,
    pub partition: Option<Partition>,
    pub bucket: String,
    pub prefix: Option<String>,
    pub role: Option<Arn>,
    pub role_profile: Option<String>,
    pub readers: Vec<Who>,
    pub admins: Vec<Arn>,
}

/// The sketch of it: everything that was not asked for is hardened by default.
#[must_use]
pub fn fresh(answers: &Fresh) -> Sketch {
    let person = |who: &Who| Person::new(who.clone(), Vec::new());
    let mut sketch = Sketch {
        databricks_account: answers.databricks_account.clone(),
        aws_account: answers.aws_account.clone(),
        region: answers.region.clone(),
        partition: answers.partition,
        bucket: answers.bucket.clone(),
        prefix: Some(answers.prefix.clone().unwrap_or_else(|| "audit".to_owned())),
        role: answers.role.as_ref().map(ToString::to_string),
        role_profile: answers.role_profile.clone(),
        readers: answers.readers.iter().map(person).collect(),
        admins: answers.admins.iter().map(|arn| person(&Who::Role(arn.clone()))).collect(),
        ..Sketch::default()
    };
    sketch.remarks.head.push(
        "What is not written here is hardened: `auditseal show --expanded` prints all of it, `auditseal plan` what it \
         changes."
            .to_owned(),
    );
    if sketch.readers.is_empty() {
        sketch
            .remarks
            .readers
            .push("Nobody reads the logs until a reader is declared under `[readers.NAME]`.".to_owned());
    }
    if sketch.admins.len() == 1 {
        sketch.remarks.admins.push(
            "One admin: should this role be deleted, only the root user can repair the key policy. Two are better."
                .to_owned(),
        );
    }
    number(&mut sketch.readers);
    number(&mut sketch.admins);
    sketch
}
