use super::sketch;
use crate::access::tests::lab::{
    BUCKET, LOGS, Lab, OBJECTS, OTHER, OWN, SAML, allow, may, plain, sealed, trusts, when,
};
use crate::adopt::{Found, Sketch, Who, people, text};
use crate::model::fact::Tags;
use crate::model::live::{Query, Read};
use crate::model::{Arn, OWNER_TAG, Observed};

/// Readers and admins of a lab, as its manifest would have them.
fn drawn(lab: &Lab, admins: &[Arn], readers: &[Who], caller: Option<&str>) -> Sketch {
    let mut desired = lab.desired.clone();
    desired.readers.clear();
    desired.admins.clear();
    let lab = Lab { desired, ..lab.clone() };
    let (live, assessment) = (lab.live(), lab.assess());
    let mut sketch = sketch();
    let found = Found { desired: &lab.desired, live: &live, assessment: &assessment, caller, admins, readers };
    people(&mut sketch, &found);
    sketch
}

/// The part of the text that is about people.
fn said(sketch: &Sketch) -> String {
    let text = text(sketch);
    text.split_once("AuditDelivery\"\n").expect("the role").1.trim().to_owned()
}

#[test]
fn everybody_is_found_with_how_and_nobody_is_guessed() {
    let lab = plain()
        .role("Wide", &trusts(&format!("arn:aws:iam::{OWN}:user/eve")), &[&may("s3:*", "*")])
        .role(
            "Office",
            SAML,
            &[&allow("", "s3:GetObject", OBJECTS, &when("IpAddress", "aws:SourceIp", "203.0.113.0/24"))],
        )
        .user("bob", &[&may("s3:GetObject", OBJECTS)])
        .user("eve", &[&may("sts:AssumeRole", "*")])
        .on_bucket(&allow(&format!("arn:aws:iam::{OTHER}:role/Siem"), "s3:GetObject", LOGS, r#","Sid":"Siem""#))
        .on_bucket(&allow(&format!("arn:aws:iam::{OTHER}:root"), "s3:GetObject", LOGS, r#","Sid":"Partner""#))
        .privileges("schema", "system.access", "audit team", &["SELECT", "USE_SCHEMA"]);
    let sketch = drawn(&lab, &[], &[], Some("arn:aws:iam::111122223333:role/Wide"));
    insta::assert_snapshot!(said(&sketch));
}

#[test]
fn who_controls_is_an_admin_and_the_caller_only_when_nobody_does() {
    let labels = |sketch: &Sketch| sketch.admins.iter().map(|one| one.label.clone()).collect::<Vec<_>>();
    // A key decides too, when there is one.
    let mut keyed = sealed();
    keyed.desired.key.arn = Some(crate::access::tests::lab::KEY.parse().unwrap());
    let keyed = keyed.role("BucketOnly", SAML, &[&may("s3:PutBucketPolicy", &format!("arn:aws:s3:::{BUCKET}"))]);
    assert_eq!(labels(&drawn(&keyed, &[], &[], None)), ["platform-admin"]);
    let lab = Lab { people: Default::default(), ..plain() };
    let caller = "arn:aws:iam::111122223333:role/ops/Deployer";
    let alone = drawn(&lab, &[], &[], Some(caller));
    assert_eq!(labels(&alone), ["deployer"]);
    assert!(alone.remarks.admins[0].contains("the caller of `auditseal init` is taken for an admin"));
    // A user cannot be one.
    assert_eq!(labels(&drawn(&lab, &[], &[], Some("arn:aws:iam::111122223333:user/me"))), [""; 0]);
    let given: Arn = caller.parse().unwrap();
    assert_eq!(labels(&drawn(&plain(), std::slice::from_ref(&given), &[], None)), ["deployer"], "what was said counts");
    let reader = Who::Role(given);
    let readers = drawn(&plain(), &[], std::slice::from_ref(&reader), None).readers;
    assert!(readers.iter().any(|one| one.who == reader && !one.proposed), "{readers:?}");
}

#[test]
fn a_policy_of_ours_says_what_was_declared_and_somebody_elses_does_not() {
    let arns = |name: &str| format!("arn:aws:iam::{OWN}:role/{name}");
    let principal = format!(r#""AWS":["{}"]"#, arns("Watcher"));
    let admins = format!(r#"["{}","arn:aws:iam::{OWN}:root"]"#, arns("PlatformAdmin"));
    let lab = plain()
        .role("Watcher", SAML, &[&may("s3:GetObject", OBJECTS)])
        .on_bucket(&allow(&principal, "s3:ListBucket", &format!("arn:aws:s3:::{BUCKET}"), r#","Sid":"ObserversList""#))
        .on_bucket(&format!(
            r#"{{"Sid":"ConfigOnlyAdmins","Effect":"Deny","Principal":"*","NotAction":["s3:Get*","s3:List*"],"Resource":"arn:aws:s3:::{BUCKET}","Condition":{{"ArnNotEquals":{{"aws:PrincipalArn":{admins}}}}}}}"#
        ))
        .on_bucket(&format!(
            r#"{{"Sid":"MfaReaders","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"{OBJECTS}","Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{}"}},"BoolIfExists":{{"aws:MultiFactorAuthPresent":"false"}}}}}}"#,
            arns("SecurityAnalyst")
        ));
    let of = |owner: Option<String>| {
        let mut desired = lab.desired.clone();
        desired.readers.clear();
        desired.admins.clear();
        let lab = Lab { desired, ..lab.clone() };
        let mut live = lab.live();
        let tags = owner.map(|owner| Tags([(OWNER_TAG.to_owned(), owner)].into())).unwrap_or_default();
        let query = Query { place: lab.place(), read: Read::BucketTags { bucket: BUCKET.to_owned() } };
        live.set(query, Observed::Present(tags.into()));
        let assessment = lab.assess();
        let mut sketch = sketch();
        let found = Found {
            desired: &lab.desired,
            live: &live,
            assessment: &assessment,
            caller: None,
            admins: &[],
            readers: &[],
        };
        people(&mut sketch, &found);
        sketch
    };
    let ours = of(Some(lab.desired.owner()));
    assert_eq!(ours.observers.iter().map(|one| one.label.as_str()).collect::<Vec<_>>(), ["watcher"]);
    assert_eq!(ours.admins.iter().map(|one| one.label.as_str()).collect::<Vec<_>>(), ["platform-admin"]);
    let mfa = |sketch: &Sketch| sketch.readers.iter().any(|one| one.label == "security-analyst" && one.mfa);
    assert!(mfa(&ours), "{:?}", ours.readers);
    // Found to read as well, it is declared once: a manifest refuses an observer who reads.
    assert!(ours.readers.iter().any(|one| one.label == "watcher" && one.proposed), "{:?}", ours.readers);
    crate::manifest::parse("acme", "acme.toml", &text(&ours)).expect("a manifest");
    for other in [None, Some("somebody/else".to_owned())] {
        let theirs = of(other);
        assert!(theirs.observers.is_empty() && !mfa(&theirs), "anybody may choose such a Sid");
    }
}
