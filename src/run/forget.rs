//! Plans the taking off of ownership marks.

use crate::model::{Address, Desired, Intent};
use crate::observe::{observe, observe_for_plan};
use crate::plan::Plan;
use crate::plan::guard::Purpose;
use crate::provider::Reader;
use crate::rollback::{forget, marks};

use super::plan::PlanOptions;
use super::preflight::simulated;
use super::rollback::finished;

/// What is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Everything that the loaded manifests mark.
    All,
    /// What one manifest marks.
    Manifest(String),
    /// These buckets, keys and roles.
    Addresses(Vec<Address>),
}

/// Nothing of that address is marked here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing that `{asked}` names carries a mark; what does: {}", known.join(", "))]
pub struct NothingMarked {
    pub asked: String,
    pub known: Vec<String>,
}

/// Reads live state and plans what takes the marks off. Reads only.
///
/// # Errors
/// When an address names nothing that is marked.
pub async fn plan_forget<R: Reader>(
    reader: &R,
    chosen: &Chosen,
    desired: &[Desired],
    options: &PlanOptions,
    purpose: Purpose,
) -> Result<Plan, NothingMarked> {
    let live = match options.access {
        true => observe_for_plan(reader, desired).await,
        false => observe(reader, desired).await,
    };
    let all = marks(desired, &live);
    let unknown = |asked: &str| NothingMarked {
        asked: asked.to_owned(),
        known: all.iter().map(|mark| format!("`{}`", mark.address)).collect(),
    };
    let picked: Vec<_> = match chosen {
        Chosen::All => all.clone(),
        Chosen::Manifest(name) => all.iter().filter(|mark| mark.address.manifest == *name).cloned().collect(),
        Chosen::Addresses(addresses) => {
            if let Some(address) = addresses.iter().find(|one| !all.iter().any(|mark| mark.is_of(one))) {
                return Err(unknown(&address.to_string()));
            }
            all.iter().filter(|mark| addresses.iter().any(|one| mark.is_of(one))).cloned().collect()
        }
    };
    if let Chosen::Manifest(name) = chosen
        && !desired.iter().any(|one| one.name == *name)
    {
        return Err(unknown(name));
    }
    let plan = finished(forget(&picked, &live), Intent::Forget, &live, desired, options, purpose);
    Ok(simulated(reader, plan, &live, purpose).await)
}
