//! Waivers: an estate is declared as it is, nothing is planned, and each control comes back by itself.

use std::collections::BTreeSet;

use auditseal::harden::{control_of, wider_control_of};
use auditseal::model::{Control, Live};
use auditseal::observe::{observe, observe_for_plan};
use auditseal::plan::guard::Purpose;
use auditseal::run::plan::{PlanOptions, plan, plan_from};
use jiff::civil::{Date, date};

use super::*;
use crate::cli::Shell;
use crate::sandbox::estate::Sandbox;

const UNTIL: Date = date(2027, 3, 31);
const THE_DAY_AFTER: Date = date(2027, 4, 1);

fn waivers(controls: &[Control], until: Date) -> String {
    let one = |control: &Control| {
        format!("\n[[waivers]]\ncontrol = \"{control}\"\nreason = \"adopted\"\nowner = \"platform\"\nuntil = {until}\n")
    };
    controls.iter().map(one).collect()
}

/// The vendor's example in its own words: its delivery to the root of the bucket, its role, its key.
fn as_it_is(sandbox: &Sandbox) -> String {
    let insecure = sandbox.insecure.as_ref().expect("insecure");
    let text = sandbox.manifest().replace(PREFIX, "prefix     = \"\"");
    text.replace("[key]\n", &format!("[role]\narn = \"{}\"\n\n[key]\n", insecure.role_arn))
}

fn on(day: Date) -> PlanOptions {
    PlanOptions { today: day, ..PlanOptions::default() }
}

fn planned(case: &Case, live: &Live, day: Date) -> Plan {
    plan_from(live, &case.desired, &on(day), Purpose::Apply)
}

/// Every control that a plan with this difference would enforce.
fn controls_of(plan: &Plan) -> BTreeSet<Control> {
    let fields = plan.changes.iter().flat_map(|one| one.fields.iter().map(move |field| (&one.address, &field.path)));
    fields.filter_map(|(address, path)| control_of(address.kind, &address.name, path)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_estate_is_declared_as_it_is_and_nothing_is_planned() {
    let mut case = Case::insecure().await;
    let router = case.router().await;
    let plain = as_it_is(&case.sandbox);
    case.declare(&plain);
    let live = observe_for_plan(&router, &case.desired).await;
    let hardened = planned(&case, &live, UNTIL);
    assert!(hardened.changes.len() > 20, "{:?}", changes(&hardened));

    case.declare(&format!("{plain}{}", waivers(Control::ALL, UNTIL)));
    let options = PlanOptions { access: true, ..on(UNTIL) };
    let waived = plan_from(&live, &case.desired, &options, Purpose::Apply);
    assert_eq!(changes(&waived), [""; 0]);
    assert_eq!((waived.steps.len(), refusals(&waived)), (0, vec![]));
    assert!(waived.complete, "{:?}", waived.gaps);
    // Nothing is left out: what is not planned is listed, with who answers for it and until when.
    let listed: BTreeSet<_> = waived
        .waived
        .iter()
        .flat_map(|one| one.fields.iter().map(move |field| (one.address.to_string(), field.path.clone())))
        .collect();
    for change in &hardened.changes {
        for field in &change.fields {
            assert!(
                listed.contains(&(change.address.to_string(), field.path.clone())),
                "{} {}",
                change.address,
                field.path
            );
        }
    }
    assert!(waived.waived.iter().all(|one| one.owner == "platform" && one.until == UNTIL));
    // What stays open is told all the same.
    assert!(waived.access.undeclared.iter().any(|holder| !holder.declared), "{:?}", waived.access);

    // On the day after, everything is planned again, and says why.
    let expired = planned(&case, &live, THE_DAY_AFTER);
    assert_eq!(changes(&expired), changes(&hardened));
    assert_eq!(expired.waived, []);
    for change in &expired.changes {
        for field in &change.fields {
            assert!(
                field.reason.starts_with("waiver-expired: `"),
                "{} {}: {}",
                change.address,
                field.path,
                field.reason
            );
        }
    }
    assert!(expired.findings.iter().any(|finding| finding.code == "waiver-expired"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_waiver_keeps_its_own_control_and_no_other() {
    let mut case = Case::insecure().await;
    let router = case.router().await;
    let plain = as_it_is(&case.sandbox);
    case.declare(&plain);
    let live = observe(&router, &case.desired).await;
    let present = controls_of(&planned(&case, &live, UNTIL));
    assert!(present.len() > 20, "{present:?}");
    let mut covered = Vec::new();
    for control in Control::ALL {
        let others: Vec<Control> = Control::ALL.iter().copied().filter(|other| other != control).collect();
        case.declare(&format!("{plain}{}", waivers(&others, UNTIL)));
        let plan = planned(&case, &live, UNTIL);
        // Nothing of the live policies stays, and nothing of the generated ones is wanted: refused, not guessed.
        if *control == Control::UndeclaredStatements {
            assert_eq!(refusals(&plan), ["waivers-leave-nothing"; 2], "bucket and key");
            continue;
        }
        for change in &plan.changes {
            for field in &change.fields {
                let (kind, name) = (change.address.kind, change.address.name.as_str());
                let by = [control_of(kind, name, &field.path), wider_control_of(kind, name, &field.path)];
                // The language version of a policy goes with its statements.
                let fits = by.contains(&Some(*control)) || field.path == "version";
                assert!(fits, "without the waiver of `{control}`: {} {}", change.address, field.path);
            }
        }
        if present.contains(control) == plan.changes.is_empty() {
            covered.push(*control);
        }
        // Alone, it is of use exactly when something differs.
        case.declare(&format!("{plain}{}", waivers(&[*control], UNTIL)));
        let plan = planned(&case, &live, UNTIL);
        let unneeded = plan.findings.iter().any(|finding| finding.code == "waiver-unneeded");
        assert_eq!(unneeded, plan.waived.is_empty(), "{control}");
        assert!(plan.waived.iter().all(|one| one.control == *control), "{:?}", plan.waived);
        if present.contains(control) {
            assert!(!unneeded, "`{control}` waives nothing");
        }
    }
    // These have a say only on an access-log bucket that nobody asks for while access logging is waived, and on a key that
    // is of no use while the customer key is.
    assert_eq!(covered, [Control::IgnorePublicAcls, Control::BucketKey, Control::AccessLogEncryption]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_waived_survives_an_apply_and_goes_with_the_next() {
    use Control as C;
    let mut case = Case::insecure().await;
    let some = [C::Versioning, C::AccessLogging, C::UndeclaredReadsDenied, C::KeyRotation, C::OtherDeliveries];
    let text = format!("{}{}", as_it_is(&case.sandbox), waivers(&some, UNTIL));
    case.declare(&text);
    let router = case.router().await;
    for day in [UNTIL, THE_DAY_AFTER] {
        let first = plan(&router, &case.desired, &on(day), Purpose::Apply).await;
        assert_not_refused(&first);
        assert!(!first.changes.is_empty());
        assert_in_sync(&case.apply(&router, &first).await.expect("apply runs"));
        let second = plan(&router, &case.desired, &on(day), Purpose::Apply).await;
        assert_eq!(changes(&second), [""; 0], "the second plan of {day}");
        let left: BTreeSet<Control> = second.waived.iter().map(|one| one.control).collect();
        let all: BTreeSet<Control> = some.into_iter().collect();
        assert_eq!(left, if day == UNTIL { all } else { BTreeSet::new() });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_lists_what_is_waived_and_ends_with_0() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    let plain = as_it_is(&case.sandbox);
    shell.write("manifests/acme.toml", format!("{plain}{}", waivers(Control::ALL, date(9999, 12, 31))));
    let ended = shell.ends(&["plan", "--detailed-exitcode"], 0).await;
    ended.says("Waived, and left as it is:");
    ended.says("acme/bucket-versioning[audit] versioning: adopted (platform, until 9999-12-31)");
    ended.says("No changes. The live configuration matches the declaration, but for ");
    shell.ends(&["validate", "--strict"], 0).await;
    shell.write("manifests/acme.toml", format!("{plain}{}", waivers(Control::ALL, date(2020, 1, 1))));
    shell
        .ends(&["plan", "--detailed-exitcode"], 2)
        .await
        .says("waiver-expired: `versioning` was waived until 2020-01-01");
    shell.ends(&["validate"], 0).await.says("waiver-expired");
    shell.ends(&["validate", "--strict"], 1).await.says("acme.toml:");
}
