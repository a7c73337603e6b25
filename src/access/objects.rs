//! Classes of log objects (K6): by the key that they lie under, and the prefix. The default encryption of a bucket says
//! nothing of the objects that are in it already.

use std::collections::BTreeMap;

use crate::iam::Document;
use crate::iam::symbolic::{Limits, Objects as Kinds};
use crate::model::Observed;

use super::allowed::Sheet;
use super::assessment::ObjectClass;
use super::estate::Estate;

/// A class with the keys of objects that stand for it.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    pub class: ObjectClass,
    /// ARNs of objects, one of every kind that the policies tell apart.
    pub witnesses: Vec<String>,
}

/// Stands for any object where the kinds cannot be told: the evaluator takes a wildcard for "may or may not match", and
/// [`super::worlds::through_s3`] the encryption context for unknown.
pub(super) const ANY_OBJECT: &str = "(known-after-apply:any object)";

/// Whether an ARN stands for any object.
pub(super) fn is_any(arn: &str) -> bool {
    arn.ends_with(ANY_OBJECT)
}

/// The classes of an estate. Adds the keys that they lie under to it.
pub(super) fn classes(estate: &mut Estate<'_>) -> Vec<Objects> {
    let (declared, previous) = prefixes(estate);
    let encryption = estate.encryption.clone();
    let (key, words) = match &encryption {
        Observed::Present(found) if found.algorithm.starts_with("aws:kms") => match &found.key {
            Some(text) => {
                let arn = estate.key_arn(text);
                estate.add_key(&arn);
                (Some(arn), "under the bucket's present default key")
            }
            None => (Some(estate.add_aws_managed_key()), "under the AWS managed key"),
        },
        Observed::Present(_) | Observed::Absent => (None, "encrypted by S3 itself (SSE-S3): KMS has no say"),
        Observed::Unknown(_) => (None, "under an encryption that was not read: KMS is taken to have no say"),
    };
    let mut all = Vec::new();
    let mut add = |estate: &Estate<'_>, id: &str, words: String, prefixes: &[String], key: Option<String>, sampled| {
        let class = ObjectClass {
            id: id.to_owned(),
            manifest: estate.desired.name.clone(),
            description: words,
            prefixes: prefixes.to_vec(),
            key,
            sampled,
        };
        all.push(class);
    };
    add(estate, "current", format!("new objects, {words}"), &declared, key.clone(), true);
    if !previous.is_empty() {
        add(
            estate,
            "previous-prefixes",
            format!("objects below previous prefixes, {words}"),
            &previous,
            key.clone(),
            true,
        );
    }
    let everywhere: Vec<String> = declared.iter().chain(&previous).cloned().collect();
    let old_keys: Vec<String> = estate.desired.key.previous.iter().map(ToString::to_string).collect();
    for (number, old) in old_keys.into_iter().filter(|old| Some(old) != key.as_ref()).enumerate() {
        estate.add_key(&old);
        let words = format!("objects under the previous key {old}");
        add(estate, &format!("previous-key-{}", number + 1), words, &everywhere, Some(old), true);
    }
    if key.is_some() {
        let words = "objects that may have been written before the present encryption, under no key (SSE-S3) or one that \
                     nothing names: whether there are any was not sampled";
        add(estate, "older", words.to_owned(), &everywhere, None, false);
    }
    all.into_iter().map(|class| Objects { class, witnesses: Vec::new() }).collect()
}

fn prefixes(estate: &Estate<'_>) -> (Vec<String>, Vec<String>) {
    let delivery = &estate.desired.delivery;
    let previous = delivery.previous_prefixes.iter().filter(|prefix| **prefix != delivery.prefix).cloned().collect();
    (vec![delivery.prefix.clone()], previous)
}

/// Chooses the objects that stand for each class, from what policies say of objects. `false` when they could not be told
/// apart.
pub(super) fn choose(classes: &mut [Objects], estate: &Estate<'_>, documents: &[&Sheet]) -> bool {
    let mut told_apart = true;
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for objects in classes {
        for prefix in &objects.class.prefixes {
            let found = known.entry(prefix.clone()).or_insert_with(|| {
                let mut kinds = kinds(estate, prefix);
                let beginnings = kinds.beginnings();
                let about = |sheet: &&&Sheet| sheet.resources.closely || sheet.resources.begin_like(&beginnings);
                for document in documents.iter().filter(about) {
                    if let Document::Known(policy) = &document.document {
                        kinds.add(policy, None, &BTreeMap::new());
                    }
                }
                let (found, all) = witnesses(estate, &kinds, prefix);
                told_apart &= all;
                found
            });
            objects.witnesses.extend(found.iter().cloned());
        }
    }
    told_apart
}

/// What tells the objects of a prefix apart, but for policies: constraints of KMS grants (K3). The access points by which
/// policies may name them are known to it.
pub(super) fn kinds(estate: &Estate<'_>, prefix: &str) -> Kinds {
    let mut kinds = Kinds::below(&estate.bucket_arn(), &below(prefix));
    estate.doors.iter().for_each(|door| kinds.point(&door.point.arn));
    for grant in estate.keys.values().flat_map(|key| &key.grants) {
        let Some(constraints) = &grant.constraints else { continue };
        // One that cannot be read is unknown to the evaluator, for every object.
        let Ok(constraints) = serde_json::from_str::<serde_json::Value>(constraints) else { continue };
        let pairs = constraints.as_object().into_iter().flat_map(|all| all.values()).filter_map(|one| one.as_object());
        pairs.flat_map(|pairs| pairs.values()).filter_map(|value| value.as_str()).for_each(|arn| kinds.literal(arn));
    }
    kinds
}

/// Objects that stand for all of a prefix, and whether their kinds could be told apart.
pub(super) fn witnesses(estate: &Estate<'_>, kinds: &Kinds, prefix: &str) -> (Vec<String>, bool) {
    match kinds.witnesses(Limits::default()) {
        Ok(found) => (found, true),
        Err(_) => {
            let bucket = estate.bucket_arn();
            let mut found = vec![format!("{bucket}/{}x", below(prefix)), format!("{bucket}/{ANY_OBJECT}")];
            // An object with a name is none of "any": what names it without wildcards would be missed.
            found.extend(kinds.named());
            (found, false)
        }
    }
}

/// How keys below a prefix begin.
pub(super) fn below(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!("{prefix}/") }
}
