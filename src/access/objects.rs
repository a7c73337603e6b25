//! Classes of log objects (K6): by the key that they lie under, and the prefix. The default encryption of a bucket says
//! nothing of the objects that are in it already.

use std::sync::Arc;

use crate::iam::glob::{Token, glob};
use crate::iam::{Document, Element, NamedPolicy};
use crate::model::Observed;

use super::assessment::ObjectClass;
use super::estate::Estate;
use super::language::split;

/// A class with the keys of objects that stand for it.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    pub class: ObjectClass,
    /// ARNs of objects, one of every kind that the policies tell apart.
    pub witnesses: Vec<String>,
}

/// Stands for any object where the kinds cannot be told: the evaluator takes a wildcard for "may or may not match".
const ANY_OBJECT: &str = "(known-after-apply:any object)";

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

/// Chooses the objects that stand for each class, from the resources that policies name.
pub(super) fn choose(classes: &mut [Objects], estate: &Estate<'_>, documents: &[Arc<NamedPolicy>]) -> bool {
    let patterns = patterns(estate, documents);
    let mut split_all = true;
    let mut known: Vec<(String, Vec<String>)> = Vec::new();
    for objects in classes {
        for prefix in &objects.class.prefixes {
            if let Some((_, found)) = known.iter().find(|(one, _)| one == prefix) {
                objects.witnesses.extend(found.iter().cloned());
                continue;
            }
            let bucket = &estate.desired.delivery.bucket;
            let below = if prefix.is_empty() { format!("{bucket}/?*") } else { format!("{bucket}/{prefix}/?*") };
            let keys = split(&Token::pattern(&below), &patterns).unwrap_or_else(|| {
                split_all = false;
                let mut keys: Vec<String> = split(&Token::pattern(&below), &[]).unwrap_or_default();
                keys.push(format!("{bucket}/{ANY_OBJECT}"));
                keys
            });
            let partition = estate.partition();
            let arns: Vec<String> = keys.into_iter().map(|key| format!("arn:{partition}:s3:::{key}")).collect();
            objects.witnesses.extend(arns.iter().cloned());
            known.push((prefix.clone(), arns));
        }
    }
    split_all
}

/// Last parts of the S3 ARN patterns that could match an object of the bucket. A variable counts as `*` here.
fn patterns(estate: &Estate<'_>, documents: &[Arc<NamedPolicy>]) -> Vec<Vec<Token>> {
    let mut texts: Vec<String> = Vec::new();
    for policy in documents.iter().filter_map(|named| match &named.document {
        Document::Known(policy) => Some(policy),
        Document::Unknown(_) => None,
    }) {
        for statement in &policy.statements {
            let Some(Element::Is(list) | Element::Not(list)) = &statement.resource else { continue };
            texts.extend(list.iter().filter_map(|text| object_pattern(text, &estate.desired.delivery.bucket)));
        }
    }
    texts.sort();
    texts.dedup();
    // What covers every object, or the bucket alone, tells none apart.
    let bucket = &estate.desired.delivery.bucket;
    texts.retain(|text| text != "*" && text != bucket && *text != format!("{bucket}/*"));
    texts.iter().map(|text| Token::pattern(text)).collect()
}

fn object_pattern(text: &str, bucket: &str) -> Option<String> {
    let mut parts = text.splitn(6, ':');
    let head: Vec<&str> = parts.by_ref().take(5).collect();
    let last = parts.next()?;
    let service = head.get(2)?;
    if !glob(&Token::pattern(service), "s3") {
        return None;
    }
    let plain = without_variables(last);
    // Only what can begin with the bucket's name.
    let begin: String = plain.split(['/', '*', '?']).next().unwrap_or_default().to_owned();
    (bucket.starts_with(&begin)).then_some(plain)
}

/// `${…}` with anything in its place.
pub(super) fn without_variables(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        plain.push_str(before);
        plain.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
}
