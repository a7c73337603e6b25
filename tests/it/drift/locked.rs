//! An estate whose objects are locked.

use aws_sdk_s3::types as s3;

use super::Estate;
use crate::harness::Case;

const LOCK: &str = "acme/bucket-object-lock[audit]";

async fn retain(estate: &Estate, mode: s3::ObjectLockRetentionMode, days: i32) {
    let retention = s3::DefaultRetention::builder().mode(mode).days(days).build();
    let rule = s3::ObjectLockRule::builder().default_retention(retention).build();
    put(estate, Some(rule)).await;
}

async fn put(estate: &Estate, rule: Option<s3::ObjectLockRule>) {
    let configuration = s3::ObjectLockConfiguration::builder()
        .object_lock_enabled(s3::ObjectLockEnabled::Enabled)
        .set_rule(rule)
        .build();
    let put = estate.s3().put_object_lock_configuration().bucket(estate.bucket());
    put.object_lock_configuration(configuration).send().await.expect("PutObjectLockConfiguration");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn default_retention() {
    for (case, kind) in [(Case::empty().await, "new"), (Case::insecure().await, "existing")] {
        let mut case = case;
        let text = format!("{}\n[bucket.object_lock]\nmode = \"governance\"\ndays = 30\n", case.sandbox.manifest());
        case.declare(&text);
        let router = case.router().await;
        let refused = case.plan(&router).await;
        let codes: Vec<&str> = refused
            .guards
            .iter()
            .filter(|guard| guard.verdict == auditseal::plan::Verdict::Refuse)
            .map(|guard| guard.code.as_str())
            .collect();
        assert_eq!(codes, ["irreversible-object-lock"], "{kind} bucket");
        // A repair of the default retention is nothing that cannot be taken back: it needs no code.
        let estate = Estate::reached(case, router, &["irreversible-object-lock"]).await;
        let governance = s3::ObjectLockRetentionMode::Governance;
        let act = retain(&estate, governance.clone(), 1);
        estate.drift(&format!("{kind}: retention shortened"), act, &[(LOCK, &["retention.days"])]).await;
        let fields: &[&str] = &["retention.days", "retention.mode"];
        estate.drift(&format!("{kind}: retention removed"), put(&estate, None), &[(LOCK, fields)]).await;
        // Longer and stricter than declared: kept and told, because nothing shortens a promise.
        let kept = "object-lock-stricter-kept";
        let act = retain(&estate, governance.clone(), 60);
        estate.kept(&format!("{kind}: longer retention"), act, kept, LOCK).await;
        let act = retain(&estate, s3::ObjectLockRetentionMode::Compliance, 30);
        estate.kept(&format!("{kind}: stricter retention"), act, kept, LOCK).await;
        estate.done();
    }
}
