use crate::alert::targets;
use crate::finding::{Finding, Notice, NoticeState, Severity};
use crate::manifest::parse;
use crate::model::Desired;

const MINIMAL: &str = include_str!("../../../examples/manifests/minimal.toml");

fn desired(name: &str, alerts: &str) -> Desired {
    parse(name, "x.toml", &format!("{MINIMAL}\n{alerts}")).unwrap()
}

#[test]
fn a_notice_goes_to_the_sinks_of_its_manifest() {
    let sink = |name: &str, least: &str| {
        format!("[[alerts]]\nname = '{name}'\nkind = 'file'\npath = '{name}'\nmin_severity = '{least}'\n")
    };
    let one = desired("one", &(sink("shared", "low") + &sink("loud", "high")));
    let two = desired("two", &sink("shared", "low"));
    let targets = targets(&[one, two]);
    let to = |manifest: Option<&str>, severity| -> Vec<&str> {
        let finding = Finding {
            code: "x".to_owned(),
            severity,
            subject: "y".to_owned(),
            message: String::new(),
            help: None,
            span: None,
        };
        let notice = Notice {
            state: NoticeState::Opened,
            manifest: manifest.map(str::to_owned),
            fingerprint: String::new(),
            finding,
            since: jiff::Timestamp::UNIX_EPOCH,
            at: jiff::Timestamp::UNIX_EPOCH,
            changed_by: None,
        };
        targets.iter().filter(|target| target.takes(&notice)).map(|target| target.alert.name.as_str()).collect()
    };
    assert_eq!(to(Some("one"), Severity::High), ["loud", "shared"]);
    assert_eq!(to(Some("one"), Severity::Medium), ["shared"]);
    assert_eq!(to(Some("two"), Severity::Critical), ["shared"]);
    assert_eq!(to(None, Severity::Critical), ["loud", "shared"]);
    assert!(to(None, Severity::Info).is_empty());
    assert!(to(Some("three"), Severity::Critical).is_empty());
}
