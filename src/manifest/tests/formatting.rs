use proptest::prelude::*;

use super::{FULL, MINIMAL};
use crate::manifest::{expand, format, parse};

fn formatted(text: &str) -> String {
    let once = format("a.toml", text).unwrap();
    assert_eq!(format("a.toml", &once).unwrap(), once, "formatting twice");
    once
}

#[test]
fn the_examples_are_formatted() {
    for text in [MINIMAL, FULL] {
        assert_eq!(formatted(text), text);
    }
}

#[test]
fn order_alignment_and_comments() {
    let text = "\n\n# Owned by security.\n\n\n#   about waivers\n[[ waivers ]] # one\nuntil=2027-03-31\ncontrol = 'versioning'\n\
        # why\n   reason = \"x\"\nowner=\"t\"\n# still the waiver's\n\n  [admins . platform]\nrole = \"r\"\n# the delivery\n[delivery]\n\
        workspaces = [\n  1, # production\n  2 ]\nprefix = \"audit\" # the prefix\nbucket = \"b\"   #the bucket\n\n\n\
        max_silence = \"60m\"\n\n[aws]\nregion = \"us-east-1\"\n# profile = \"p\"\n\n[bucket]\naccess_log.prefix = \"s3/\"\n\
        retention_days = 1\nodd = 1\n\n# the end\n";
    insta::assert_snapshot!(formatted(text), @r###"
    # Owned by security.

    [aws]
    region = "us-east-1"
    # profile = "p"

    # the delivery
    [delivery]
    bucket = "b"     #the bucket
    prefix = "audit" # the prefix
    workspaces = [
      1, # production
      2 ]

    max_silence = "60m"

    [bucket]
    retention_days    = 1
    access_log.prefix = "s3/"
    odd               = 1

    [admins.platform]
    role = "r"

    #   about waivers
    [[waivers]] # one
    control = 'versioning'
    # why
    reason = "x"
    owner  = "t"
    until  = 2027-03-31
    # still the waiver's

    # the end
    "###);
}

#[test]
fn nothing_is_lost_where_the_form_is_unusual() {
    for (text, expected) in [
        ("", ""),
        ("# only a comment", "# only a comment\n"),
        ("\u{feff}version=1\r\n[aws]\r\nregion='x'\r\n", "version = 1\n\n[aws]\nregion = 'x'\n"),
        ("b.c = 1\na = 2\nb.d = 3\n", "a   = 2\nb.c = 1\nb.d = 3\n"),
        ("[[x]]\n[x.y]\na=1\n[[x]]\n[x.y]\na=2\n", "[[x]]\n\n[x.y]\na = 1\n\n[[x]]\n\n[x.y]\na = 2\n"),
        (
            "readers = { a = { role = 'r' } } # inline\nversion=1",
            "version = 1\nreaders = { a = { role = 'r' } } # inline\n",
        ),
    ] {
        assert_eq!(formatted(text), expected, "{text:?}");
    }
}

#[test]
fn broken_toml_is_refused_with_its_place() {
    let findings = format("a.toml", "version = 1\n[aws\nregion = 'x'\n").unwrap_err();
    let span = findings[0].span.as_ref().unwrap();
    assert_eq!((findings[0].code.as_str(), span.file.as_str(), span.line), ("toml-syntax", "a.toml", 2));
}

/// The sections of the full example in any order, with noise between their lines.
fn shuffled() -> impl Strategy<Value = String> {
    let mut sections: Vec<String> = Vec::new();
    for line in FULL.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if line.starts_with('[') {
            sections.push(String::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
    }
    let noise = prop::sample::select(vec!["", "", "", "\n", "  ", "\n\n\n", "# note\n", "\n# far\n\n", "\t# in\n"]);
    (Just(sections).prop_shuffle(), prop::collection::vec(noise, 200)).prop_map(|(sections, noise)| {
        let mut noise = noise.into_iter();
        let mut text = "version=1\n".to_owned();
        for line in sections.concat().lines() {
            text.push_str(noise.next().unwrap_or_default());
            text.push_str(line);
            text.push('\n');
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn meaning_and_comments_stay_and_twice_is_once(text in shuffled()) {
        let before = parse("acme", "a.toml", &text).unwrap();
        let once = format("a.toml", &text).unwrap();
        prop_assert_eq!(&parse("acme", "a.toml", &once).unwrap(), &before);
        prop_assert_eq!(text.matches('#').count(), once.matches('#').count());
        prop_assert_eq!(&format("a.toml", &once).unwrap(), &once);
        // It is the canonical order that is reached, not the text left alone.
        let headers: Vec<&str> = once.lines().filter(|line| line.starts_with('[')).map(|line| line.trim_matches(['[', ']'])).collect();
        let sections = ["databricks", "aws", "delivery", "bucket", "key", "role", "unity_catalog", "account", "waivers"];
        let mut found: Vec<&str> = headers.into_iter().filter(|name| sections.contains(name)).collect();
        found.dedup();
        prop_assert_eq!(found, sections);
    }

    #[test]
    fn any_text_is_formatted_once_or_refused(text in "([a-c\\[\\]\\.='\"# \n1]|\\[\\[|\"\"\"|= ){0,40}") {
        if let Ok(once) = format("a.toml", &text) {
            prop_assert_eq!(text.parse::<toml::Table>().unwrap(), once.parse::<toml::Table>().unwrap());
            prop_assert_eq!(format("a.toml", &once).unwrap(), once);
        }
    }
}

#[test]
fn expanded_manifests_keep_their_meaning() {
    let desired = parse("acme", "a.toml", FULL).unwrap();
    assert_eq!(parse("acme", "a.toml", &formatted(&expand(&desired))).unwrap(), desired);
}
