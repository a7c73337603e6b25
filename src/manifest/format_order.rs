//! The order of keys, and comments as lines.

/// Keys of each section in the order in which they are written: the one of the documentation. `*` is any name.
const ORDER: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "version",
            "databricks",
            "aws",
            "delivery",
            "bucket",
            "key",
            "role",
            "readers",
            "admins",
            "observers",
            "scanners",
            "unity_catalog",
            "workspaces",
            "account",
            "store",
            "waivers",
            "alerts",
        ],
    ),
    ("databricks", &["account_id", "profile"]),
    ("aws", &["account_id", "region", "partition", "profile", "assume_role"]),
    (
        "delivery",
        &["bucket", "prefix", "name", "status", "workspaces", "max_silence", "previous_prefixes", "undeclared"],
    ),
    (
        "bucket",
        &[
            "retention_days",
            "noncurrent_retention_days",
            "abort_multipart_days",
            "event_bridge",
            "object_lock",
            "access_log",
            "replicas",
        ],
    ),
    ("bucket.object_lock", &["mode", "days"]),
    ("bucket.access_log", &["bucket", "prefix", "retention_days", "readers"]),
    ("bucket.replicas", &["bucket", "account_id", "region", "profile"]),
    ("key", &["arn", "alias", "rotation_days", "previous"]),
    ("role", &["arn", "profile"]),
    ("readers.*", &["role", "mfa", "databricks_group", "databricks_user", "databricks_service_principal"]),
    ("admins.*", &["role"]),
    ("observers.*", &["role"]),
    ("scanners.*", &["role"]),
    ("unity_catalog", &["enabled", "metastores", "revoke_undeclared"]),
    ("workspaces.*", &["verbose_audit_logs"]),
    ("account", &["public_access_block"]),
    ("store", &["s3", "account_id"]),
    ("waivers", &["control", "address", "reason", "owner", "until"]),
    ("alerts", &["name", "kind", "path", "format", "url", "secret", "min_severity"]),
    ("alerts.url", &["env", "file", "aws_secret"]),
    ("alerts.secret", &["env", "file", "aws_secret"]),
];

/// Where a path stands: names of the user's choice keep their order, unknown keys come last.
pub(super) fn rank(path: &[&str]) -> Vec<usize> {
    let mut at = String::new();
    let mut ranks = Vec::new();
    for name in path {
        let known = ORDER.iter().find(|(section, _)| *section == at).map(|(_, keys)| *keys);
        let (rank, step) = match known {
            Some(keys) => (keys.iter().position(|key| key == name).unwrap_or(keys.len()), *name),
            None => (0, "*"),
        };
        ranks.push(rank);
        if !at.is_empty() {
            at.push('.');
        }
        at.push_str(step);
    }
    ranks
}

/// The lines before a key or header, without its own: comments trimmed, several blank ones as one.
pub(super) fn lines(text: &str) -> Vec<String> {
    let mut all: Vec<String> = text.split('\n').map(|line| line.trim().to_owned()).collect();
    // The indentation of what follows.
    all.pop();
    all.dedup_by(|next, line| next.is_empty() && line.is_empty());
    all
}

/// The lines before the first blank one and those from it on; all of them are the second when there is none.
pub(super) fn blank_split(mut lines: Vec<String>) -> (Vec<String>, Vec<String>) {
    match lines.iter().position(String::is_empty) {
        Some(at) => {
            let after = lines.split_off(at);
            (lines, after)
        }
        None => (Vec::new(), lines),
    }
}

/// Every comment of a text that is valid TOML, sorted.
pub(super) fn comments(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['#', '"', '\'']) {
        let (_, from) = rest.split_at(at);
        rest = match from.chars().next() {
            Some('#') => {
                let end = from.find('\n').unwrap_or(from.len());
                let (comment, after) = from.split_at(end);
                found.push(comment.trim().to_owned());
                after
            }
            Some(quote) => after_string(from, quote),
            None => break,
        };
    }
    found.sort();
    found
}

/// What follows a string that the text begins with.
fn after_string(text: &str, quote: char) -> &str {
    let long: String = [quote; 3].iter().collect();
    let (open, close) = match text.starts_with(&long) {
        true => (3, long.as_str()),
        false => (1, text.get(..1).unwrap_or_default()),
    };
    let mut at = open;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if quote == '"' && rest.starts_with('\\') {
            let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
            at += 1 + escaped;
        } else if rest.starts_with(close) {
            at += close.len();
            // A long string may end with up to two quotes of its own.
            let more = text.get(at..).unwrap_or_default().chars().take_while(|letter| *letter == quote).count();
            let own = if close.len() == 3 { more.min(2) } else { 0 };
            return text.get(at + own..).unwrap_or_default();
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ORDER, comments, rank};
    use crate::manifest::schema;

    #[test]
    fn every_key_of_the_schema_has_its_place() {
        fn keys(schema: &serde_json::Value, path: &str, found: &mut BTreeSet<(String, String)>) {
            for (key, below) in schema["properties"].as_object().into_iter().flatten() {
                found.insert((path.to_owned(), key.clone()));
                let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                keys(below, &at, found);
                keys(&below["items"], &at, found);
                keys(&below["additionalProperties"], &format!("{at}.*"), found);
                below["anyOf"].as_array().into_iter().flatten().for_each(|option| keys(option, &at, found));
                let items = &below["items"];
                keys(&items["additionalProperties"], &format!("{at}.*"), found);
            }
        }
        let mut found = BTreeSet::new();
        keys(&schema(), "", &mut found);
        let ordered: BTreeSet<(String, String)> = ORDER
            .iter()
            .flat_map(|(section, keys)| keys.iter().map(|key| ((*section).to_owned(), (*key).to_owned())))
            .collect();
        assert_eq!(ordered, found);
    }

    #[test]
    fn names_keep_their_order_and_unknown_keys_come_last() {
        assert_eq!(rank(&["readers", "b", "mfa"]), [7, 0, 1]);
        assert_eq!(rank(&["bucket", "replicas", "region"]), [4, 6, 2]);
        assert!(rank(&["trail"]) > rank(&["waivers"]));
    }

    #[test]
    fn comments_are_told_from_strings() {
        let text =
            "# a\nx = \"# no\" # b\ny = '#' #c\nz = \"\\\"# no\"\nl = \"\"\"\n# no \"\"\"\"\" # d\nm = ''' # no '''\n#";
        assert_eq!(comments(text), ["#", "# a", "# b", "# d", "#c"]);
    }
}
