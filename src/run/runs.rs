//! The journals of this machine, read.

use std::path::Path;

use crate::journal::{Found, Journals, Record, Spoiled, Unreadable};
use crate::model::desired::Store;

/// Why a run was not found.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("there is no run `{asked}` under `{store}`{hint}")]
    Unknown { asked: String, store: String, hint: String },
    #[error("`{asked}` is the beginning of several runs: {}", runs.join(", "))]
    Ambiguous { asked: String, runs: Vec<String> },
    #[error("the journal of run `{run}` (`{path}`) cannot be used: {why}")]
    Spoiled { run: String, path: String, why: Unreadable },
    #[error("`{path}` could not be read: {error}")]
    Store { path: String, error: std::io::Error },
}

/// How many runs an error names.
const NAMED: usize = 3;

/// Reads every journal under `store` (usually `.auditseal`). A store that does not exist holds none.
///
/// # Errors
/// When the folder is there and cannot be listed.
pub fn journals(store: &Path) -> std::io::Result<Journals> {
    let mut all = Journals::default();
    let entries = match std::fs::read_dir(store.join(Store::RUNS)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(all),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let run = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let record = std::fs::read_to_string(&path)
            .map_err(|error| Unreadable::File(error.to_string()))
            .and_then(|text| Record::parse(&text));
        match record {
            Ok(record) => all.found.push(Found { path, record }),
            Err(why) => all.spoiled.push(Spoiled { run, path, why }),
        }
    }
    all.found.sort_by(|left, right| (&right.record.at, &right.record.run).cmp(&(&left.record.at, &left.record.run)));
    all.spoiled.sort_by(|left, right| left.run.cmp(&right.run));
    Ok(all)
}

/// The journal of one run, by its id or by the beginning of it when only one run begins so.
///
/// # Errors
/// When there is none, several, or one that cannot be used; the error names the nearest and the last runs.
pub fn journal(store: &Path, asked: &str) -> Result<Found, RunError> {
    let shown = store.join(Store::RUNS).display().to_string();
    let all = journals(store).map_err(|error| RunError::Store { path: shown.clone(), error })?;
    let begins = |run: &str| !asked.is_empty() && run.starts_with(asked);
    let spoiled = |one: &Spoiled| RunError::Spoiled {
        run: one.run.clone(),
        path: one.path.display().to_string(),
        why: one.why.clone(),
    };
    if let Some(found) = all.found.iter().find(|found| found.record.run == asked) {
        return Ok(found.clone());
    }
    if let Some(one) = all.spoiled.iter().find(|one| one.run == asked) {
        return Err(spoiled(one));
    }
    let near: Vec<&Found> = all.found.iter().filter(|found| begins(&found.record.run)).collect();
    let near_spoiled: Vec<&Spoiled> = all.spoiled.iter().filter(|one| begins(&one.run)).collect();
    match (near.as_slice(), near_spoiled.as_slice()) {
        ([one], []) => Ok((*one).clone()),
        ([], [one]) => Err(spoiled(one)),
        ([], []) => Err(RunError::Unknown { asked: asked.to_owned(), store: shown, hint: hint(&all, asked) }),
        _ => Err(RunError::Ambiguous {
            asked: asked.to_owned(),
            runs: near
                .iter()
                .map(|found| found.record.run.clone())
                .chain(near_spoiled.iter().map(|one| one.run.clone()))
                .collect(),
        }),
    }
}

fn hint(all: &Journals, asked: &str) -> String {
    if all.found.is_empty() {
        return ": no run was made there; `-m` says beside which manifests the journals lie".to_owned();
    }
    let nearest = all
        .found
        .iter()
        .map(|found| (strsim::jaro_winkler(&found.record.run, asked), found.record.run.as_str()))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let last: Vec<String> =
        all.found.iter().take(NAMED).map(|found| format!("`{}` ({})", found.record.run, found.record.at)).collect();
    let mean = nearest.map(|(_, run)| format!("; did you mean `{run}`?")).unwrap_or_default();
    format!("{mean}; the last runs are {}; `auditseal runs` lists all", last.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(run: &str, at: &str) -> String {
        format!(
            r#"{{"entry":"run_started","format_version":"1.0","run":"{run}","at":"{at}","tool":"t","caller":{{}},"manifests":[],"reads_digest":""}}"#
        ) + "\n"
    }

    fn store() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("folder");
        let runs = folder.path().join("runs");
        std::fs::create_dir_all(&runs).expect("runs");
        std::fs::write(runs.join("aaa1.jsonl"), start("aaa1", "2026-11-22T06:00:00Z")).expect("file");
        std::fs::write(runs.join("aab2.jsonl"), start("aab2", "2026-11-23T06:00:00Z")).expect("file");
        std::fs::write(runs.join("bad.jsonl"), "no journal\n").expect("file");
        std::fs::write(runs.join("bytes.jsonl"), [0xff, 0xfe, 0x00]).expect("file");
        std::fs::create_dir(runs.join("folder.jsonl")).expect("folder");
        std::fs::write(runs.join("notes.txt"), "mine").expect("file");
        folder
    }

    #[test]
    fn what_cannot_be_read_hides_nothing() {
        let folder = store();
        let all = journals(folder.path()).expect("listed");
        let runs: Vec<&str> = all.found.iter().map(|found| found.record.run.as_str()).collect();
        assert_eq!(runs, ["aab2", "aaa1"], "newest first");
        let spoiled: Vec<_> = all.spoiled.iter().map(|one| (one.run.as_str(), one.why.name())).collect();
        assert_eq!(spoiled, [("bad", "damaged"), ("bytes", "file"), ("folder", "file")]);
        assert!(journals(&folder.path().join("nowhere")).expect("none").found.is_empty());
    }

    #[test]
    fn a_run_is_found_by_the_beginning_of_its_id() {
        let folder = store();
        let find = |asked: &str| journal(folder.path(), asked).map(|found| found.record.run);
        assert_eq!(find("aaa").expect("one"), "aaa1");
        assert!(matches!(find("aa"), Err(RunError::Ambiguous { runs, .. }) if runs.len() == 2));
        assert!(matches!(find("ba"), Err(RunError::Spoiled { .. })));
        assert!(matches!(find(""), Err(RunError::Unknown { .. })));
        let unknown = find("aaa2").expect_err("unknown").to_string();
        assert!(unknown.contains("did you mean `aaa1`?"), "{unknown}");
        assert!(unknown.contains("the last runs are `aab2`"), "{unknown}");
        assert!(matches!(find("../runs/aaa1"), Err(RunError::Unknown { .. })), "an id is no path");
    }
}
