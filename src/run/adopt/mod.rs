//! Reads accounts, and writes the manifest that declares them as they are: sketched from what was read, planned in memory,
//! and waived until the plan is empty.

mod files;
mod memory;
mod settle;
mod survey;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Mutex;

use jiff::civil::Date;

use crate::adopt::{Candidate, Choice, Person, Sketch, Terms, Who};
use crate::finding::Finding;
use crate::model::desired::Desired;
use crate::model::place::Partition;
use crate::model::{Arn, Gap};
use crate::plan::{Plan, Verdict};
use crate::provider::Reader;

pub use files::{Beside, CreateError, beside, create};

use memory::Memory;
use survey::Survey;

/// An account id that nobody has: until the caller's own is known.
const NO_ACCOUNT: &str = "000000000000";

/// What was asked for, and what is taken to be so.
#[derive(Clone, Debug)]
pub struct AdoptOptions {
    pub databricks_account: String,
    /// Default: the caller's.
    pub aws_account: Option<String>,
    /// Default: the bucket's.
    pub region: Option<String>,
    /// Only where it does not follow from the region.
    pub partition: Option<Partition>,
    pub choice: Choice,
    /// Name of the manifest; default: from the bucket's name.
    pub name: Option<String>,
    pub role: Option<Arn>,
    pub role_profile: Option<String>,
    /// Declared instead of those that are found.
    pub admins: Vec<Arn>,
    /// Declared beside those that are found.
    pub readers: Vec<Who>,
    /// Who answers for the waivers; default: the caller.
    pub owner: Option<String>,
    pub today: Date,
    /// The last day of the waivers.
    pub until: Date,
    /// Codes given with `--allow`.
    pub allow: BTreeSet<String>,
    /// Manifests that are there already.
    pub beside: Beside,
}

/// Why nothing could be adopted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError<E> {
    #[error(transparent)]
    Connect(E),
    /// Something that everything else hangs on was not read.
    #[error("what everything else depends on could not be read")]
    Unread(Vec<Gap>),
    #[error("no log-delivery configuration is `{asked}`")]
    UnknownDelivery { asked: String, known: Vec<String> },
    #[error("the region of bucket `{bucket}` is not known, because there is no such bucket: pass --region")]
    NoRegion { bucket: String },
    #[error("there is no delivery of audit logs to adopt: pass --bucket with the bucket that logs shall go to")]
    NoBucket,
    #[error(
        "the delivery role `{role}` is in another account than the bucket: pass --role-profile with a profile for it"
    )]
    RoleElsewhere { role: String },
    #[error("nobody can be told to administer the bucket: pass --admin-role with the role that shall")]
    NoAdmin,
    /// What is there has no form that a manifest allows.
    #[error("what was found cannot be declared")]
    Invalid { text: String, findings: Vec<Finding> },
}

/// A manifest of what was found.
#[derive(Clone, Debug)]
pub struct Adoption {
    pub name: String,
    /// In its canonical form.
    pub text: String,
    /// The delivery that was adopted; `None` for a new estate.
    pub delivery: Option<Candidate>,
    /// Other deliveries that could have been.
    pub others: Vec<Candidate>,
    /// What a plan right after it shows.
    pub plan: Plan,
    pub waivers: usize,
    pub readers: usize,
    pub admins: usize,
}

impl Adoption {
    /// Guards that refuse a plan of it.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        let refusing = self.plan.guards.iter().filter(|guard| guard.verdict == Verdict::Refuse);
        refusing.map(|guard| format!("{}: {}", guard.code, guard.message)).collect()
    }
}

/// Reads and drafts. `connect` makes clients for the accounts of a declaration; `pick` chooses among several deliveries, by
/// its place in the list, of which the first is the best.
///
/// # Errors
/// When nothing can be told of the estate, or a manifest cannot say it.
pub async fn adopt<R, E, C, F>(
    options: &AdoptOptions,
    connect: C,
    pick: impl FnOnce(&[Candidate]) -> usize,
) -> Result<Adoption, AdoptError<E>>
where
    R: Reader,
    C: Fn(Desired) -> F,
    F: Future<Output = Result<R, E>>,
{
    let memory = Memory::default();
    let survey = Survey { options, connect: &connect, memory: &memory, clients: Mutex::default() };
    let mut sketch = Sketch {
        databricks_account: options.databricks_account.clone(),
        aws_account: options.aws_account.clone().unwrap_or_else(|| NO_ACCOUNT.to_owned()),
        region: options.region.clone().unwrap_or_else(|| survey.first_region().to_owned()),
        partition: options.partition,
        bucket: "unknown".to_owned(),
        role_profile: options.role_profile.clone(),
        ..Sketch::default()
    };
    let (delivery, others) = survey.delivery(&sketch, pick).await?;
    let bucket = delivery.as_ref().and_then(|one| one.bucket.clone()).or_else(|| options.choice.bucket.clone());
    sketch.bucket = bucket.ok_or(AdoptError::NoBucket)?;
    survey.account(&mut sketch).await?;
    survey.region(&mut sketch).await?;
    survey.describe_delivery(&mut sketch, delivery.as_ref(), &others)?;
    let (live, caller) = survey.estate(&mut sketch).await?;
    survey.people(&mut sketch, &live, caller.as_deref())?;
    let owner = options.owner.clone().or(caller).unwrap_or_else(|| "whoever ran auditseal init".to_owned());
    let terms = Terms { today: options.today, until: options.until, owner };
    let (name, text, plan) = survey.settle(&mut sketch, &terms).await?;
    let declared = |people: &[Person]| people.iter().filter(|one| !one.proposed).count();
    Ok(Adoption {
        name,
        text,
        delivery,
        others,
        plan,
        waivers: sketch.exceptions.len(),
        readers: declared(&sketch.readers),
        admins: declared(&sketch.admins),
    })
}
