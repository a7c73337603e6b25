//! The account-level public access block: opt-in, since it acts on every bucket of the account.

use crate::model::live::Read;
use crate::model::{Address, Desired, Kind};

use super::bucket::all_blocked;
use super::draft::{Draft, Item};

/// All manifests of one AWS account; one that asks is enough.
pub(super) fn want(draft: &mut Draft<'_>, manifests: &[&Desired]) {
    let Some(desired) = manifests.iter().find(|one| one.account.public_access_block) else { return };
    let address = Address::new("_", Kind::AccountPublicAccessBlock, desired.aws.account_id.clone());
    draft.want(
        Item::new(&address, &desired.aws_place(), Read::AccountPublicAccessBlock, all_blocked())
            .because("", "B2: no bucket of the account is public; this acts on all of them"),
    );
}
