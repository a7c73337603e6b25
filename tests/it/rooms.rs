//! The walls between rooms: what `src/lib.rs` says a room may use, and what its files use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The table in the documentation of the library: room → rooms it may use.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(source().join("lib.rs")).expect("lib.rs");
    let quoted = |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    text.lines()
        .filter_map(|line| line.strip_prefix("//! | `"))
        .map(|row| {
            let mut cells = row.split('|');
            let room = cells.next().expect("room").trim().trim_matches('`').to_owned();
            (room, quoted(cells.next().expect("uses")))
        })
        .collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn rooms_use_only_what_the_table_allows() {
    let table = table();
    assert!(table.len() >= 14, "the table was not found: {table:?}");
    let mut wrong = Vec::new();
    for (room, allowed) in &table {
        let mut found = Vec::new();
        files(&source().join(room), &mut found);
        assert!(!found.is_empty(), "room `{room}` has no files");
        for file in found {
            // A room's own tests may look at it from outside.
            if file.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("file");
            for used in text.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if used != *room && !allowed.contains(&used) && source().join(&used).is_dir() {
                    wrong.push(format!("{}: `{room}` uses `{used}`", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_is_in_the_table() {
    let table = table();
    for entry in std::fs::read_dir(source()).expect("src") {
        let path = entry.expect("entry").path();
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        // `cli` hangs off the binary and sees the library only from outside.
        if path.is_dir() && name != "cli" {
            assert!(table.contains_key(&name), "room `{name}` is not in the table of lib.rs");
        }
    }
}

#[test]
fn only_three_rooms_meet_the_provider() {
    let meets: Vec<String> =
        table().into_iter().filter(|(_, uses)| uses.contains("provider")).map(|(room, _)| room).collect();
    assert_eq!(meets, ["apply", "observe", "run"]);
}

/// The fuzz targets compile two rooms by themselves, in a crate that nothing else builds: what these rooms use has to be
/// there too.
#[test]
fn the_fuzz_crate_has_what_its_rooms_use() {
    let text = |path: &str| std::fs::read_to_string(source().join("..").join(path)).expect(path);
    let dependencies = |manifest: &str| -> BTreeSet<String> {
        let manifest: toml::Table = text(manifest).parse().expect("TOML");
        manifest["dependencies"].as_table().expect("table").keys().map(|name| name.replace('-', "_")).collect()
    };
    let (ours, fuzzed) = (dependencies("Cargo.toml"), dependencies("tests/fuzz/Cargo.toml"));
    let mut used = BTreeSet::new();
    for room in ["iam", "model"] {
        let mut found = Vec::new();
        files(&source().join(room), &mut found);
        for file in found.iter().filter(|file| !file.components().any(|part| part.as_os_str() == "tests")) {
            let text = std::fs::read_to_string(file).expect("file");
            let words =
                text.lines().filter_map(|line| line.trim_start().trim_start_matches("pub ").strip_prefix("use "));
            used.extend(words.filter_map(|word| word.split([':', ' ', ';']).next()).map(str::to_owned));
        }
    }
    let missing: Vec<&String> = used.iter().filter(|name| ours.contains(*name) && !fuzzed.contains(*name)).collect();
    assert!(used.contains("serde"), "nothing was found: {used:?}");
    assert!(missing.is_empty(), "tests/fuzz/Cargo.toml lacks {missing:?}");
}
