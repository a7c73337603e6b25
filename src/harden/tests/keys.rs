//! Which key is taken, and which is not.

use std::collections::BTreeMap;

use super::estate::*;
use crate::harden::{KeyChoice, key_of};
use crate::model::bucket::Encryption;
use crate::model::fact::{Names, PolicyText, Tags};
use crate::model::key::Grant;
use crate::model::live::Read;
use crate::model::{Fact, Kind, Live, OWNER_TAG};

const SECOND: &str = "arn:aws:kms:us-east-1:111122223333:key/22222222-2222-3333-4444-555555555555";

fn tag(owner: &str) -> Tags {
    Tags(BTreeMap::from([(OWNER_TAG.to_owned(), owner.to_owned())]))
}

fn keys(live: &mut Live, all: &[(&str, &str)]) {
    put(live, &aws(), Read::Keys, Names(all.iter().map(|(arn, _)| (*arn).to_owned()).collect()));
    for (arn, owner) in all {
        put_key(live, &aws(), arn, "alias/none");
        put(live, &aws(), Read::KeyTags { key: (*arn).to_owned() }, tag(owner));
    }
    none(live, &aws(), Read::Key { key: "alias/audit".to_owned() });
}

#[test]
fn by_arn_then_tag_then_alias_else_new() {
    let mut live = new_account(&plain());
    assert_eq!(key_of(&plain(), &live), KeyChoice::Create);
    keys(&mut live, &[(KEY, "someone/else"), (SECOND, OWNER)]);
    assert_eq!(key_of(&plain(), &live), KeyChoice::Existing(SECOND.to_owned()));
    // Somebody gave our alias to another key: the one with our tag stays ours.
    put_key(&mut live, &aws(), KEY, "alias/audit");
    assert_eq!(key_of(&plain(), &live), KeyChoice::Existing(SECOND.to_owned()));
    put(&mut live, &aws(), Read::KeyTags { key: SECOND.to_owned() }, tag("someone/else"));
    assert_eq!(key_of(&plain(), &live), KeyChoice::Existing(KEY.to_owned()));
    let mut desired = plain();
    desired.key.arn = Some(arn(SECOND));
    assert_eq!(key_of(&desired, &live), KeyChoice::Existing(SECOND.to_owned()));
}

#[test]
fn of_two_tagged_keys_the_living_one() {
    let mut live = new_account(&plain());
    keys(&mut live, &[(KEY, OWNER), (SECOND, OWNER)]);
    let mut dying = live_key(KEY);
    dying.state = "PendingDeletion".to_owned();
    put(&mut live, &aws(), Read::Key { key: KEY.to_owned() }, dying);
    assert_eq!(key_of(&plain(), &live), KeyChoice::Existing(SECOND.to_owned()));
}

#[test]
fn an_unread_alias_is_a_gap() {
    let mut live = new_account(&plain());
    let mut other = Live::default();
    std::mem::swap(&mut live, &mut other);
    for (query, answer) in other.iter().filter(|(query, _)| !matches!(query.read, Read::Key { .. })) {
        live.set(query.clone(), answer.clone());
    }
    let wanted = run(&plain(), &live);
    assert!(wanted.gaps.iter().any(|gap| gap.what.contains("alias/audit")), "{:?}", wanted.gaps);
}

#[test]
fn a_dying_key_is_wanted_alive() {
    let mut live = new_account(&plain());
    put_key(&mut live, &aws(), KEY, "alias/audit");
    let mut dying = live_key(KEY);
    dying.state = "PendingDeletion".to_owned();
    put(&mut live, &aws(), Read::Key { key: KEY.to_owned() }, dying);
    let wanted = run(&plain(), &live);
    assert_eq!(wanted.find("acme", Kind::KmsKey, "audit").unwrap().fact.key().unwrap(), &live_key(KEY));
    assert_eq!(wanted.find("acme", Kind::KmsGrants, "audit").unwrap().fact, Fact::KeyGrants(Vec::new()));
}

#[test]
fn unsuitable_keys_are_refused() {
    let wrong: [fn(&mut crate::model::key::Key); 4] = [
        |key| key.manager = "AWS".to_owned(),
        |key| key.spec = "RSA_2048".to_owned(),
        |key| key.usage = "SIGN_VERIFY".to_owned(),
        |key| key.origin = "EXTERNAL".to_owned(),
    ];
    for change in wrong {
        let mut live = new_account(&plain());
        put_key(&mut live, &aws(), KEY, "alias/audit");
        let mut key = live_key(KEY);
        change(&mut key);
        put(&mut live, &aws(), Read::Key { key: KEY.to_owned() }, key);
        let wanted = run(&plain(), &live);
        assert_eq!(codes(&wanted), ["unsuitable-key"]);
        assert!(wanted.find("acme", Kind::KmsKeyPolicy, "audit").is_none());
    }
}

#[test]
fn a_key_that_serves_others_is_not_tightened() {
    let mut desired = plain();
    desired.key.arn = Some(arn(KEY));
    let grant = |grantee: &str, operations: &[&str]| Grant {
        id: "g".to_owned(),
        name: String::new(),
        grantee: grantee.to_owned(),
        retiring: None,
        issuing_account: None,
        operations: operations.iter().map(|one| (*one).to_owned()).collect(),
        constraints: None,
    };
    let via = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"rds.us-east-1.amazonaws.com"}}}]}"#;
    let key = || KEY.to_owned();
    type Sign<'a> = &'a dyn Fn(&mut Live);
    let signs: [(&str, Sign<'_>); 3] = [
        ("grant", &|live| {
            put(live, &aws(), Read::KeyGrants { key: key() }, vec![grant("rds.amazonaws.com", &["Decrypt"])])
        }),
        ("hand on", &|live| put(live, &aws(), Read::KeyGrants { key: key() }, vec![grant("arn:x", &["CreateGrant"])])),
        ("via", &|live| put(live, &aws(), Read::KeyPolicy { key: key() }, PolicyText(via.to_owned()))),
    ];
    for (name, sign) in signs {
        let mut live = new_account(&desired);
        put_key(&mut live, &aws(), KEY, "alias/audit");
        assert_eq!(codes(&run(&desired, &live)), [""; 0], "{name}");
        sign(&mut live);
        assert_eq!(codes(&run(&desired, &live)), ["key-used-elsewhere"], "{name}");
        put(&mut live, &aws(), Read::KeyTags { key: key() }, tag(OWNER));
        assert_eq!(codes(&run(&desired, &live)), [""; 0], "{name}, ours");
    }
    // A further alias is a name, not a use.
    let mut live = new_account(&desired);
    put_key(&mut live, &aws(), KEY, "alias/audit");
    put(&mut live, &aws(), Read::KeyAliases { key: key() }, Names(vec!["alias/db".to_owned()]));
    assert_eq!(codes(&run(&desired, &live)), [""; 0]);
    // A stray grant to a role is not use by others: it is revoked.
    let mut live = new_account(&desired);
    put_key(&mut live, &aws(), KEY, "alias/audit");
    put(
        &mut live,
        &aws(),
        Read::KeyGrants { key: key() },
        vec![grant("arn:aws:iam::111122223333:role/x", &["Decrypt"])],
    );
    assert_eq!(codes(&run(&desired, &live)), [""; 0]);
}

#[test]
fn another_owners_key_and_a_taken_alias_are_refused() {
    let mut live = new_account(&plain());
    put_key(&mut live, &aws(), KEY, "alias/audit");
    put(&mut live, &aws(), Read::KeyTags { key: KEY.to_owned() }, tag("someone/else"));
    assert_eq!(codes(&run(&plain(), &live)), ["owned-by-another"]);
    let mut desired = plain();
    desired.key.arn = Some(arn(SECOND));
    put_key(&mut live, &aws(), SECOND, "alias/audit");
    put_key(&mut live, &aws(), KEY, "alias/audit");
    assert_eq!(codes(&run(&desired, &live)), ["alias-taken"]);
}

#[test]
fn dual_layer_encryption_under_the_same_key_stays() {
    let mut live = new_account(&plain());
    put_key(&mut live, &aws(), KEY, "alias/audit");
    let stricter = Encryption { algorithm: "aws:kms:dsse".to_owned(), bucket_key: false, ..Encryption::kms(KEY) };
    put(&mut live, &aws(), Read::BucketEncryption { bucket: BUCKET.to_owned() }, stricter.clone());
    let wanted = run(&plain(), &live);
    assert_eq!(wanted.find("acme", Kind::BucketEncryption, "audit").unwrap().fact, Fact::BucketEncryption(stricter));
}
