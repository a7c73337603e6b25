use super::{FULL, MINIMAL};
use crate::manifest::{Defaults, expand, parse, parse_with, schema};
use crate::model::desired::Reader;
use crate::model::place::Partition;

#[test]
fn minimal_with_every_default() {
    let desired = parse("acme", "acme.toml", MINIMAL).unwrap();
    insta::assert_snapshot!(expand(&desired), @r###"
    version = 1
    waivers = []
    alerts = []

    [databricks]
    account_id = "0d26daa6-5e44-4c97-a497-ef015f91254a"

    [aws]
    account_id = "111122223333"
    region = "us-east-1"
    partition = "aws"

    [delivery]
    bucket = "acme-databricks-audit"
    prefix = "audit"
    name = "auditseal acme-databricks-audit"
    status = "enabled"
    workspaces = []
    max_silence = "60m"
    previous_prefixes = []
    undeclared = "report"

    [bucket]
    retention_days = 365
    noncurrent_retention_days = 365
    abort_multipart_days = 7
    event_bridge = true
    replicas = []

    [bucket.access_log]
    bucket = "acme-databricks-audit-access"
    prefix = "s3/"
    retention_days = 365
    readers = []

    [key]
    alias = "alias/auditseal/acme-databricks-audit"
    rotation_days = 365
    previous = []

    [role]
    arn = "arn:aws:iam::111122223333:role/auditseal/AuditDelivery-acme-databricks-audit"

    [readers.security-analysts]
    role = "arn:aws:iam::111122223333:role/SecurityAnalyst"
    mfa = false

    [admins.platform]
    role = "arn:aws:iam::111122223333:role/PlatformAdmin"

    [observers]

    [scanners]

    [unity_catalog]
    enabled = true
    metastores = []
    revoke_undeclared = false

    [workspaces]

    [account]
    public_access_block = false
    "###);
}

#[test]
fn full_says_what_it_says() {
    let desired = parse("acme", "acme.toml", FULL).unwrap();
    assert_eq!(desired.bucket.replicas.len(), 2);
    assert_eq!(desired.bucket.replicas[0].account_id, "111122223333");
    assert_eq!(desired.readers.len(), 5);
    let principal = |name: &str| match &desired.readers[name] {
        Reader::Databricks { principal } => principal.clone(),
        Reader::Role { role, .. } => role.to_string(),
    };
    assert_eq!(principal("audit-team"), "audit-readers");
    assert_eq!(principal("auditor"), "auditor@example.com");
    assert_eq!(desired.role.arn.account, "777788889999");
    assert_eq!(desired.delivery.max_silence_minutes, 60);
}

#[test]
fn every_key_of_the_schema_stands_in_the_full_example() {
    fn keys(schema: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        for (key, below) in schema["properties"].as_object().into_iter().flatten() {
            found.push(key.clone());
            for part in [below, &below["items"], &below["additionalProperties"]] {
                keys(part, &format!("{path}.{key}"), found);
            }
        }
    }
    let mut found = Vec::new();
    keys(&schema(), "", &mut found);
    assert!(found.len() > 50, "{found:?}");
    let absent: Vec<&String> = found.iter().filter(|key| !FULL.contains(key.as_str())).collect();
    assert!(absent.is_empty(), "{absent:?}");
}

#[test]
fn partitions_follow_from_the_region() {
    let gov = MINIMAL.replace("us-east-1", "us-gov-west-1").replace("arn:aws:", "arn:aws-us-gov:");
    let desired = parse("acme", "acme.toml", &gov).unwrap();
    assert_eq!(desired.aws.partition, Partition::AwsUsGov);
    assert_eq!(desired.role.arn.partition, "aws-us-gov");
    let dod = gov.replace("[delivery]", "partition = \"aws-us-gov-dod\"\n[delivery]");
    assert_eq!(parse("acme", "acme.toml", &dod).unwrap().aws.partition, Partition::AwsUsGovDod);
}

#[test]
fn durations() {
    for (text, minutes) in [("15m", 15), ("2h", 120), ("1h30m", 90), ("1d", 1440), ("7d", 10080), ("6d23h60m", 10080)] {
        let manifest = MINIMAL.replace("[readers", &format!("max_silence = \"{text}\"\n[readers"));
        assert_eq!(parse("acme", "acme.toml", &manifest).unwrap().delivery.max_silence_minutes, minutes, "{text}");
    }
}

#[test]
fn an_admin_may_be_a_reader_and_bucket_names_may_have_dots() {
    let text =
        MINIMAL.replace("role/SecurityAnalyst", "role/PlatformAdmin").replace("acme-databricks-audit", "acme.audit");
    let desired = parse("acme", "acme.toml", &text).unwrap();
    assert_eq!(desired.key.alias, "alias/auditseal/acme_audit");
}

#[test]
fn windows_line_ends_and_byte_order_mark() {
    let text = format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n"));
    assert_eq!(parse("acme", "a", &text), parse("acme", "a", MINIMAL));
}

#[test]
fn defaults_lie_below() {
    let defaults = Defaults {
        file: "defaults.toml",
        text: "version = 1\n[aws]\naccount_id = '111122223333'\nregion = 'eu-west-1'\nprofile = 'p'\n\
               [databricks]\naccount_id = '0d26daa6-5e44-4c97-a497-ef015f91254a'\n\
               [readers.a]\nrole = 'arn:aws:iam::111122223333:role/A'\nmfa = true\n\
               [admins.a]\nrole = 'arn:aws:iam::111122223333:role/Admin'\n[bucket]\nretention_days = 90\n",
    };
    let text = "[delivery]\nbucket = 'acme'\n[aws]\nregion = 'us-east-1'\n[readers.a]\ndatabricks_group = 'g'\n";
    let (desired, places) = parse_with("acme", "acme.toml", text, Some(defaults)).unwrap();
    assert_eq!((desired.aws.region.as_str(), desired.aws.profile.as_deref()), ("us-east-1", Some("p")));
    assert_eq!(desired.bucket.retention_days, 90);
    assert_eq!(desired.readers["a"], Reader::Databricks { principal: "g".to_owned() });
    assert_eq!(places.exact("aws.region").unwrap().file, "acme.toml");
    assert_eq!(places.exact("bucket.retention_days").unwrap().file, "defaults.toml");
}

#[test]
fn errors_in_the_defaults_point_there() {
    let defaults = Defaults { file: "defaults.toml", text: "\n[bucket]\nretention_days = 0\nretenton = 1\n" };
    let findings = parse_with("acme", "acme.toml", MINIMAL, Some(defaults)).unwrap_err();
    let places: Vec<(&str, usize)> = findings
        .iter()
        .map(|finding| finding.span.as_ref().map(|span| (span.file.as_str(), span.line)).unwrap())
        .collect();
    assert_eq!(places, [("defaults.toml", 3), ("defaults.toml", 4)]);
}

#[test]
fn the_schema_accepts_the_examples_and_refuses_what_parsing_refuses() {
    let schema = schema();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    // Editors hand a TOML date to JSON Schema as its text.
    fn json(value: toml::Value) -> serde_json::Value {
        match value {
            toml::Value::Datetime(date) => date.to_string().into(),
            toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
            toml::Value::Array(items) => items.into_iter().map(json).collect(),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    let json = |text: &str| json(toml::from_str::<toml::Value>(text).unwrap());
    for text in [MINIMAL, FULL, &expand(&parse("acme", "a", FULL).unwrap())] {
        let errors: Vec<String> = validator.iter_errors(&json(text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    let defaults = jsonschema::draft202012::new(&crate::manifest::defaults_schema()).unwrap();
    for (text, valid) in [
        (MINIMAL, true),
        ("[aws]\nregion = 'us-east-1'\n[bucket]\nretention_days = 400\n", true),
        ("", true),
        ("[aws]\nregoin = 'us-east-1'\n", false),
        ("[admins.platform]\n", false),
    ] {
        assert_eq!(defaults.is_valid(&json(text)), valid, "{text}");
    }
    for (find, replace) in [
        ("version = 1", "version = 2"),
        ("version = 1", ""),
        ("region     =", "regoin ="),
        ("[admins.platform]", "[readers.other]"),
        ("[delivery]", "[delivery]\nstatus = \"on\""),
        ("[delivery]", "[delivery]\nworkspaces = [0]"),
        ("[delivery]", "[bucket]\nretention_days = 0\n[delivery]"),
        ("[delivery]", "[readers.x]\n[delivery]"),
        ("[delivery]", "[key]\nrotation_days = 3000\n[delivery]"),
    ] {
        let text = MINIMAL.replace(find, replace);
        assert_ne!(text, MINIMAL);
        assert!(!validator.is_valid(&json(&text)), "{text}");
        assert!(parse("acme", "a", &text).is_err(), "{text}");
    }
}

#[test]
fn the_schema_is_documented_and_closed() {
    fn visit(schema: &serde_json::Value, path: &str) {
        if let Some(properties) = schema["properties"].as_object() {
            assert_eq!(schema["additionalProperties"], false, "{path}");
            for (key, below) in properties {
                let path = format!("{path}.{key}");
                assert!(below["description"].is_string(), "{path}");
                // A text or a table.
                let options = below["anyOf"].as_array().cloned().unwrap_or_default();
                assert!(below["type"].is_string() || !options.is_empty(), "{path}: {below}");
                options.iter().for_each(|option| visit(option, &path));
                visit(below, &path);
                visit(&below["items"], &path);
                visit(&below["additionalProperties"], &path);
            }
        }
    }
    let schema = schema();
    visit(&schema, "");
    let bucket = &schema["properties"]["bucket"]["properties"];
    assert_eq!(bucket["retention_days"]["default"], 365);
    assert_eq!(bucket["retention_days"]["minimum"], 1);
    assert_eq!(schema["properties"]["delivery"]["properties"]["undeclared"]["default"], "report");
    assert_eq!(schema["required"], serde_json::json!(["version", "databricks", "aws", "delivery", "admins"]));
}

#[test]
fn sinks_with_their_defaults() {
    let text = format!(
        "{MINIMAL}\n[[alerts]]\nname = 'log'\nkind = 'file'\npath = 'f.jsonl'\n\
         [[alerts]]\nname = 'soc'\nkind = 'webhook'\nurl = 'https://soc.example.com/in'\n\
         secret = {{ aws_secret = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:hook-AbCdEf' }}\n\
         [[alerts]]\nname = 'chat'\nkind = 'slack'\nurl = {{ file = '/run/secrets/slack' }}\nmin_severity = 'high'\n"
    );
    let desired = parse("acme", "acme.toml", &text).unwrap();
    let expanded = expand(&desired);
    let (_, alerts) = expanded.split_once("[[alerts]]\n").unwrap();
    insta::assert_snapshot!(alerts, @r###"
    name = "log"
    kind = "file"
    path = "f.jsonl"
    format = "jsonl"
    min_severity = "low"

    [[alerts]]
    name = "soc"
    kind = "webhook"
    format = "jsonl"
    url = "https://soc.example.com/in"
    min_severity = "low"

    [alerts.secret]
    aws_secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:hook-AbCdEf"

    [[alerts]]
    name = "chat"
    kind = "slack"
    min_severity = "high"

    [alerts.url]
    file = "/run/secrets/slack"
    "###);
    assert_eq!(parse("acme", "acme.toml", &expanded).as_ref(), Ok(&desired));
}
