//! What an access proof asks beyond what a plan asks: everybody who might read the logs, and everything that lets them.

use std::collections::BTreeSet;

use crate::call::{Query, Read};
use crate::model::desired::Desired;
use crate::model::{Arn, Fact, Live, Observed, Place};

use super::questions::Questions;

/// What a plan asks to show what it does to access: no more dependent round trips than planning takes anyway. What is left
/// out is what no step of a plan changes and what can only narrow access: Unity Catalog's storage, and the policies of an
/// organization. Pure, as `needed` is.
#[must_use]
pub fn needed_for_plan(desired: &[Desired], live: &Live) -> BTreeSet<Query> {
    let mut questions = Questions::new(live);
    questions.plan(desired);
    for one in desired {
        let (place, bucket) = (one.aws_place(), &one.delivery.bucket);
        questions.ask(&place, Read::AccountAuthorization);
        questions.ask(&place, Read::AccountPublicAccessBlock);
        questions.doors(&place, bucket);
        questions.default_key(&place, bucket);
        for key in &one.key.previous {
            questions.key_readers(key);
        }
    }
    questions.queries
}

/// Every question that proving access needs, as far as it can be told from the answers so far: all that planning needs,
/// the identities and organizations of every account that holds a copy of the logs, every door to each copy, the keys
/// under which objects may lie, and Unity Catalog. Pure, as `needed` is.
///
/// What is asked once per account is asked where the manifest has its bucket, its delivery role (when that is in another
/// account) and its replicas (in other accounts still).
#[must_use]
pub fn needed_for_access(desired: &[Desired], live: &Live) -> BTreeSet<Query> {
    let mut questions = Questions::new(live);
    questions.plan(desired);
    for one in desired {
        questions.accounts(one);
        let copies = questions.copies(one);
        for (place, bucket) in &copies {
            questions.doors(place, bucket);
            questions.ask(place, Read::MultiRegionAccessPoints { bucket: bucket.clone() });
            questions.ask(place, Read::AccessGrants);
            questions.default_key(place, bucket);
        }
        for key in &one.key.previous {
            questions.key_readers(key);
        }
        let buckets = copies.into_iter().map(|(_, bucket)| bucket).collect();
        questions.unity_catalog(one, &buckets);
    }
    questions.queries
}

impl Questions<'_> {
    fn accounts(&mut self, desired: &Desired) {
        let mut places = vec![desired.aws_place()];
        let others = std::iter::once(desired.role_place()).chain(desired.bucket.replicas.iter().map(|r| r.place()));
        for place in others {
            if !places.iter().any(|known| account_of(known) == account_of(&place)) {
                places.push(place);
            }
        }
        for place in &places {
            for read in [
                Read::AccountAuthorization,
                Read::AccountPublicAccessBlock,
                Read::Organization,
                Read::OrganizationPolicies,
            ] {
                self.ask(place, read);
            }
        }
    }

    /// Every bucket that holds the logs: the audit bucket, the declared replicas, and wherever live replication leads,
    /// by rules that are switched off as well, since their copies stay.
    fn copies(&mut self, desired: &Desired) -> BTreeSet<(Place, String)> {
        let mut copies = BTreeSet::new();
        let mut open = vec![(desired.aws_place(), desired.delivery.bucket.clone())];
        open.extend(desired.bucket.replicas.iter().map(|replica| (replica.place(), replica.bucket.clone())));
        let mut known: BTreeSet<String> = open.iter().map(|(_, bucket)| bucket.clone()).collect();
        while let Some((place, bucket)) = open.pop() {
            let replication = Read::BucketReplication { bucket: bucket.clone() };
            if let Observed::Present(replication) = self.answer(&place, replication, Fact::replication) {
                for rule in replication.rules {
                    if let Some(key) = rule.replica_key.as_deref().and_then(|key| key.parse().ok()) {
                        self.key_readers(&key);
                    }
                    let Some(name) = bucket_name(&rule.bucket) else { continue };
                    if known.insert(name.clone())
                        && let Some(there) = self.destination(&place, rule.account.as_deref(), &name)
                    {
                        self.bucket(&there, &name);
                        open.push((there, name));
                    }
                }
            }
            copies.insert((place, bucket));
        }
        copies
    }

    /// Where a destination is. A rule names its account only when that becomes the owner of the copies; the location is
    /// read with the owner that is expected, so a bucket of somebody else's stays unknown, and is a gap.
    fn destination(&mut self, source: &Place, account: Option<&str>, bucket: &str) -> Option<Place> {
        let Place::Aws { account: own, region } = source else { return None };
        let account = account.unwrap_or(own);
        let place = Place::Aws { account: account.to_owned(), region: region.clone() };
        let location = Read::BucketLocation { bucket: bucket.to_owned() };
        self.ask(&place, location.clone());
        let Observed::Present(region) = self.answer(&place, location, Fact::bucket_region) else { return None };
        Some(Place::Aws { account: account.to_owned(), region: region.0 })
    }

    /// Access points lead around the bucket's own address.
    fn doors(&mut self, place: &Place, bucket: &str) {
        let list = Read::AccessPoints { bucket: bucket.to_owned() };
        self.ask(place, list.clone());
        let Observed::Present(names) = self.answer(place, list, Fact::names) else { return };
        for name in names.0 {
            self.ask(place, Read::AccessPoint { name: name.clone() });
            self.ask(place, Read::AccessPointPolicy { name });
        }
    }

    /// The key of the default encryption, under which live objects lie whatever is declared.
    fn default_key(&mut self, place: &Place, bucket: &str) {
        let encryption = Read::BucketEncryption { bucket: bucket.to_owned() };
        let Observed::Present(encryption) = self.answer(place, encryption, Fact::encryption) else { return };
        let Some(key) = encryption.key else { return };
        match key.parse::<Arn>() {
            Ok(arn) if arn.resource.starts_with("key/") => self.key_readers(&arn),
            _ => {
                let named = self.answer(place, Read::Key { key }, Fact::key);
                if let Observed::Present(key) = named
                    && let Ok(arn) = key.arn.parse()
                {
                    self.key_readers(&arn);
                }
            }
        }
    }

    /// Who may use a key, asked where the key is: policies are shown to the key's own account only.
    fn key_readers(&mut self, arn: &Arn) {
        let place = Place::Aws { account: arn.account.clone(), region: arn.region.clone() };
        let key = || arn.to_string();
        for read in [Read::Key { key: key() }, Read::KeyPolicy { key: key() }, Read::KeyGrants { key: key() }] {
            self.ask(&place, read);
        }
    }
}

fn account_of(place: &Place) -> &str {
    match place {
        Place::Aws { account, .. } | Place::Databricks { account } | Place::Workspace { account, .. } => account,
    }
}

/// `arn:aws:s3:::name` → `name`.
fn bucket_name(arn: &str) -> Option<String> {
    let arn: Arn = arn.parse().ok()?;
    (arn.service == "s3" && !arn.resource.contains('/')).then_some(arn.resource)
}
