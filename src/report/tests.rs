use serde_json::{Value, json};

use super::fixture::{plan, settled};
use super::{PLAN_MARKER, TextOptions, plan_json, plan_markdown, plan_schema, plan_text};
use crate::model::{Address, Kind};
use crate::plan::{Action, LeftOut, Partial, Plan, Selection};

fn text(plan: &Plan, options: TextOptions) -> String {
    let mut out = String::new();
    plan_text(plan, options, &mut out).unwrap();
    out
}

#[test]
fn plan_in_full() {
    insta::assert_snapshot!(text(&plan(), TextOptions { steps: true, ..TextOptions::default() }), @r#"
    auditseal will perform the following actions:

      # acme/bucket-public-access-block[audit] will be updated in place
      # B1: all four switches
      ~ acme/bucket-public-access-block[audit]
          ~ block_public_policy     = false -> true
          ~ restrict_public_buckets = false -> true

      # acme/kms-key[audit] will be created
      # K1: a key of its own, with exact decrypters
      + acme/kms-key[audit]
          + arn   = (known after apply)  # chosen by KMS
          + state = "Enabled"  # K3: alive

      # acme/bucket-encryption[audit] will be updated in place
      # B10: objects are encrypted with the declared key
      ~ acme/bucket-encryption[audit]
          ~ algorithm = "AES256" -> "aws:kms"
          + key       = (known after apply)

      # acme/bucket-policy[audit] will be updated in place
      # only declared roles read, and only over TLS
      ~ acme/bucket-policy[audit]
          + statement[TlsOnly]  # B9: every request over TLS
              + Sid: "TlsOnly"
              + Effect: "Deny"
              + Principal: "*"
              + Action: "s3:*"
              + Resource: ["arn:aws:s3:::acme-databricks-audit", "arn:aws:s3:::acme-databricks-audit/*"]
              + Condition: { Bool: { aws:SecureTransport: "false" } }
          ~ statement[ReadersRead]
                Principal: {
                  AWS: [
                    "arn:aws:iam::111122223333:role/SecurityAnalyst"
              -     "arn:aws:iam::111122223333:root"
              +     "arn:aws:iam::444455556666:role/SiemReader"
                  ]
                }
              - Action: "s3:Get*"
              + Action: [
              +   "s3:GetObject"
              +   "s3:GetObjectVersion"
              + ]
                Resource: "arn:aws:s3:::acme-databricks-audit/audit/*"
          - statement[Old]  # B3: nobody anonymous
              - Sid: "Old"
              - Effect: "Allow"
              - Principal: "*"
              - Action: "s3:GetObject"
              - Resource: "arn:aws:s3:::acme-databricks-audit/audit/*"

      # acme/bucket-object-lock[audit] will be created
      # declared under [bucket.object_lock]
      # irreversible: it cannot be undone, by this tool or by AWS
      + acme/bucket-object-lock[audit]
          + enabled        = true
          + retention.mode = "COMPLIANCE"
          + retention.days = 365  # B13: at least 365 days

      # acme/role-attached-policies[delivery] will be deleted
      # R2: nothing but the declared permissions
      - acme/role-attached-policies[delivery]
          - attached_policies[arn:aws:iam::aws:policy/AmazonS3FullAccess] = "arn:aws:iam::aws:policy/AmazonS3FullAccess" -> null

      # acme/log-delivery[primary] will be replaced: the new one works before the old one is switched off
      # the delivery moves to prefix `audit`
    -/+ acme/log-delivery[primary]
          ~ delivery_path_prefix = "logs" -> "audit"

    Steps, in this order:

      1. close the bucket to the public acme/bucket-public-access-block[audit] (s3:PutPublicAccessBlock)
      2. create the key acme/kms-key[audit] (kms:CreateKey)
      3. wait for the new delivery acme/log-delivery[primary] (waits up to 90 minutes for a successful delivery)
      4. let the old delivery end acme/log-delivery[primary] (waits 1 hour: a change of status takes up to an hour)

    Waived, and left as it is:

      = acme/bucket-versioning[access] versioning: old versions cost too much | until <March> (platform-team, until 2027-03-31)
          status = "Suspended"; wanted "Enabled"  # B12: versions stay

    Who can do what to the logs, before -> after:

      read   2 -> 2
          - arn:aws:iam::111122223333:role/Contractor
          + arn:aws:iam::111122223333:role/AuditDelivery
          ! arn:aws:iam::111122223333:role/PlatformAdmin  # not declared
      write  0 -> 1
          + arn:aws:iam::111122223333:role/AuditDelivery
      tamper 0
      list   0

    Not read, so nothing is concluded about it:

      ? s3:GetBucketNotification on acme-databricks-audit could not be read: AccessDenied (needs s3:GetBucketNotification)

    Guards:

      irreversible-object-lock: allowed: Object Lock is switched on for `acme-databricks-audit`
      unread-inputs: refused: 1 input could not be read

    Findings:

      high undeclared-delivery _/log-delivery[9f3c]: delivers audit logs to `other-bucket`, which nothing declares
        help: declare it, or set `[delivery] undeclared = "disable"`

    Plan: 2 to create, 3 to update, 1 to replace, 1 to delete. Incomplete: 1 input could not be read.
    Refused by `unread-inputs`: `auditseal explain CODE` says why and what to do.
    "#);
}

#[test]
fn plan_in_short() {
    insta::assert_snapshot!(text(&plan(), TextOptions { concise: true, ..TextOptions::default() }), @r#"
    auditseal will perform the following actions:

      ~ acme/bucket-public-access-block[audit]: B1: all four switches
      + acme/kms-key[audit]: K1: a key of its own, with exact decrypters
      ~ acme/bucket-encryption[audit]: B10: objects are encrypted with the declared key
      ~ acme/bucket-policy[audit]: only declared roles read, and only over TLS
      + acme/bucket-object-lock[audit]: declared under [bucket.object_lock] # irreversible
      - acme/role-attached-policies[delivery]: R2: nothing but the declared permissions
    -/+ acme/log-delivery[primary]: the delivery moves to prefix `audit`

    Waived, and left as it is:

      = acme/bucket-versioning[access] versioning: old versions cost too much | until <March> (platform-team, until 2027-03-31)

    Who can do what to the logs, before -> after:

      read   2 -> 2
      write  0 -> 1
      tamper 0
      list   0

    Not read, so nothing is concluded about it:

      ? s3:GetBucketNotification on acme-databricks-audit could not be read: AccessDenied (needs s3:GetBucketNotification)

    Guards:

      irreversible-object-lock: allowed: Object Lock is switched on for `acme-databricks-audit`
      unread-inputs: refused: 1 input could not be read

    Findings:

      high undeclared-delivery _/log-delivery[9f3c]: delivers audit logs to `other-bucket`, which nothing declares
        help: declare it, or set `[delivery] undeclared = "disable"`

    Plan: 2 to create, 3 to update, 1 to replace, 1 to delete. Incomplete: 1 input could not be read.
    4 steps in a safe order, 2 of them waits of up to 90 minutes; `-v` lists them.
    Refused by `unread-inputs`: `auditseal explain CODE` says why and what to do.
    "#);
}

#[test]
fn plan_for_a_pull_request() {
    insta::assert_snapshot!(plan_markdown(&plan()), @r#"
    <!-- auditseal:plan -->
    ## auditseal plan

    **Plan: 2 to create, 3 to update, 1 to replace, 1 to delete. Incomplete: 1 input could not be read.**

    ### Guards

    - ⚠️ `irreversible-object-lock` **allowed**: Object Lock is switched on for `acme-databricks-audit`
    - ❌ `unread-inputs` **refused**: 1 input could not be read

    ### Not read

    - ❔ s3:GetBucketNotification on acme-databricks-audit could not be read: AccessDenied (needs s3:GetBucketNotification)

    ### Findings

    - **high** `undeclared-delivery` `_/log-delivery[9f3c]`: delivers audit logs to `other-bucket`, which nothing declares — declare it, or set `[delivery] undeclared = "disable"`

    | who can | count | gain it | lose it | not declared |
    |---|---|---|---|---|
    | read | 2 -> 2 | `arn:aws:iam::111122223333:role/AuditDelivery` | `arn:aws:iam::111122223333:role/Contractor` | `arn:aws:iam::111122223333:role/PlatformAdmin` |
    | write | 0 -> 1 | `arn:aws:iam::111122223333:role/AuditDelivery` |  |  |

    | action | address | why |
    |---|---|---|
    | create | `acme/bucket-object-lock[audit]` | ⚠️ **irreversible** declared under [bucket.object_lock] |
    | delete | `acme/role-attached-policies[delivery]` | R2: nothing but the declared permissions |
    | replace | `acme/log-delivery[primary]` | the delivery moves to prefix `audit` |
    | update | `acme/bucket-public-access-block[audit]` | B1: all four switches |
    | update | `acme/bucket-encryption[audit]` | B10: objects are encrypted with the declared key |
    | update | `acme/bucket-policy[audit]` | only declared roles read, and only over TLS |
    | create | `acme/kms-key[audit]` | K1: a key of its own, with exact decrypters |

    <details><summary>+ <code>acme/bucket-object-lock[audit]</code> will be created</summary>

    ```diff
    + enabled = true
    + retention.mode = "COMPLIANCE"
    + retention.days = 365  # B13: at least 365 days
    ```

    </details>
    <details><summary>- <code>acme/role-attached-policies[delivery]</code> will be deleted</summary>

    ```diff
    - attached_policies[arn:aws:iam::aws:policy/AmazonS3FullAccess] = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
    ```

    </details>
    <details><summary>-/+ <code>acme/log-delivery[primary]</code> will be replaced: the new one works before the old one is switched off</summary>

    ```diff
    - delivery_path_prefix = "logs"
    + delivery_path_prefix = "audit"
    ```

    </details>
    <details><summary>~ <code>acme/bucket-public-access-block[audit]</code> will be updated in place</summary>

    ```diff
    - block_public_policy = false
    + block_public_policy = true
    - restrict_public_buckets = false
    + restrict_public_buckets = true
    ```

    </details>
    <details><summary>~ <code>acme/bucket-encryption[audit]</code> will be updated in place</summary>

    ```diff
    - algorithm = "AES256"
    + algorithm = "aws:kms"
    + key = (known after apply)
    ```

    </details>
    <details><summary>~ <code>acme/bucket-policy[audit]</code> will be updated in place</summary>

    ```diff
    + statement[TlsOnly]  # B9: every request over TLS
    +   Sid: "TlsOnly"
    +   Effect: "Deny"
    +   Principal: "*"
    +   Action: "s3:*"
    +   Resource: ["arn:aws:s3:::acme-databricks-audit", "arn:aws:s3:::acme-databricks-audit/*"]
    +   Condition: { Bool: { aws:SecureTransport: "false" } }
    ! statement[ReadersRead]
        Principal: {
          AWS: [
            "arn:aws:iam::111122223333:role/SecurityAnalyst"
    -       "arn:aws:iam::111122223333:root"
    +       "arn:aws:iam::444455556666:role/SiemReader"
          ]
        }
    -   Action: "s3:Get*"
    +   Action: [
    +     "s3:GetObject"
    +     "s3:GetObjectVersion"
    +   ]
        Resource: "arn:aws:s3:::acme-databricks-audit/audit/*"
    - statement[Old]  # B3: nobody anonymous
    -   Sid: "Old"
    -   Effect: "Allow"
    -   Principal: "*"
    -   Action: "s3:GetObject"
    -   Resource: "arn:aws:s3:::acme-databricks-audit/audit/*"
    ```

    </details>
    <details><summary>+ <code>acme/kms-key[audit]</code> will be created</summary>

    ```diff
    + arn = (known after apply)  # chosen by KMS
    + state = "Enabled"  # K3: alive
    ```

    </details>
    ### Waived

    | control | address | until | owner | why |
    |---|---|---|---|---|
    | `versioning` | `acme/bucket-versioning[access]` | 2027-03-31 | platform-team | old versions cost too much &#124; until &#60;March&#62; |

    <details><summary><code>acme/bucket-versioning[access]</code> versioning</summary>

    ```
    status = "Suspended"; wanted "Enabled"  # B12: versions stay
    ```

    </details>
    "#);
}

#[test]
fn no_changes_is_said_only_when_everything_was_read() {
    let done = "No changes. The live configuration matches the declaration.";
    assert_eq!(text(&settled(), TextOptions::default()), format!("{done}\n"));
    assert!(plan_markdown(&settled()).contains(done));
    let waived = Plan { waived: plan().waived, ..settled() };
    let but = "matches the declaration, but for 1 difference that is waived.";
    assert!(text(&waived, TextOptions::default()).ends_with(&format!("No changes. The live configuration {but}\n")));
    let unread = Plan { complete: false, gaps: plan().gaps, ..settled() };
    assert!(!text(&unread, TextOptions::default()).contains("No changes."));
    let incomplete = Plan { complete: false, ..settled() };
    assert!(!text(&incomplete, TextOptions::default()).contains("No changes."));
    let working = Plan { steps: plan().steps, ..settled() };
    assert!(text(&working, TextOptions::default()).contains("Plan: 0 to create"));
}

#[test]
fn a_plan_of_a_part_says_so_and_what_it_leaves_out() {
    let left_out = vec![LeftOut { address: Address::new("acme", Kind::KmsKey, "audit"), action: Action::Create }];
    let partial = Some(Partial { selection: Selection::new(&["bucket-policy".to_owned()], &[]), left_out });
    let busy = Plan { partial: partial.clone(), ..plan() };
    let shown = text(&busy, TextOptions::default());
    assert!(
        shown.contains("Left out of this plan by --target or --exclude:\n\n    + acme/kms-key[audit]\n"),
        "{shown}"
    );
    assert!(shown.contains("1 to delete. Partial: 1 change is left out. Incomplete: "), "{shown}");
    assert!(plan_markdown(&busy).contains("- create `acme/kms-key[audit]`\n"));
    let quiet = Plan { partial, ..settled() };
    let shown = text(&quiet, TextOptions::default());
    assert!(shown.ends_with("No changes in the part that was planned. Partial: 1 change is left out.\n"), "{shown}");
    for plan in [busy, quiet] {
        let document = serde_json::to_value(&plan).unwrap();
        assert!(valid(&document));
        assert_eq!(serde_json::from_value::<Plan>(document).unwrap(), plan);
    }
}

#[test]
fn verbose_shows_what_passes_and_what_stays() {
    let shown = text(&settled(), TextOptions { verbose: true, ..TextOptions::default() });
    assert!(shown.contains("acme/bucket-versioning[audit] stays as it is"), "{shown}");
    assert!(shown.contains("not-a-declared-admin: pass: the caller is a declared admin"), "{shown}");
}

#[test]
fn colour_only_when_asked_and_only_colour() {
    let plain = text(&plan(), TextOptions { steps: true, verbose: true, ..TextOptions::default() });
    let coloured = text(&plan(), TextOptions { color: true, concise: false, verbose: true, steps: true });
    assert!(!plain.contains('\u{1b}'));
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, escape)) = rest.split_once("\u{1b}[") {
        stripped.push_str(before);
        rest = escape.split_once('m').unwrap().1;
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
    assert_ne!(coloured, plain);
}

#[test]
fn nothing_from_the_cloud_reaches_a_terminal_or_a_comment_raw() {
    let mut hostile = plan();
    hostile.changes[0].reason = "\u{1b}[2J</details> @everyone | `x` <img src=x>".into();
    hostile.changes[0].fields[0].after = json!("```\n</details>\n\u{1b}]0;title\u{7}");
    hostile.findings[0].subject = "`|@x".into();
    hostile.gaps[0].message = "a\r\nb".into();
    let shown = text(&hostile, TextOptions::default());
    assert!(!shown.contains(['\u{1b}', '\r', '\u{7}']), "{shown}");
    let page = plan_markdown(&hostile);
    assert!(!page.contains(['\u{1b}', '\r', '\u{7}']), "{page}");
    assert_eq!(page.matches("<details>").count(), page.matches("\n</details>\n").count(), "{page}");
    assert!(!page.contains(" @everyone") && !page.contains("<img"), "{page}");
    assert!(page.contains("````diff\n"), "{page}");
}

#[test]
fn a_comment_stays_within_its_limit_and_says_what_it_left_out() {
    let mut large = plan();
    let one = large.changes[3].clone();
    for number in 0..600 {
        let mut more = one.clone();
        more.address = Address::new("acme", Kind::BucketPolicy, format!("replica-{number}"));
        large.changes.push(more);
    }
    let page = plan_markdown(&large);
    assert!(page.chars().count() < 65_000, "{}", page.chars().count());
    assert!(page.starts_with(PLAN_MARKER));
    assert!(page.contains("> **Cut.**"), "no note");
    assert!(page.contains("unread-inputs"), "guards come first");
    assert!(!plan_markdown(&plan()).contains("> **Cut.**"));
}

#[test]
fn changes_come_by_risk() {
    let page = plan_markdown(&plan());
    let at = |address: &str| page.find(&format!("`{address}` |")).unwrap_or_else(|| panic!("no {address} in {page}"));
    let order = [
        "acme/bucket-object-lock[audit]",
        "acme/role-attached-policies[delivery]",
        "acme/log-delivery[primary]",
        "acme/bucket-policy[audit]",
        "acme/kms-key[audit]",
    ];
    assert!(order.map(at).is_sorted(), "{page}");
}

#[test]
fn the_document_is_stable_and_reads_back() {
    let document = plan_json(&plan()).unwrap();
    assert_eq!(document, plan_json(&plan()).unwrap());
    assert_eq!(serde_json::from_str::<Plan>(&document).unwrap(), plan());
    let places: Vec<usize> = [
        "format_version",
        "manifest",
        "caller",
        "summary",
        "complete",
        "gaps",
        "reads_digest",
        "changes",
        "guards",
        "findings",
    ]
    .iter()
    .map(|name| document.find(&format!("\n  \"{name}\":")).unwrap())
    .collect();
    assert!(places.is_sorted(), "{document}");
}

fn valid(document: &Value) -> bool {
    jsonschema::validator_for(&plan_schema()).unwrap().is_valid(document)
}

#[test]
fn the_schema_is_a_schema_and_takes_plans() {
    jsonschema::meta::validate(&plan_schema()).unwrap();
    for plan in [plan(), settled()] {
        let document = serde_json::to_value(plan).unwrap();
        let validator = jsonschema::validator_for(&plan_schema()).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_is_no_plan() {
    let good = serde_json::to_value(plan()).unwrap();
    let broken: [(&str, Value); 9] = [
        ("/format_version", json!("2.0")),
        ("/changes/0/action", json!("destroy")),
        ("/changes/0/address", json!("bucket")),
        ("/changes/0/fields/0", json!({ "path": "x" })),
        ("/guards/0/verdict", json!("maybe")),
        ("/summary/create", json!(-1)),
        ("/steps/0/action", json!({ "do": "guess" })),
        ("/steps/0/target/before", json!({ "observed": "perhaps" })),
        ("/findings/0/severity", json!("bad")),
    ];
    for (pointer, value) in broken {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        assert!(!valid(&document), "{pointer}");
    }
    for name in good.as_object().unwrap().keys() {
        let mut document = good.clone();
        document.as_object_mut().unwrap().remove(name);
        assert!(!valid(&document), "without {name}");
    }
    let mut document = good;
    document["secret"] = json!(1);
    assert!(!valid(&document), "an unknown field");
}
