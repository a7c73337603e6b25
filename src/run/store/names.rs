//! Names of what is kept: the same below the local folder and below the prefix of the store. A name of an object is somebody
//! else's text until it has this form.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::alert::{ASIDE, Disk, Files};
use crate::model::desired::Store;

const JOURNAL_END: &str = ".jsonl";
const MESSAGE_END: &str = ".json";

/// As the names of what lies in a folder begin.
pub(super) fn below(folder: &str) -> String {
    format!("{folder}/")
}

/// The run of a journal.
pub(super) fn run_of(name: &str) -> Option<&str> {
    name.strip_prefix(Store::RUNS)?.strip_prefix('/')?.strip_suffix(JOURNAL_END).filter(|run| is_plain(run))
}

pub(super) fn journal_of(run: &str) -> String {
    format!("{}/{run}{JOURNAL_END}", Store::RUNS)
}

/// `outbox/SINK/FILE.json`, or `outbox/SINK/refused/FILE.json`.
pub(super) fn is_message(name: &str) -> bool {
    let Some(below) = name.strip_prefix(Store::OUTBOX).and_then(|rest| rest.strip_prefix('/')) else { return false };
    let (sink, file) = match below.split('/').collect::<Vec<_>>().as_slice() {
        [sink, file] => (*sink, *file),
        [sink, aside, file] if ASIDE.contains(aside) => (*sink, *file),
        _ => return false,
    };
    is_plain(sink) && is_plain(file) && file.ends_with(MESSAGE_END)
}

/// No way out of a folder, and nothing hidden.
fn is_plain(part: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()) && part.bytes().all(letter)
}

/// Every message below a folder, sorted; none when there is no outbox.
pub(super) fn messages(folder: &Path) -> io::Result<Vec<String>> {
    let root = folder.join(Store::OUTBOX);
    let mut found = Vec::new();
    for sink in Disk.folders(&root)? {
        for place in [sink.clone()].into_iter().chain(ASIDE.map(|aside| format!("{sink}/{aside}"))) {
            found
                .extend(files(&root.join(&place))?.into_iter().map(|file| format!("{}/{place}/{file}", Store::OUTBOX)));
        }
    }
    found.retain(|name| is_message(name));
    found.sort();
    Ok(found)
}

/// Names of the journals in a folder.
pub(super) fn journals(folder: &Path) -> io::Result<Vec<String>> {
    let mut found: Vec<String> =
        files(&folder.join(Store::RUNS))?.into_iter().map(|file| format!("{}/{file}", Store::RUNS)).collect();
    found.retain(|name| run_of(name).is_some());
    found.sort();
    Ok(found)
}

fn files(folder: &Path) -> io::Result<Vec<String>> {
    match Disk.list(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for good in ["outbox/siem/00000000000000000001-ab.json", "outbox/a.b/refused/1-x.json"] {
            assert!(is_message(good), "{good}");
        }
        for bad in [
            "outbox/../drift.json",
            "outbox/siem/../../x.json",
            "outbox/siem/.new.json",
            "outbox/siem/elsewhere/1.json",
            "outbox/siem/refused/deeper/1.json",
            "outbox//1.json",
            "outbox/siem/1.txt",
            "outbox/siem/a\\b.json",
            "runs/1.json",
        ] {
            assert!(!is_message(bad), "{bad}");
        }
        assert_eq!(run_of("runs/3f2a-91.jsonl"), Some("3f2a-91"));
        for bad in ["runs/../x.jsonl", "runs/.x.jsonl", "runs/a/b.jsonl", "runs/x.json", "x.jsonl", "runs/.jsonl"] {
            assert_eq!(run_of(bad), None, "{bad}");
        }
    }
}
