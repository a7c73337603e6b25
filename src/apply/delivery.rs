//! Whether a log delivery has succeeded since a moment.

use jiff::Timestamp;

use crate::model::databricks::{LogDelivery, parse_time};

/// What the status of a configuration says about the time after `since`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    Succeeded,
    /// No attempt after the moment yet, or one that Databricks itself failed.
    Pending(String),
    /// An attempt after the moment failed for a reason on the customer's side.
    Failing(String),
}

/// Judges by the time of the last attempts, not by the status alone: `SUCCEEDED` may be older than the change.
#[must_use]
pub fn progress(delivery: &LogDelivery, since: Timestamp) -> Progress {
    if delivery.status != "ENABLED" {
        return Progress::Failing(format!("configuration `{}` is {}", delivery.config_id, delivery.status));
    }
    let Some(health) = &delivery.delivery else {
        return Progress::Pending("no attempt was reported yet".to_owned());
    };
    let after = |time: &Option<String>| time.as_deref().and_then(parse_time).is_some_and(|time| time > since);
    if health.status == "SUCCEEDED" && after(&health.last_successful_attempt_time) {
        return Progress::Succeeded;
    }
    if health.status == "USER_FAILURE" && after(&health.last_attempt_time) {
        return Progress::Failing(health.message.clone());
    }
    let last = health.last_successful_attempt_time.as_deref().unwrap_or("never");
    Progress::Pending(format!("status {}, last success {last}", health.status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::databricks::DeliveryHealth;

    fn delivery(status: &str, attempt: &str, success: Option<&str>) -> LogDelivery {
        LogDelivery {
            config_id: "c".to_owned(),
            config_name: String::new(),
            log_type: "AUDIT_LOGS".to_owned(),
            output_format: "JSON".to_owned(),
            credentials_id: String::new(),
            storage_configuration_id: String::new(),
            delivery_path_prefix: String::new(),
            workspace_ids_filter: Vec::new(),
            status: "ENABLED".to_owned(),
            creation_time: 0,
            delivery: Some(DeliveryHealth {
                status: status.to_owned(),
                message: "putObject failed".to_owned(),
                last_attempt_time: Some(attempt.to_owned()),
                last_successful_attempt_time: success.map(str::to_owned),
            }),
        }
    }

    #[test]
    fn a_success_from_before_the_change_is_no_success() {
        let since: Timestamp = "2026-11-23T06:00:00Z".parse().expect("time");
        for (delivery, expected) in [
            (delivery("SUCCEEDED", "2026-11-23T06:00:01Z", Some("2026-11-23T06:00:01Z")), true),
            (delivery("SUCCEEDED", "2026-11-23T06:00:00Z", Some("2026-11-23T06:00:00Z")), false),
            (delivery("SUCCEEDED", "2026-11-23T05:59:00Z", Some("2026-11-23T05:59:00Z")), false),
            (delivery("SUCCEEDED", "2026-11-23 06:00:01 UTC", Some("2026-11-23 06:00:01 UTC")), true),
            (delivery("SUCCEEDED", "soon", Some("soon")), false),
            (delivery("USER_FAILURE", "2026-11-23T06:00:01Z", Some("2026-11-23T05:00:00Z")), false),
        ] {
            assert_eq!(progress(&delivery, since) == Progress::Succeeded, expected, "{delivery:?}");
        }
    }

    #[test]
    fn only_a_failure_after_the_change_counts_against_it() {
        let since: Timestamp = "2026-11-23T06:00:00Z".parse().expect("time");
        assert!(matches!(
            progress(&delivery("USER_FAILURE", "2026-11-23T05:00:00Z", None), since),
            Progress::Pending(_)
        ));
        assert!(matches!(
            progress(&delivery("USER_FAILURE", "2026-11-23T07:00:00Z", None), since),
            Progress::Failing(_)
        ));
        assert!(matches!(
            progress(&delivery("SYSTEM_FAILURE", "2026-11-23T07:00:00Z", None), since),
            Progress::Pending(_)
        ));
    }
}
