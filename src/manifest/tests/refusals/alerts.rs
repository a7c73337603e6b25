//! Sinks that are refused.

use super::{MINIMAL, edited, parse, table};

const HOOK: &str = "[[alerts]]\nname = 'soc'\nkind = 'webhook'\nsecret = { env = 'KEY' }";

#[test]
fn alerts() {
    let sink = |text: &str| format!("[[alerts]]\nname = 'soc'\n{text}");
    let hook = |text: &str| format!("{HOOK}\n{text}");
    let log = "kind = 'file'\npath = 'findings.jsonl'";
    insta::assert_snapshot!(table(&[
        ("", "[alerts]\nname = 'x'"),
        ("", "[[alerts]]\nname = 'soc'"),
        ("", &sink("kind = 'pager'")),
        ("", &sink("kind = 'files'\npath = 'x.jsonl'")),
        ("", "[[alerts]]\nname = 'a/b'\nkind = 'file'\npath = 'x.jsonl'"),
        ("", &format!("{0}\n{0}", sink(log))),
        ("", &format!("{}\n[[alerts]]\nname = 'two'\n{log}", sink(log))),
        ("", &sink("kind = 'file'")),
        ("", &sink("kind = 'file'\npath = 5")),
        ("", &sink(&format!("{log}\nformat = 'xml'"))),
        ("", &sink(&format!("{log}\nurl = 'https://example.com'"))),
        ("", &sink(&format!("{log}\nmin_severity = 'higher'"))),
        ("", &sink(&format!("{log}\nseverity = 'high'"))),
        ("", &sink("kind = 'file'\npath = ''")),
        ("", &sink("kind = 'file'\npath = '..'")),
        ("", &sink("kind = 'file'\npath = 'logs/'")),
        ("", &sink("kind = 'file'\npath = 'acme.toml'")),
        ("", &sink("kind = 'file'\npath = '.auditseal/outbox/x'")),
        ("", &hook("url = 'alerts.example.com'")),
        ("", &hook("url = 'http://alerts.example.com/x'")),
        ("", &hook("url = 'ftp://alerts.example.com/x'")),
        ("", &hook("url = 5")),
        ("", &hook("url = { }")),
        ("", &hook("url = { env = 'A', file = 'b' }")),
        ("", &hook("url = { environment = 'A' }")),
        ("", &hook("url = { env = 'A-B' }")),
        ("", &hook("url = { file = '' }")),
        ("", &hook("url = { aws_secret = 'a b' }")),
        ("", &hook("url = { aws_secret = 'arn:aws:s3:::bucket' }")),
        ("", &hook("url = { env = 'A' }\nformat = 'sarif'")),
        ("", &hook("url = { env = 'A' }\npath = 'x'")),
        ("", &sink("kind = 'webhook'\nurl = { env = 'A' }")),
        ("", &sink("kind = 'slack'")),
        ("", &sink("kind = 'slack'\nurl = { env = 'A' }\nformat = 'jsonl'")),
    ]), @r###"
    wrong-type 20:1 "[alerts]" `alerts` takes an array, not a table -> write `[[alerts]]`, with two brackets
    missing-key 20:1 "[[alerts]]" key `kind` is missing in `[[alerts]]` -> add it: What receives the findings
    unknown-value 22:8 "'pager'" `pager` is none of `file`, `webhook`, `slack` -> choose one of them
    unknown-value 22:8 "'files'" `files` is none of `file`, `webhook`, `slack` -> did you mean `file`?
    invalid-name 21:8 "'a/b'" `a/b` is not a valid name -> use up to 64 letters, digits, `-`, `_` and `.`, starting with a letter or digit
    duplicate-value 25:8 "'soc'" the name `soc` is that of `alerts[0]` too -> give each sink a name of its own
    sink-contradiction 27:8 "'findings.jsonl'" `findings.jsonl` is written by `alerts[0]` too -> give each sink a file of its own
    sink-contradiction 27:8 "'findings.jsonl'" `findings.jsonl` is written by `alerts[0]` too -> give each sink a file of its own
    alert-keys 20:1 "[[alerts]]" a sink of kind `file` needs `path` -> add the path of the file, relative to the manifest's directory
    wrong-type 23:8 "5" `alerts[0].path` takes a string, not an integer -> put it in quotes
    unknown-value 24:10 "'xml'" `xml` is none of `jsonl`, `ocsf`, `sarif` -> choose one of them
    alert-keys 24:7 "'https://example.com'" a sink of kind `file` takes no `url` -> remove it, or choose another kind
    unknown-value 24:16 "'higher'" `higher` is none of `info`, `low`, `medium`, `high`, `critical` -> choose one of them
    unknown-key 24:1 "severity" unknown key `severity` in `[[alerts]]` -> known keys here: `format`, `kind`, `min_severity`, `name`, `path`, `secret`, `url`
    invalid-path 23:8 "''" `` is not a file that findings are written to: it names no file -> name a file of its own, such as `findings.jsonl`
    invalid-path 23:8 "'..'" `..` is not a file that findings are written to: it names no file -> name a file of its own, such as `findings.jsonl`
    invalid-path 23:8 "'logs/'" `logs/` is not a file that findings are written to: it names no file -> name a file of its own, such as `findings.jsonl`
    invalid-path 23:8 "'acme.toml'" `acme.toml` is not a file that findings are written to: it would be read as a manifest -> name a file of its own, such as `findings.jsonl`
    invalid-path 23:8 "'.auditseal/outbox/x'" `.auditseal/outbox/x` is not a file that findings are written to: `.auditseal` holds journals and what waits to be sent -> name a file of its own, such as `findings.jsonl`
    invalid-url 24:7 "'alerts.example.com'" nothing is sent to this URL: it is no URL such as `https://alerts.example.com/hook` -> write an `https://` URL
    invalid-url 24:7 "'http://alerts.example.com/x'" nothing is sent to this URL: it is not encrypted: plain `http://` is for this machine only -> write an `https://` URL
    invalid-url 24:7 "'ftp://alerts.example.com/x'" nothing is sent to this URL: it is neither `https://` nor, to this machine, `http://` -> write an `https://` URL
    wrong-type 24:7 "5" `alerts[0].url` takes a string, not an integer -> put it in quotes
    secret-source 24:1 "url" nothing says where the secret is found -> write exactly one of `env`, `file` and `aws_secret`
    secret-source 24:1 "url" the secret is said to be in several places -> write exactly one of `env`, `file` and `aws_secret`
    secret-source 24:1 "url" nothing says where the secret is found -> write exactly one of `env`, `file` and `aws_secret`
    unknown-key 24:9 "environment" unknown key `environment` in `[alerts[0].url]` -> known keys here: `aws_secret`, `env`, `file`
    secret-source 24:15 "'A-B'" this is not the name of an environment variable -> write its name alone, such as `env = "AUDITSEAL_WEBHOOK_SECRET"`
    secret-source 24:16 "''" `` names no file -> write the path of a file that holds the secret and nothing else
    secret-source 24:22 "'a b'" this is neither the name nor the ARN of a secret in AWS Secrets Manager -> write for example `aws_secret = "auditseal/slack"`
    secret-source 24:22 "'arn:aws:s3:::bucket'" this is neither the name nor the ARN of a secret in AWS Secrets Manager -> write for example `aws_secret = "auditseal/slack"`
    alert-keys 25:10 "'sarif'" a webhook receives one finding at a time, SARIF is a document of all -> choose `jsonl` or `ocsf`
    alert-keys 25:8 "'x'" a sink of kind `webhook` takes no `path` -> remove it, or choose another kind
    alert-keys 20:1 "[[alerts]]" a sink of kind `webhook` needs `secret` -> add where the signing key is found, such as `secret = { env = "NAME" }`
    alert-keys 20:1 "[[alerts]]" a sink of kind `slack` needs `url` -> add where requests go, such as `url = { env = "NAME" }`
    alert-keys 24:10 "'jsonl'" a sink of kind `slack` takes no `format` -> remove it, or choose another kind
    "###);
}

/// A secret in clear is said by its place alone: no message, help or shown line repeats it.
#[test]
fn secrets_of_sinks() {
    let cases = [
        format!("{HOOK}\nurl = 'https://alerts.example.com/x?token=hush-hush'"),
        format!("{HOOK}\nurl = 'https://me:hush-hush@alerts.example.com/x'"),
        format!("{HOOK}\nurl = 'https://hooks.slack.com/services/hush-hush/B1/XYZ'"),
        "[[alerts]]\nname = 'x'\nkind = 'slack'\nurl = 'https://chat.example.com/hush-hush'".to_owned(),
        "[[alerts]]\nname = 'x'\nkind = 'webhook'\nurl = { env = 'A' }\nsecret = 'hush-hush'".to_owned(),
        "[[alerts]]\nname = 'x'\nkind = 'webhook'\nurl = { env = 'whsec_hushhushhushhushhush' }\nsecret = { env = 'A' }".to_owned(),
        "aws_secret = 'hush-hush'".to_owned(),
        "[delivery.x]\naws_secret = 'hush-hush'".to_owned(),
    ];
    let mut all = String::new();
    for case in cases {
        let text = match case.starts_with("aws_secret") {
            true => format!("{case}\n{MINIMAL}"),
            false => edited("", &case),
        };
        let findings = parse("acme", "acme.toml", &text).unwrap_err();
        let shown = crate::report::diagnostic::render(&findings, |_| Some(text.clone()), false);
        let said = format!("{findings:?}");
        assert!(!shown.contains("hush") && !said.contains("hush"), "{shown}\n{said}");
        for finding in &findings {
            let span = finding.span.as_ref().unwrap();
            all.push_str(&format!("{} {}:{} {}\n", finding.code, span.line, span.column, finding.message));
        }
    }
    insta::assert_snapshot!(all, @r###"
    secret-in-manifest 24:7 a URL that holds more than host and path is written in clear text
    secret-in-manifest 24:7 a URL that holds more than host and path is written in clear text
    secret-in-manifest 24:16 a Slack webhook URL is written in clear text
    secret-in-manifest 23:7 a Slack webhook URL is written in clear text
    secret-in-manifest 24:10 the value of `secret` is written in clear text
    secret-in-manifest 23:16 a webhook signing key is written in clear text
    secret-in-manifest 1:14 the value of `aws_secret` is written in clear text
    unknown-key 20:11 unknown key `x` in `[delivery]`
    secret-in-manifest 21:14 the value of `aws_secret` is written in clear text
    "###);
}
