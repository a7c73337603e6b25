//! What Prometheus is told. Labels are names of manifests and sinks, severities and outcomes: nothing that grows without bound, and
//! nothing secret.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::drift::{Check, DeliveryState, Outcome};
use crate::finding::{Severity, SinkReport};
use crate::provider::Requests;

type Labels = Vec<(&'static str, String)>;
type Seconds = Gauge<f64, AtomicU64>;

const SEVERITIES: [(Severity, &str); 5] = [
    (Severity::Critical, "critical"),
    (Severity::High, "high"),
    (Severity::Medium, "medium"),
    (Severity::Low, "low"),
    (Severity::Info, "info"),
];

pub(super) struct Metrics {
    registry: Registry,
    checks: Family<Labels, Counter>,
    questions: Counter,
    requests: Family<Labels, Counter>,
    /// What the clients counted: a request is one the moment that it ends.
    sent: Requests,
    last_check: Gauge,
    last_success: Gauge,
    duration: Seconds,
    open: Family<Labels, Gauge>,
    pending: Gauge,
    undeclared_readers: Gauge,
    unread: Gauge,
    delivery_age: Family<Labels, Gauge>,
    delivering: Family<Labels, Gauge>,
    waiting: Family<Labels, Gauge>,
    refused: Family<Labels, Gauge>,
    kept: Gauge,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("auditseal");
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Version of the program", build);
        let metrics = Self {
            registry: Registry::default(),
            checks: Family::default(),
            questions: Counter::default(),
            requests: Family::default(),
            sent: Requests::default(),
            last_check: Gauge::default(),
            last_success: Gauge::default(),
            duration: Seconds::default(),
            open: Family::default(),
            pending: Gauge::default(),
            undeclared_readers: Gauge::default(),
            unread: Gauge::default(),
            delivery_age: Family::default(),
            delivering: Family::default(),
            waiting: Family::default(),
            refused: Family::default(),
            kept: Gauge::default(),
        };
        registry.register("checks", "Checks by how they ended", metrics.checks.clone());
        registry.register(
            "questions",
            "Facts about live state that checks asked for; one takes several requests when it has pages or is repeated",
            metrics.questions.clone(),
        );
        registry.register(
            "requests",
            "HTTP requests sent to AWS and Databricks by checks, with repeated ones and those for credentials",
            metrics.requests.clone(),
        );
        registry.register(
            "last_check_timestamp_seconds",
            "When the last check ended, whether it could be made or not",
            metrics.last_check.clone(),
        );
        registry.register(
            "last_success_timestamp_seconds",
            "When the last check that could be made ended",
            metrics.last_success.clone(),
        );
        registry.register("last_check_duration_seconds", "How long the last check took", metrics.duration.clone());
        registry.register("open_findings", "Open findings by manifest and severity", metrics.open.clone());
        registry.register("pending_changes", "Resources that a plan would change", metrics.pending.clone());
        registry.register(
            "undeclared_readers",
            "Principals that can read the logs, or cannot be ruled out to, and are not declared",
            metrics.undeclared_readers.clone(),
        );
        registry.register("unread_inputs", "Inputs that could not be read", metrics.unread.clone());
        registry.register(
            "delivery_age_seconds",
            "Time from the last successful delivery to the last check",
            metrics.delivery_age.clone(),
        );
        registry.register(
            "delivery_healthy",
            "1 when everything was read and logs are delivered, else 0",
            metrics.delivering.clone(),
        );
        registry.register("alerts_waiting", "Findings that a sink has not taken yet", metrics.waiting.clone());
        registry.register("alerts_refused", "Findings that a sink refused, and that are kept", metrics.refused.clone());
        registry.register(
            "kept",
            "1 when what the last check found lies where the manifests say, in the folder and in the store, else 0",
            metrics.kept.clone(),
        );
        Self { registry, ..metrics }
    }

    pub fn passed(&self, check: &Check, outcome: Outcome, took: Duration) {
        let result = match outcome {
            Outcome::InSync => "in_sync",
            Outcome::Findings => "findings",
            Outcome::Drift => "drift",
            Outcome::Unread => "unread",
        };
        self.ended(result, took);
        self.last_success.set(Timestamp::now().as_second());
        self.pending.set(count(check.summary.pending_changes));
        self.undeclared_readers.set(count(check.summary.undeclared_readers));
        self.unread.set(count(check.gaps.len()));
        self.findings(check);
        self.delivery_age.clear();
        self.delivering.clear();
        for one in &check.deliveries {
            let labels = vec![("manifest", one.manifest.clone())];
            if let Some(age) = one.age_seconds {
                self.delivery_age.get_or_create(&labels).set(age);
            }
            if one.state != DeliveryState::Disabled {
                let healthy = matches!(one.state, DeliveryState::Delivering | DeliveryState::New);
                self.delivering.get_or_create(&labels).set(i64::from(healthy));
            }
        }
    }

    /// Every manifest has every severity, so that an alert sees a zero and not a gap.
    fn findings(&self, check: &Check) {
        let mut open: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let manifests = check.manifests.iter().map(String::as_str).chain([""]);
        for manifest in manifests {
            open.extend(SEVERITIES.iter().map(|(_, name)| ((manifest, *name), 0)));
        }
        for one in &check.open {
            let severity = SEVERITIES.iter().find(|(severity, _)| *severity == one.finding.severity);
            let name = severity.map_or("info", |(_, name)| name);
            let number = open.entry((one.manifest.as_deref().unwrap_or_default(), name)).or_default();
            *number = number.saturating_add(1);
        }
        self.open.clear();
        for ((manifest, severity), number) in open {
            let labels = vec![("manifest", manifest.to_owned()), ("severity", severity.to_owned())];
            self.open.get_or_create(&labels).set(count(number));
        }
    }

    pub fn kept(&self, kept: bool) {
        self.kept.set(i64::from(kept));
    }

    pub fn told(&self, sinks: &[SinkReport]) {
        self.waiting.clear();
        self.refused.clear();
        for one in sinks {
            let labels = vec![("sink", one.sink.clone())];
            self.waiting.get_or_create(&labels).set(count(one.waiting));
            self.refused.get_or_create(&labels).set(count(one.refused));
        }
    }

    pub fn failed(&self, took: Duration) {
        self.ended("failed", took);
    }

    fn ended(&self, result: &str, took: Duration) {
        self.checks.get_or_create(&vec![("result", result.to_owned())]).inc();
        self.last_check.set(Timestamp::now().as_second());
        self.duration.set(took.as_secs_f64());
    }

    /// Counts the questions.
    pub fn questions(&self) -> &AtomicU64 {
        self.questions.inner()
    }

    /// Counts what is sent.
    pub fn requests(&self) -> Requests {
        self.sent.clone()
    }

    /// `None` when they cannot be written, which the types rule out.
    pub fn text(&self) -> Option<String> {
        for (provider, number) in [("aws", self.sent.aws()), ("databricks", self.sent.databricks())] {
            let counter = self.requests.get_or_create_owned(&vec![("provider", provider.to_owned())]);
            counter.inner().store(number, Ordering::Relaxed);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).ok()?;
        Some(text)
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
