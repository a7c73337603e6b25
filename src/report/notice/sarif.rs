//! What is open as one SARIF document (OASIS SARIF 2.1.0), for code scanning views.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{name, text, title};
use crate::finding::{Finding, Notice, Severity};
use crate::report::codes;

/// A document of all that is open. `files` is where manifests lie, by their names: GitHub shows no result without a file, so
/// that what has no place of its own stands at the top of its manifest.
#[must_use]
pub fn sarif(open: &[&Notice], files: &BTreeMap<String, String>) -> Value {
    let used: BTreeSet<&str> = open.iter().map(|notice| notice.finding.code.as_str()).collect();
    let rules: Vec<Value> = used
        .iter()
        .map(|code| rule(code, open.iter().map(|notice| &notice.finding).filter(|finding| finding.code == *code)))
        .collect();
    let places: BTreeMap<&str, usize> = used.iter().enumerate().map(|(place, code)| (*code, place)).collect();
    let results: Vec<Value> = open
        .iter()
        .map(|notice| result(notice, places.get(notice.finding.code.as_str()).copied().unwrap_or_default(), files))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "auditseal",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule<'a>(code: &str, findings: impl Iterator<Item = &'a Finding>) -> Value {
    let worst = findings.map(|finding| finding.severity).max().unwrap_or(Severity::Info);
    let known = codes::explain(code);
    let say = |words: Option<&str>| json!({ "text": text(words.unwrap_or(code)) });
    json!({
        "id": name(code),
        "shortDescription": say(known.map(|known| known.title)),
        "fullDescription": say(known.map(|known| known.meaning)),
        "help": say(known.map(|known| known.remedy)),
        "defaultConfiguration": { "level": level(worst) },
        "properties": { "security-severity": score(worst), "tags": ["security"] },
    })
}

fn result(notice: &Notice, rule: usize, files: &BTreeMap<String, String>) -> Value {
    let finding = &notice.finding;
    let mut location = json!({ "logicalLocations": [{ "fullyQualifiedName": name(&finding.subject) }] });
    let whole = || notice.manifest.as_ref().and_then(|manifest| files.get(manifest)).map(|file| (file, 1, 1));
    let place = finding.span.as_ref().map(|span| (&span.file, span.line, span.column)).or_else(whole);
    if let (Some((file, line, column)), Value::Object(members)) = (place, &mut location) {
        let physical = json!({
            "artifactLocation": { "uri": uri(file) },
            "region": { "startLine": line, "startColumn": column },
        });
        members.insert("physicalLocation".to_owned(), physical);
    }
    let message = match &finding.help {
        Some(help) => format!("{} ({}): {}. {}", title(finding), finding.subject, finding.message, help),
        None => format!("{} ({}): {}", title(finding), finding.subject, finding.message),
    };
    json!({
        "ruleId": name(&finding.code),
        "ruleIndex": rule,
        "kind": "fail",
        "level": level(finding.severity),
        "message": { "text": text(&message) },
        "locations": [location],
        "partialFingerprints": { "auditseal/v1": name(&notice.fingerprint) },
        "properties": {
            "severity": finding.severity,
            "manifest": notice.manifest.as_deref().map(name),
            "since": notice.since.to_string(),
        },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// Within the bands of GitHub ("SARIF support for code scanning": over 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium).
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "0.0",
        Severity::Low => "2.0",
        Severity::Medium => "5.0",
        Severity::High => "8.0",
        Severity::Critical => "9.5",
    }
}

/// A path as a relative or absolute URI reference (RFC 3986, section 2.1).
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
