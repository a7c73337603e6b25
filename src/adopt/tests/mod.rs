//! Sketches of small estates.

mod bucket;
mod candidates;
mod page;
mod people;
mod waiving;

use super::Sketch;
use crate::access::tests::lab::{BUCKET, DELIVERY, OWN};

/// What every manifest needs.
fn sketch() -> Sketch {
    Sketch {
        databricks_account: "0d26daa6-5e44-4c97-a497-ef015f91254a".to_owned(),
        aws_account: OWN.to_owned(),
        region: "us-east-1".to_owned(),
        bucket: BUCKET.to_owned(),
        prefix: Some("audit".to_owned()),
        role: Some(DELIVERY.to_owned()),
        ..Sketch::default()
    }
}

#[test]
fn labels_are_in_the_style_of_manifests() {
    for (name, label) in [
        ("SecurityAnalyst", "security-analyst"),
        ("AWSReservedSSO_AdministratorAccess_0123", "awsreserved-sso-administrator-access-0123"),
        ("account users", "account-users"),
        ("a.b+c=d@e", "a-b-c-d-e"),
        ("--Ops--", "ops"),
        ("Prüfer", "pr-fer"),
        ("", "unnamed"),
        ("***", "unnamed"),
    ] {
        assert_eq!(super::label(name), label, "{name}");
    }
    let long = super::label(&"Aa".repeat(64));
    assert!(long.len() <= 60 && crate::manifest::check(crate::manifest::Answer::Label, &long).is_ok(), "{long}");
}
