//! The key of the audit bucket as it is.

use crate::manifest::{Answer, check};
use crate::model::fact::Names;
use crate::model::key::Key;
use crate::model::live::Read;
use crate::model::{Arn, Desired, Fact, Live, Observed};

use super::sketch::Sketch;

/// Days between rotations that KMS takes (KMS API reference, EnableKeyRotation).
const ROTATION_DAYS: std::ops::RangeInclusive<u32> = 90..=2560;

/// Declares the key that the bucket encrypts with, when a manifest can: a key of the customer in account and region of the
/// bucket. Another one stays readable as a previous key.
pub fn key_of_bucket(sketch: &mut Sketch, desired: &Desired, live: &Live) {
    let place = desired.aws_place();
    let read = Read::BucketEncryption { bucket: desired.delivery.bucket.clone() };
    let Some(encryption) = live.view(&place, read, Fact::encryption).present() else { return };
    let Some(named) = encryption.key else {
        if encryption.algorithm.starts_with("aws:kms") {
            sketch.remarks.key.push(managed());
        }
        return;
    };
    match live.view(&place, Read::Key { key: named.clone() }, Fact::key) {
        Observed::Present(key) => found(sketch, desired, &key),
        Observed::Absent => {
            sketch.remarks.key.push(format!("The bucket encrypts with the key `{named}`, which does not exist."));
        }
        Observed::Unknown(_) => {
            sketch.remarks.key.push(format!("The bucket encrypts with the key `{named}`, which could not be read."));
            if check(Answer::Key, &named).is_ok() {
                sketch.previous_keys.push(named);
            }
        }
    }
}

fn managed() -> String {
    "The bucket encrypts with the key that AWS manages for S3: its policy cannot be changed, so that it cannot be declared. \
     Left as it is by the waiver of `customer-key`."
        .to_owned()
}

fn found(sketch: &mut Sketch, desired: &Desired, key: &Key) {
    if key.manager != "CUSTOMER" {
        sketch.remarks.key.push(managed());
        return;
    }
    let here = key
        .arn
        .parse::<Arn>()
        .is_ok_and(|arn| arn.account == desired.aws.account_id && arn.region == desired.aws.region);
    let suitable = key.spec == "SYMMETRIC_DEFAULT" && key.usage == "ENCRYPT_DECRYPT" && key.origin == "AWS_KMS";
    if here && suitable && check(Answer::Key, &key.arn).is_ok() {
        sketch.key_arn = Some(key.arn.clone());
        return;
    }
    let why = match (here, suitable) {
        (false, _) => "it is in another account or region than the bucket",
        (true, false) => "its material does not come from KMS, so that it cannot be rotated",
        (true, true) => "its ARN has an unusual form",
    };
    sketch.remarks.key.push(format!(
        "The bucket encrypts with `{}`, which cannot be declared: {why}. Left as it is by the waiver of `customer-key`.",
        key.arn
    ));
    if check(Answer::Key, &key.arn).is_ok() {
        sketch.previous_keys.push(key.arn.clone());
    }
}

/// Names and rotates the declared key as it is named and rotated. `desired` declares it.
pub fn describe_key(sketch: &mut Sketch, desired: &Desired, live: &Live) {
    let Some(arn) = &desired.key.arn else { return };
    let (place, key) = (desired.aws_place(), || arn.to_string());
    let names = live.view(&place, Read::KeyAliases { key: key() }, Fact::names).present();
    let names = names.map(|Names(names)| names).unwrap_or_default();
    // The default needs no word.
    if !names.contains(&desired.key.alias) {
        sketch.key_alias = names.into_iter().find(|name| check(Answer::Alias, name).is_ok());
    }
    let rotation = live.view(&place, Read::KeyRotation { key: key() }, Fact::rotation).present();
    let period = rotation.filter(|one| one.enabled).and_then(|one| one.period_days);
    sketch.rotation_days = period.and_then(|days| u32::try_from(days).ok()).filter(|days| ROTATION_DAYS.contains(days));
}
