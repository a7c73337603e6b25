use jiff::civil::date;

use super::*;
use crate::manifest::parse;
use crate::model::Desired;
use crate::review::review;

fn sides() -> (Vec<Desired>, Vec<Desired>) {
    let full = include_str!("../../../examples/manifests/full.toml");
    let siem = "[readers.siem]\nrole = \"arn:aws:iam::444455556666:role/SiemReader\"\n";
    let base = full.replace(siem, "").replace("until   = 2027-03-31", "until   = 2026-12-31");
    let head = full
        .replace("retention_days            = 730", "retention_days            = 400")
        .replace("[scanners.dspm]\nrole = \"arn:aws:iam::111122223333:role/DspmScanner\"\n", "")
        .replace("mode = \"governance\"", "mode = \"compliance\"");
    (vec![parse("acme", "a", &base).unwrap()], vec![parse("acme", "a", &head).unwrap()])
}

fn example() -> Review {
    let (base, head) = sides();
    review(&base, &head, date(2026, 6, 30))
}

fn text(review: &Review) -> String {
    let mut out = String::new();
    review_text(review, false, &mut out).unwrap();
    out
}

#[test]
fn as_text() {
    insta::assert_snapshot!(text(&example()));
    let (base, _) = sides();
    assert_eq!(text(&review(&base, &base, date(2026, 6, 30))), "No changes of the declaration.\n");
}

#[test]
fn as_a_comment() {
    insta::assert_snapshot!(review_markdown(&example()));
}

#[test]
fn as_json_that_its_schema_describes() {
    let json = review_json(&example()).unwrap();
    insta::assert_snapshot!(json);
    let validator = jsonschema::draft202012::new(&review_schema()).unwrap();
    let (base, head) = sides();
    for one in [example(), review(&[], &head, date(2026, 6, 30)), review(&base, &[], date(2028, 1, 1))] {
        let document = serde_json::to_value(&one).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let mut wrong = document;
        wrong["more"] = true.into();
        assert!(!validator.is_valid(&wrong));
    }
}

#[test]
fn a_comment_stays_within_its_limit_and_keeps_the_risk() {
    let (_, head) = sides();
    let many: Vec<Desired> = (0..400)
        .map(|index| {
            let mut one = head[0].clone();
            one.name = format!("acme-{index}");
            one.delivery.bucket = format!("acme-audit-{index}");
            one
        })
        .collect();
    let comment = review_markdown(&review(&[], &many, date(2026, 6, 30)));
    assert!(comment.chars().count() < 65_000, "{}", comment.chars().count());
    assert!(comment.starts_with("<!-- auditseal:review -->\n"));
    assert!(comment.contains("access widens") && comment.contains("**Cut.**"));
}

#[test]
fn hostile_names_are_text() {
    let (_, mut head) = sides();
    for waiver in &mut head[0].waivers {
        waiver.owner = "@everyone <img src=x> | `a`".to_owned();
        waiver.reason = "\u{1b}[31m".to_owned();
    }
    let review = review(&[], &head, date(2026, 6, 30));
    let comment = review_markdown(&review);
    assert!(!comment.contains("@everyone") && !comment.contains("<img"), "{comment}");
    assert!(!text(&review).contains('\u{1b}') && !comment.contains('\u{1b}'));
}
