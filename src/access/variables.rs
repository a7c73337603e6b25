//! Objects that policies name by variables: other ones for every principal (M5).

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::symbolic::World;
use crate::iam::{Document, Element, NamedPolicy};

use super::estate::Estate;
use super::objects::{kinds, witnesses};
use super::subject::Subject;
use super::worlds::{through_access_point, through_s3};

/// Whether a document has variables.
pub(super) fn has_variables(policy: &NamedPolicy) -> bool {
    let Document::Known(policy) = &policy.document else { return false };
    policy.statements.iter().any(|statement| {
        let resources = statement.resource.iter().flat_map(Element::get);
        let values = statement.conditions.iter().flat_map(|condition| &condition.values);
        resources.chain(values).any(|text| text.contains("${"))
    })
}

/// One object of every kind that the policies on a principal tell apart in some worlds, where variables have a say in that;
/// otherwise none, because the objects that stand for a prefix do for this principal too.
pub(super) fn objects(estate: &Estate<'_>, subject: &Subject, worlds: &[World], prefixes: &[String]) -> Vec<String> {
    let sheets = subject.identity.sheets().chain(estate.shared());
    let (open, plain): (Vec<_>, Vec<_>) = sheets.partition(|sheet| sheet.variables);
    let fixed = fixed(estate, subject, worlds);
    let mut found = BTreeSet::new();
    for prefix in prefixes {
        let mut kinds = kinds(estate, prefix);
        for document in &open {
            let Document::Known(policy) = &document.document else { continue };
            fixed.iter().for_each(|fixed| kinds.add(policy, Some(&subject.principal), fixed));
        }
        if !kinds.by_variable() {
            continue;
        }
        for document in &plain {
            if let Document::Known(policy) = &document.document {
                kinds.add(policy, Some(&subject.principal), &BTreeMap::new());
            }
        }
        found.extend(witnesses(estate, &kinds, prefix).0);
    }
    found.into_iter().collect()
}

/// What is fixed of the keys of a request: by world, by the way in, and what follows from principal and resource.
fn fixed(estate: &Estate<'_>, subject: &Subject, worlds: &[World]) -> BTreeSet<BTreeMap<String, Vec<String>>> {
    let by_key = through_s3(&estate.desired.aws.region, &estate.bucket_arn(), false).fixed;
    let direct = (estate.account(), BTreeMap::new());
    let doors = estate.doors.iter().map(|door| &door.point);
    // The account of the access point owns that, the bucket's account what lies behind.
    let doors = doors.flat_map(|point| {
        let keys = through_access_point(&point.arn, &point.account, point.vpc.is_some()).fixed;
        [(point.account.as_str(), keys.clone()), (estate.account(), keys)]
    });
    let ways: Vec<(&str, BTreeMap<String, Vec<String>>)> =
        std::iter::once(direct).chain([(estate.account(), by_key)]).chain(doors).collect();
    let mut all = BTreeSet::new();
    for world in worlds {
        for (owner, keys) in &ways {
            let mut fixed = world.keys().fixed.clone();
            for key in ["aws:ResourceAccount", "s3:ResourceAccount"] {
                fixed.insert(key.to_owned(), vec![(*owner).to_owned()]);
            }
            if let Some(account) = subject.principal.account() {
                fixed.insert("kms:CallerAccount".to_owned(), vec![account.to_owned()]);
            }
            fixed.extend(keys.clone());
            all.insert(fixed);
        }
    }
    all
}
