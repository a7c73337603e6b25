use serde_json::json;

use super::{explanation_json, explanation_markdown, explanation_schema, explanation_text};
use crate::model::{Gap, Kind, Wanted};
use crate::plan::explain::Explanation;
use crate::plan::tests::explain::{closing, of, open};
use crate::plan::{GuardResult, Verdict};

fn explanation(kind: Kind) -> Explanation {
    let lab = open();
    let mut plan = closing(&lab);
    plan.guards.push(GuardResult {
        code: "unread-inputs".to_owned(),
        verdict: Verdict::Pass,
        message: "every input was read".to_owned(),
    });
    of(&plan, &lab.live(), &Wanted::default(), kind)
}

fn text(explanation: &Explanation) -> String {
    let mut out = String::new();
    explanation_text(explanation, false, false, &mut out).unwrap();
    out
}

#[test]
fn the_chain_of_reasoning_in_full() {
    insta::assert_snapshot!(text(&explanation(Kind::BucketPolicy)));
}

#[test]
fn the_document_follows_its_schema_and_reads_back() {
    let schema = explanation_schema();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for kind in [Kind::BucketPolicy, Kind::KmsKeyPolicy] {
        let explanation = explanation(kind);
        let document = explanation_json(&explanation).unwrap();
        assert_eq!(serde_json::from_str::<Explanation>(&document).unwrap(), explanation);
        assert!(document.starts_with("{\n  \"format_version\": \"1.0\""));
        let value = serde_json::from_str(&document).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0]);
        let mut more = value.clone();
        more["surprise"] = json!(1);
        assert!(!validator.is_valid(&more));
    }
}

#[test]
fn what_is_missing_is_said_and_nothing_reaches_the_terminal_raw() {
    let mut explanation = explanation(Kind::BucketPolicy);
    explanation.access.missing = Some("no \u{1b}[2J witnesses".to_owned());
    explanation.irreversible = Some("it stays".to_owned());
    explanation.not_read = vec![Gap { what: "a\rb".to_owned(), permission: None, message: "denied".to_owned() }];
    let shown = text(&explanation);
    assert!(!shown.contains(['\u{1b}', '\r']), "{shown}");
    for part in ["Irreversible: it stays", "Not read, so nothing is concluded about it:", "witnesses"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let page = explanation_markdown(&explanation);
    assert!(page.starts_with("```text\n") && page.ends_with("```\n"), "{page}");
}
