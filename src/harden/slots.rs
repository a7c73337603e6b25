//! Slots: Databricks allows two enabled audit-log configurations without a workspace filter, and two for each workspace in
//! the filters of the others (log delivery API, "Create a new log delivery configuration"). And it has refused more than 50
//! storage configurations in an account (databricks/terraform-provider-databricks#1586).

use std::collections::BTreeSet;

use crate::model::databricks::LogDelivery;
use crate::model::desired::DeliveryStatus;
use crate::model::wanted::Retirement;
use crate::model::{Address, Desired, Kind};

use super::draft::Draft;
use super::writers::{Books, is_broken};

const PER_SLOT: usize = 2;
const STORAGE_CONFIGURATIONS: usize = 50;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Account,
    Workspace(i64),
}

impl Slot {
    fn of(workspaces: &[i64]) -> Vec<Slot> {
        match workspaces {
            [] => vec![Slot::Account],
            ids => ids.iter().copied().map(Slot::Workspace).collect(),
        }
    }

    fn holds(self, filter: &[i64]) -> bool {
        match self {
            Slot::Account => filter.is_empty(),
            Slot::Workspace(id) => filter.contains(&id),
        }
    }
}

/// Finds a slot for every delivery that has to be created or enabled, if need be by retiring one that is to go anyway
/// before, and refuses when there is none. The working delivery of a declared bucket is never given up for a slot: the new
/// one has to succeed first.
pub(super) fn assign(
    draft: &mut Draft<'_>,
    asking: &[&Desired],
    books: &Books,
    declared: &BTreeSet<&str>,
    retire: &mut [Retirement],
) {
    for (index, desired) in asking.iter().enumerate() {
        let earlier = asking.iter().take(index);
        for slot in Slot::of(&desired.delivery.workspaces) {
            let promised = earlier.clone().filter(|one| slot.holds(&one.delivery.workspaces)).count();
            if let Err(occupied) = free(slot, promised, books, declared, retire) {
                let whose = match slot {
                    Slot::Account => "the account".to_owned(),
                    Slot::Workspace(id) => format!("the workspace {id}"),
                };
                draft.refuse(
                    "no-free-delivery-slot",
                    format!(
                        "Databricks allows {PER_SLOT} enabled audit-log deliveries for {whose}, and `{}` needs a free one: occupied by {}; disable one of them first, or deliver to one bucket only",
                        desired.name,
                        occupied.join(", ")
                    ),
                );
            }
        }
    }
}

/// Says when the storage configurations that are to be made are more than Databricks is known to take. No refusal: the limit
/// of an account may have been raised, and what comes before that step does no harm.
pub(super) fn storage(draft: &mut Draft<'_>, manifests: &[&Desired], books: &Books) {
    let is_made = |desired: &&&Desired| {
        let exists = books.storage.iter().any(|one| one.bucket_name == desired.delivery.bucket);
        desired.delivery.status == DeliveryStatus::Enabled && !exists
    };
    let made: Vec<&&Desired> = manifests.iter().filter(is_made).collect();
    let room = STORAGE_CONFIGURATIONS.saturating_sub(books.storage.len());
    let Some(first) = made.get(room) else { return };
    draft.notice(
        "storage-configurations-full",
        &Address::new(first.name.clone(), Kind::StorageConfiguration, "audit"),
        format!(
            "the Databricks account has {} storage configurations and needs {} more: it is known to refuse more than \
             {STORAGE_CONFIGURATIONS}",
            books.storage.len(),
            made.len()
        ),
    );
}

/// Marks retirements until one place is free, or says what occupies them.
fn free(
    slot: Slot,
    promised: usize,
    books: &Books,
    declared: &BTreeSet<&str>,
    retire: &mut [Retirement],
) -> Result<(), Vec<String>> {
    loop {
        let gone =
            |one: &LogDelivery| retire.iter().any(|other| other.before_create && other.config_id == one.config_id);
        let holders: Vec<&LogDelivery> =
            books.enabled().filter(|one| slot.holds(&one.workspace_ids_filter) && !gone(one)).collect();
        if holders.len() + promised < PER_SLOT {
            return Ok(());
        }
        let works =
            |one: &LogDelivery| !is_broken(one) && books.bucket_of(one).is_some_and(|bucket| declared.contains(bucket));
        // A broken one first: nothing is lost with it.
        let mut candidates: Vec<&&LogDelivery> = holders.iter().filter(|one| !works(one)).collect();
        candidates.sort_by_key(|one| (!is_broken(one), one.creation_time, one.config_id.clone()));
        let given_up = candidates
            .iter()
            .find_map(|one| retire.iter().position(|other| other.config_id == one.config_id && !other.before_create));
        match given_up.and_then(|index| retire.get_mut(index)) {
            Some(retirement) => retirement.before_create = true,
            None => {
                return Err(holders
                    .iter()
                    .map(|one| {
                        let bucket = books.bucket_of(one).unwrap_or("an unknown bucket");
                        format!("`{}` ({}) to `{bucket}`", one.config_name, one.config_id)
                    })
                    .collect());
            }
        }
    }
}
