//! Sinks of findings: each kind with its own keys, no secret in clear text, no file that is something else.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use crate::model::Alert;
use crate::model::alert::{BodyFormat, FileFormat, SecretSource, Sink, UrlError, WebAddress, endpoint};

use super::names::{self, Problem};
use super::rules::Rules;
use super::source::quote;
use super::{codes, defaults, grammar};

/// Secrets Manager API reference, CreateSecret: what names are made of; an ARN has a region and account too.
const MAX_SECRET_NAME: usize = 512;
/// Longest path of Linux.
const MAX_PATH: usize = 4096;

/// Keys that a kind needs, and those that it also takes.
fn keys(kind: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        "file" => (&["path"], &["format"]),
        "webhook" => (&["url", "secret"], &["format"]),
        _ => (&["url"], &[]),
    }
}

/// Defaults that depend on the kind.
pub(super) fn fill(alert: &mut grammar::Alert) {
    alert.min_severity.get_or_insert(defaults::MIN_SEVERITY);
    if alert.kind.as_deref().is_some_and(|kind| keys(kind).1.contains(&"format")) {
        alert.format.get_or_insert_with(|| defaults::ALERT_FORMAT.to_owned());
    }
}

impl Rules<'_> {
    pub fn alerts(&mut self) {
        let (mut seen, mut files) = (BTreeMap::new(), BTreeMap::new());
        for (index, alert) in self.file.alerts.iter().enumerate() {
            let grammar::Alert { name, kind, path, format, url, secret, min_severity: _ } = alert;
            let at = |key: &str| format!("alerts[{index}].{key}");
            self.text(&at("name"), name.as_ref(), names::label);
            if let Some(first) = name.as_ref().and_then(|name| seen.insert(name, index)) {
                let message = format!("the name {} is that of `alerts[{first}]` too", quote(&self.name_of(index)));
                self.report(codes::DUPLICATE_VALUE, &at("name"), message, "give each sink a name of its own");
            }
            if let Some(kind) = kind {
                self.keys_fit(index, kind);
            }
            if let Some(path) = path {
                self.value(&at("path"), file(path));
                if let Some(first) = files.insert(path, index) {
                    let message = format!("{} is written by `alerts[{first}]` too", quote(path));
                    self.report(codes::SINK_CONTRADICTION, &at("path"), message, "give each sink a file of its own");
                }
            }
            if kind.as_deref() == Some("webhook") && format.as_deref() == Some("sarif") {
                let message = "a webhook receives one finding at a time, SARIF is a document of all".to_owned();
                self.report(codes::ALERT_KEYS, &at("format"), message, "choose `jsonl` or `ocsf`");
            }
            match url {
                Some(grammar::WebAddress::Plain(text)) => {
                    self.value(&at("url"), plain(text));
                }
                Some(grammar::WebAddress::Secret(source)) => self.source(&at("url"), source),
                None => {}
            }
            if let Some(source) = secret {
                self.source(&at("secret"), source);
            }
        }
    }

    fn name_of(&self, index: usize) -> String {
        self.file.alerts.get(index).and_then(|alert| alert.name.clone()).unwrap_or_default()
    }

    /// A misshapen value is reported as such: what counts is that its key is written.
    fn keys_fit(&mut self, index: usize, kind: &str) {
        let (needed, also) = keys(kind);
        for key in ["path", "format", "url", "secret"] {
            let path = format!("alerts[{index}].{key}");
            let written = self.places.exact(&path).is_some();
            if needed.contains(&key) && !written {
                let message = format!("a sink of kind `{kind}` needs `{key}`");
                self.report(codes::ALERT_KEYS, &path, message, how(key));
            } else if written && !needed.contains(&key) && !also.contains(&key) {
                let message = format!("a sink of kind `{kind}` takes no `{key}`");
                self.report(codes::ALERT_KEYS, &path, message, "remove it, or choose another kind");
            }
        }
    }

    fn source(&mut self, path: &str, source: &grammar::SecretSource) {
        let grammar::SecretSource { env, file: path_of_it, aws_secret } = source;
        let given = |key: &str| self.places.exact(&format!("{path}.{key}")).is_some();
        let count = ["env", "file", "aws_secret"].into_iter().filter(|key| given(key)).count();
        if count != 1 {
            let message = match count {
                0 => "nothing says where the secret is found".to_owned(),
                _ => "the secret is said to be in several places".to_owned(),
            };
            let help = "write exactly one of `env`, `file` and `aws_secret`";
            self.report(codes::SECRET_SOURCE, path, message, help);
        }
        self.text(&format!("{path}.env"), env.as_ref(), variable);
        self.text(&format!("{path}.file"), path_of_it.as_ref(), secret_file);
        self.text(&format!("{path}.aws_secret"), aws_secret.as_ref(), aws);
    }
}

fn how(key: &str) -> &'static str {
    match key {
        "path" => "add the path of the file, relative to the manifest's directory",
        "secret" => "add where the signing key is found, such as `secret = { env = \"NAME\" }`",
        _ => "add where requests go, such as `url = { env = \"NAME\" }`",
    }
}

fn refuse(code: &'static str, message: String, help: &str) -> Result<(), Problem> {
    Err(Problem { code, message, help: help.to_owned() })
}

/// A URL that anybody who reads the manifest may know. Never repeated in the message.
fn plain(text: &str) -> Result<(), Problem> {
    let help = "a URL that holds a secret is kept elsewhere: `url = { env = \"NAME\" }`";
    match endpoint(text) {
        Ok(_) => Ok(()),
        Err(why @ UrlError::UserInfo) => {
            refuse(codes::INVALID_URL, format!("nothing is sent to this URL: {why}"), help)
        }
        Err(why) => {
            refuse(codes::INVALID_URL, format!("nothing is sent to this URL: {why}"), "write an `https://` URL")
        }
    }
}

/// A file for findings.
fn file(text: &str) -> Result<(), Problem> {
    let refuse = |why: &str| {
        let message = format!("{} is not a file that findings are written to: {why}", quote(text));
        refuse(codes::INVALID_PATH, message, "name a file of its own, such as `findings.jsonl`")
    };
    let path = Path::new(text);
    if text.trim().is_empty() || text.ends_with('/') || path.file_name().is_none() {
        return refuse("it names no file");
    }
    if text.len() > MAX_PATH || text.chars().any(char::is_control) {
        return refuse("no file has such a name");
    }
    if path.components().any(|part| matches!(part, Component::Normal(name) if name == ".auditseal")) {
        return refuse("`.auditseal` holds journals and what waits to be sent");
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        return refuse("it would be read as a manifest");
    }
    Ok(())
}

fn secret_file(text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() || text.ends_with('/') || text.len() > MAX_PATH || text.chars().any(char::is_control) {
        let message = format!("{} names no file", quote(text));
        return refuse(
            codes::SECRET_SOURCE,
            message,
            "write the path of a file that holds the secret and nothing else",
        );
    }
    Ok(())
}

/// A name that shells can set (POSIX.1-2024, Base Definitions 8.1, with lower case).
fn variable(text: &str) -> Result<(), Problem> {
    let start = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if start && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    // It may well be the secret itself.
    let message = "this is not the name of an environment variable".to_owned();
    refuse(codes::SECRET_SOURCE, message, "write its name alone, such as `env = \"AUDITSEAL_WEBHOOK_SECRET\"`")
}

fn aws(text: &str) -> Result<(), Problem> {
    let name = |text: &str| {
        (1..=MAX_SECRET_NAME).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte))
    };
    let right = match text.parse::<crate::model::Arn>() {
        Ok(arn) => {
            let of = arn.resource.strip_prefix("secret:").filter(|_| arn.service == "secretsmanager");
            names::region(&arn.region).is_ok() && names::aws_account(&arn.account).is_ok() && of.is_some_and(name)
        }
        Err(_) => name(text),
    };
    if right {
        return Ok(());
    }
    let message = "this is neither the name nor the ARN of a secret in AWS Secrets Manager".to_owned();
    refuse(codes::SECRET_SOURCE, message, "write for example `aws_secret = \"auditseal/slack\"`")
}

/// A checked sink as it is declared; `None` when something that the rules let through is missing after all.
pub(super) fn declared(alert: grammar::Alert) -> Option<Alert> {
    let grammar::Alert { name, kind, path, format, url, secret, min_severity } = alert;
    let sink = match kind?.as_str() {
        "file" => Sink::File {
            path: path?,
            format: match format?.as_str() {
                "jsonl" => FileFormat::Jsonl,
                "ocsf" => FileFormat::Ocsf,
                "sarif" => FileFormat::Sarif,
                _ => return None,
            },
        },
        "webhook" => Sink::Webhook {
            url: match url? {
                grammar::WebAddress::Plain(text) => WebAddress::Plain(text),
                grammar::WebAddress::Secret(source) => WebAddress::Secret(found(source)?),
            },
            secret: found(secret?)?,
            format: match format?.as_str() {
                "jsonl" => BodyFormat::Jsonl,
                "ocsf" => BodyFormat::Ocsf,
                _ => return None,
            },
        },
        "slack" => match url? {
            grammar::WebAddress::Secret(source) => Sink::Slack { url: found(source)? },
            grammar::WebAddress::Plain(_) => return None,
        },
        _ => return None,
    };
    Some(Alert { name: name?, min_severity: min_severity?, sink })
}

fn found(source: grammar::SecretSource) -> Option<SecretSource> {
    match source {
        grammar::SecretSource { env: Some(name), file: None, aws_secret: None } => Some(SecretSource::Env(name)),
        grammar::SecretSource { env: None, file: Some(path), aws_secret: None } => Some(SecretSource::File(path)),
        grammar::SecretSource { env: None, file: None, aws_secret: Some(name) } => Some(SecretSource::AwsSecret(name)),
        _ => None,
    }
}

/// The way back.
pub(super) fn written(alert: &Alert) -> grammar::Alert {
    let Alert { name, min_severity, sink } = alert;
    let (mut path, mut format, mut url, mut secret) = (None, None, None, None);
    match sink {
        Sink::File { path: file, format: form } => {
            path = Some(file.clone());
            format = Some(match form {
                FileFormat::Jsonl => "jsonl",
                FileFormat::Ocsf => "ocsf",
                FileFormat::Sarif => "sarif",
            });
        }
        Sink::Webhook { url: address, secret: key, format: form } => {
            url = Some(match address {
                WebAddress::Plain(text) => grammar::WebAddress::Plain(text.clone()),
                WebAddress::Secret(source) => grammar::WebAddress::Secret(place(source)),
            });
            secret = Some(place(key));
            format = Some(match form {
                BodyFormat::Jsonl => "jsonl",
                BodyFormat::Ocsf => "ocsf",
            });
        }
        Sink::Slack { url: source } => url = Some(grammar::WebAddress::Secret(place(source))),
    }
    grammar::Alert {
        name: Some(name.clone()),
        kind: Some(sink.kind().to_owned()),
        path,
        format: format.map(str::to_owned),
        url,
        secret,
        min_severity: Some(*min_severity),
    }
}

fn place(source: &SecretSource) -> grammar::SecretSource {
    let mut place = grammar::SecretSource::default();
    let (key, text) = match source {
        SecretSource::Env(name) => (&mut place.env, name),
        SecretSource::File(path) => (&mut place.file, path),
        SecretSource::AwsSecret(name) => (&mut place.aws_secret, name),
    };
    *key = Some(text.clone());
    place
}
