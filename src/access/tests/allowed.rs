//! The sets of actions agree with the documents that they were taken from.

use proptest::prelude::*;

use crate::access::allowed::{asked, may_allow};
use crate::access::documents::Library;
use crate::iam::NamedPolicy;

const PATTERNS: &[&str] = &[
    "*",
    "s3:*",
    "S3:GetObject",
    "s3:Get*",
    "s3:*Object*",
    "s3:PutBucket?olicy",
    "kms:*",
    "kms:Put*",
    "iam:PassRole",
    "sts:*",
    "s?:GetObject",
    "ec2:Describe*",
    "GetObject",
    "",
    "s3:Get Object",
    "s3*",
    "iam:*Policy",
];

fn statement() -> impl Strategy<Value = String> {
    let patterns = prop::collection::vec(prop::sample::select(PATTERNS), 0..3);
    (prop::sample::select(&["Allow", "Deny"][..]), prop::sample::select(&["Action", "NotAction"][..]), patterns)
        .prop_map(|(effect, element, patterns)| {
            let patterns = serde_json::to_string(&patterns).expect("a list");
            format!(r#"{{"Effect":"{effect}","{element}":{patterns},"Resource":"*"}}"#)
        })
}

proptest! {
    #[test]
    fn a_set_holds_what_its_document_may_allow(statements in prop::collection::vec(statement(), 1..4)) {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
        let policy = NamedPolicy::read("policy", &text);
        let actions = Library::default().sheet(policy.clone()).allows;
        for action in asked() {
            prop_assert_eq!(actions.has(action), Some(may_allow(&policy, action)), "{} in {}", action, text);
        }
    }
}

#[test]
fn an_unknown_document_may_allow_everything_and_other_actions_are_not_in_sets() {
    let unread = Library::default().unknown("managed", "not read").allows;
    assert!(asked().all(|action| unread.has(action) == Some(true)));
    assert_eq!(unread.has("ec2:RunInstances"), None);
    assert!(asked().count() > 60);
}
