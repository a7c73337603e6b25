use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{MAX_NOTICE_BYTES, notice_json, notice_ocsf, notice_schema, notice_slack, sarif};
use crate::finding::{ChangedBy, Finding, Notice, NoticeState, Severity, Span, fingerprint};

fn finding() -> Finding {
    Finding {
        code: "public-policy".to_owned(),
        severity: Severity::High,
        subject: "acme/bucket-policy[audit]".to_owned(),
        message: "statement `Open` allows s3:GetObject to everybody <!channel> & more".to_owned(),
        help: Some("run `auditseal plan`".to_owned()),
        span: None,
    }
}

fn notice() -> Notice {
    let finding = finding();
    Notice {
        state: NoticeState::Opened,
        manifest: Some("acme".to_owned()),
        fingerprint: fingerprint(&finding.code, &finding.subject, &["policy"]),
        finding,
        since: "2026-11-23T06:00:00Z".parse().unwrap(),
        at: "2026-11-23T06:15:00Z".parse().unwrap(),
        changed_by: Some(ChangedBy {
            principal: "arn:aws:sts::111122223333:assumed-role/Ops/eve".to_owned(),
            event: "PutBucketPolicy".to_owned(),
            event_id: "6d0e5f1c-1111-2222-3333-444455556666".to_owned(),
            time: "2026-11-23T05:58:00Z".parse().unwrap(),
        }),
    }
}

fn closed() -> Notice {
    let (finding, opened) = (Finding { help: None, ..finding() }, notice());
    Notice { state: NoticeState::Closed, manifest: None, changed_by: None, finding, ..opened }
}

/// The schema that OCSF publishes; the corpus is no part of the repository.
fn ocsf() -> Option<&'static Validator> {
    static VALIDATOR: LazyLock<Option<Validator>> = LazyLock::new(|| {
        let path = "/work/shared/corpora/ocsf/2003.json";
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let schema: Value = serde_json::from_str(&text).unwrap();
                Some(jsonschema::validator_for(&schema).unwrap())
            }
            Err(error) => {
                eprintln!("skipped: {path}: {error}");
                None
            }
        }
    });
    VALIDATOR.as_ref()
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

#[test]
fn json_lines() {
    insta::assert_snapshot!(pretty(&notice_json(&notice())), @r###"
    {
      "changed_by": {
        "event": "PutBucketPolicy",
        "event_id": "6d0e5f1c-1111-2222-3333-444455556666",
        "principal": "arn:aws:sts::111122223333:assumed-role/Ops/eve",
        "time": "2026-11-23T05:58:00Z"
      },
      "code": "public-policy",
      "fingerprint": "f027af0718a17196d9b9feed0de12f3c",
      "format_version": "1.0",
      "help": "run `auditseal plan`",
      "id": "4b82f80b0c98ce482c4e6d946d72c0f9",
      "manifest": "acme",
      "message": "statement `Open` allows s3:GetObject to everybody <!channel> & more",
      "place": null,
      "severity": "high",
      "since": "2026-11-23T06:00:00Z",
      "subject": "acme/bucket-policy[audit]",
      "timestamp": "2026-11-23T06:15:00Z",
      "title": "a bucket policy in the plan would be public",
      "type": "finding.opened"
    }
    "###);
    insta::assert_snapshot!(notice_json(&closed()), @r###"{"changed_by":null,"code":"public-policy","fingerprint":"f027af0718a17196d9b9feed0de12f3c","format_version":"1.0","help":null,"id":"77324c7cd3ff2d17ba70370120c5176b","manifest":null,"message":"statement `Open` allows s3:GetObject to everybody <!channel> & more","place":null,"severity":"high","since":"2026-11-23T06:00:00Z","subject":"acme/bucket-policy[audit]","timestamp":"2026-11-23T06:15:00Z","title":"a bucket policy in the plan would be public","type":"finding.closed"}"###);
}

#[test]
fn an_ocsf_compliance_finding() {
    insta::assert_snapshot!(pretty(&notice_ocsf(&notice())), @r###"
    {
      "activity_id": 1,
      "activity_name": "Create",
      "category_name": "Findings",
      "category_uid": 2,
      "class_name": "Compliance Finding",
      "class_uid": 2003,
      "cloud": {
        "provider": "AWS"
      },
      "compliance": {
        "control": "public-policy",
        "desc": "a bucket policy in the plan would be public",
        "status": "Fail",
        "status_id": 3
      },
      "evidences": [
        {
          "actor": {
            "user": {
              "uid": "arn:aws:sts::111122223333:assumed-role/Ops/eve"
            }
          },
          "api": {
            "operation": "PutBucketPolicy"
          },
          "data": {
            "time": "2026-11-23T05:58:00Z"
          },
          "uid": "6d0e5f1c-1111-2222-3333-444455556666"
        }
      ],
      "finding_info": {
        "created_time": 1795413600000,
        "desc": "statement `Open` allows s3:GetObject to everybody <!channel> & more",
        "first_seen_time": 1795413600000,
        "modified_time": 1795414500000,
        "title": "a bucket policy in the plan would be public",
        "types": [
          "public-policy"
        ],
        "uid": "f027af0718a17196d9b9feed0de12f3c"
      },
      "message": "statement `Open` allows s3:GetObject to everybody <!channel> & more",
      "metadata": {
        "correlation_uid": "f027af0718a17196d9b9feed0de12f3c",
        "event_code": "public-policy",
        "product": {
          "name": "auditseal",
          "vendor_name": "auditseal",
          "version": "0.1.0"
        },
        "profiles": [
          "cloud"
        ],
        "uid": "4b82f80b0c98ce482c4e6d946d72c0f9",
        "version": "1.8.0"
      },
      "remediation": {
        "desc": "run `auditseal plan`"
      },
      "resources": [
        {
          "name": "acme/bucket-policy[audit]",
          "uid": "acme/bucket-policy[audit]"
        }
      ],
      "severity": "High",
      "severity_id": 4,
      "status": "New",
      "status_id": 1,
      "time": 1795414500000,
      "type_uid": 200301,
      "unmapped": {
        "manifest": "acme"
      }
    }
    "###);
    let Some(validator) = ocsf() else { return };
    for notice in [notice(), closed()] {
        let event = notice_ocsf(&notice);
        let errors: Vec<String> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        for member in
            ["activity_id", "class_uid", "finding_info", "compliance", "metadata", "cloud", "type_uid", "time"]
        {
            let mut broken = event.clone();
            broken.as_object_mut().unwrap().remove(member);
            assert!(!validator.is_valid(&broken), "the schema does not ask for {member}");
        }
    }
    let closed = notice_ocsf(&closed());
    assert_eq!((&closed["type_uid"], &closed["compliance"]["status"]), (&json!(200_303), &json!("Pass")));
}

#[test]
fn a_slack_message() {
    insta::assert_snapshot!(pretty(&notice_slack(&notice())), @r###"
    {
      "blocks": [
        {
          "text": {
            "emoji": false,
            "text": "High: a bucket policy in the plan would be public",
            "type": "plain_text"
          },
          "type": "header"
        },
        {
          "text": {
            "text": "*public-policy* `acme/bucket-policy[audit]`\nstatement `Open` allows s3:GetObject to everybody &lt;!channel&gt; &amp; more",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        },
        {
          "text": {
            "text": "*What to do:* run `auditseal plan`",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        },
        {
          "elements": [
            {
              "text": "manifest `acme`",
              "type": "mrkdwn",
              "verbatim": true
            },
            {
              "text": "since 2026-11-23T06:00:00Z",
              "type": "mrkdwn",
              "verbatim": true
            },
            {
              "text": "changed by `arn:aws:sts::111122223333:assumed-role/Ops/eve` with `PutBucketPolicy` at 2026-11-23T05:58:00Z",
              "type": "mrkdwn",
              "verbatim": true
            },
            {
              "text": "fingerprint `f027af0718a17196d9b9feed0de12f3c`",
              "type": "mrkdwn",
              "verbatim": true
            }
          ],
          "type": "context"
        }
      ],
      "text": "High: a bucket policy in the plan would be public (acme/bucket-policy[audit]): statement `Open` allows s3:GetObject to everybody &lt;!channel&gt; &amp; more",
      "unfurl_links": false,
      "unfurl_media": false
    }
    "###);
    let closed = notice_slack(&closed());
    assert_eq!(closed["blocks"][0]["text"]["text"], "Closed: a bucket policy in the plan would be public");
}

#[test]
fn a_sarif_document() {
    let span = Span { file: "./manifests/ac me.toml".to_owned(), line: 3, column: 9, start: 20, end: 24 };
    let placed = Notice { finding: Finding { span: Some(span), severity: Severity::Low, ..finding() }, ..notice() };
    let other = Finding { code: "x-new".to_owned(), severity: Severity::Medium, ..finding() };
    let nowhere = Notice { finding: other, manifest: None, ..closed() };
    let files = BTreeMap::from([("acme".to_owned(), "/srv/manifests/acme.toml".to_owned())]);
    let document = sarif(&[&notice(), &placed, &nowhere], &files);
    let run = &document["runs"][0];
    let uri = |at: usize| run["results"][at]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone();
    assert_eq!(uri(0), "file:///srv/manifests/acme.toml");
    assert_eq!(uri(1), "manifests/ac%20me.toml");
    assert_eq!(uri(2), Value::Null);
    let rules: Vec<&str> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(rules, ["public-policy", "x-new"]);
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index], result["ruleId"].as_str().unwrap());
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(result["partialFingerprints"]["auditseal/v1"].is_string());
    }
    insta::assert_snapshot!(pretty(&document), @r###"
    {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "runs": [
        {
          "columnKind": "unicodeCodePoints",
          "results": [
            {
              "kind": "fail",
              "level": "error",
              "locations": [
                {
                  "logicalLocations": [
                    {
                      "fullyQualifiedName": "acme/bucket-policy[audit]"
                    }
                  ],
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "file:///srv/manifests/acme.toml"
                    },
                    "region": {
                      "startColumn": 1,
                      "startLine": 1
                    }
                  }
                }
              ],
              "message": {
                "text": "a bucket policy in the plan would be public (acme/bucket-policy[audit]): statement `Open` allows s3:GetObject to everybody <!channel> & more. run `auditseal plan`"
              },
              "partialFingerprints": {
                "auditseal/v1": "f027af0718a17196d9b9feed0de12f3c"
              },
              "properties": {
                "manifest": "acme",
                "severity": "high",
                "since": "2026-11-23T06:00:00Z"
              },
              "ruleId": "public-policy",
              "ruleIndex": 0
            },
            {
              "kind": "fail",
              "level": "note",
              "locations": [
                {
                  "logicalLocations": [
                    {
                      "fullyQualifiedName": "acme/bucket-policy[audit]"
                    }
                  ],
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "manifests/ac%20me.toml"
                    },
                    "region": {
                      "startColumn": 9,
                      "startLine": 3
                    }
                  }
                }
              ],
              "message": {
                "text": "a bucket policy in the plan would be public (acme/bucket-policy[audit]): statement `Open` allows s3:GetObject to everybody <!channel> & more. run `auditseal plan`"
              },
              "partialFingerprints": {
                "auditseal/v1": "f027af0718a17196d9b9feed0de12f3c"
              },
              "properties": {
                "manifest": "acme",
                "severity": "low",
                "since": "2026-11-23T06:00:00Z"
              },
              "ruleId": "public-policy",
              "ruleIndex": 0
            },
            {
              "kind": "fail",
              "level": "warning",
              "locations": [
                {
                  "logicalLocations": [
                    {
                      "fullyQualifiedName": "acme/bucket-policy[audit]"
                    }
                  ]
                }
              ],
              "message": {
                "text": "x-new (acme/bucket-policy[audit]): statement `Open` allows s3:GetObject to everybody <!channel> & more. run `auditseal plan`"
              },
              "partialFingerprints": {
                "auditseal/v1": "f027af0718a17196d9b9feed0de12f3c"
              },
              "properties": {
                "manifest": null,
                "severity": "medium",
                "since": "2026-11-23T06:00:00Z"
              },
              "ruleId": "x-new",
              "ruleIndex": 1
            }
          ],
          "tool": {
            "driver": {
              "name": "auditseal",
              "rules": [
                {
                  "defaultConfiguration": {
                    "level": "error"
                  },
                  "fullDescription": {
                    "text": "A state of the bucket policy, the final or an intermediate one, allows something to everybody or to a set of principals without a fixed boundary. With BlockPublicPolicy on, S3 refuses such a policy and the run would stop half-way; without it the logs would be open. It is judged as if there were no public access block, which is the second line of defence and not the first."
                  },
                  "help": {
                    "text": "Find the statement in the message; it comes from a foreign allow that was kept or from a declared principal with a wildcard. Name exact roles."
                  },
                  "id": "public-policy",
                  "properties": {
                    "security-severity": "8.0",
                    "tags": [
                      "security"
                    ]
                  },
                  "shortDescription": {
                    "text": "a bucket policy in the plan would be public"
                  }
                },
                {
                  "defaultConfiguration": {
                    "level": "warning"
                  },
                  "fullDescription": {
                    "text": "x-new"
                  },
                  "help": {
                    "text": "x-new"
                  },
                  "id": "x-new",
                  "properties": {
                    "security-severity": "5.0",
                    "tags": [
                      "security"
                    ]
                  },
                  "shortDescription": {
                    "text": "x-new"
                  }
                }
              ],
              "semanticVersion": "0.1.0",
              "version": "0.1.0"
            }
          }
        }
      ],
      "version": "2.1.0"
    }
    "###);
    let empty = sarif(&[], &files);
    assert_eq!(empty["runs"][0]["results"], json!([]), "nothing open is a document without results, not no document");
}

fn hostile() -> impl Strategy<Value = String> {
    // Long, of any letters, with what Slack, JSON and terminals treat in their own ways.
    prop_oneof![
        ".{0,40}",
        "[<>&`*_~|@!\u{1b}\u{202e}\n\t\"\\\\]{0,9000}",
        "(<!channel>|<@U123>|&amp;|字|\u{1f512}){0,4000}",
    ]
}

prop_compose! {
    fn any_notice()(
        state in prop_oneof![Just(NoticeState::Opened), Just(NoticeState::Closed)],
        texts in prop::collection::vec(hostile(), 9),
        help in any::<bool>(),
        severity in prop::sample::select(vec![Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]),
        seconds in 0..4_000_000_000_i64,
    ) -> Notice {
        let text = |at: usize| texts[at].clone();
        let time = jiff::Timestamp::from_second(seconds).unwrap();
        Notice {
            state,
            manifest: Some(text(0)),
            fingerprint: text(1),
            finding: Finding {
                code: text(2), severity, subject: text(3), message: text(4), help: help.then(|| text(5)), span: None,
            },
            since: time,
            at: time,
            changed_by: Some(ChangedBy { principal: text(6), event: text(7), event_id: text(8), time }),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a finding says: no rendering is too long, none lets the text be more than text.
    #[test]
    fn every_rendering_is_bounded_and_inert(notice in any_notice()) {
        let item = notice_json(&notice);
        static SCHEMA: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&notice_schema()).unwrap());
        let wrong: Vec<String> = SCHEMA.iter_errors(&item).map(|error| error.to_string()).collect();
        prop_assert!(wrong.is_empty(), "{:?}", wrong);
        let slack = notice_slack(&notice);
        for rendered in [&item, &notice_ocsf(&notice), &slack] {
            let text = rendered.to_string();
            prop_assert!(text.len() <= MAX_NOTICE_BYTES, "{}", text.len());
            let raw = ["\n", "\\u001b", "\u{202e}"].into_iter().find(|raw| text.contains(raw));
            prop_assert_eq!(raw, None);
        }
        let blocks = slack["blocks"].as_array().unwrap();
        prop_assert!(blocks.len() <= 50);
        for block in blocks {
            let texts: Vec<&Value> = match block["type"].as_str() {
                Some("context") => block["elements"].as_array().unwrap().iter().map(|element| &element["text"]).collect(),
                _ => vec![&block["text"]["text"]],
            };
            let (longest, markup) = match block["type"].as_str() {
                Some("header") => (150, false),
                Some("context") => (2000, true),
                _ => (3000, true),
            };
            for text in texts.into_iter().map(|text| text.as_str().unwrap()) {
                prop_assert!(text.chars().count() <= longest, "{}", text.chars().count());
                prop_assert!(!text.is_empty());
                prop_assert!(!markup || !text.contains(['<', '>']), "{text}");
                prop_assert!(!markup || text.split('&').skip(1).all(|rest| ["amp;", "lt;", "gt;"].iter().any(|end| rest.starts_with(end))));
            }
        }
    }

    #[test]
    fn every_ocsf_event_is_valid(notice in any_notice()) {
        let Some(validator) = ocsf() else { return Ok(()) };
        let event = notice_ocsf(&notice);
        let errors: Vec<String> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
        prop_assert!(errors.is_empty(), "{:?}", errors);
    }
}
