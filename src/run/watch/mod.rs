//! Checks that go on and on: when the next one is due, how they went, and what a monitoring system is told.

mod http;
mod metrics;

pub use http::{ListenError, Server};

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::drift::{Check, Outcome};
use crate::finding::SinkReport;
use crate::provider::Requests;
use metrics::Metrics;

/// The part of an interval by which pauses differ, so that many instances do not ask at one moment.
const JITTER: f64 = 0.1;

/// How the checks of one process go. Shared with the HTTP server.
pub struct Watch {
    interval: Duration,
    state: Mutex<State>,
    metrics: Metrics,
}

#[derive(Clone, Copy, Debug)]
struct State {
    begun: Instant,
    ended: Option<Instant>,
    failed: bool,
}

/// What a health endpoint answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub ok: bool,
    pub because: String,
}

impl Watch {
    /// `interval` is the real one, by the clock of the machine.
    #[must_use]
    pub fn new(interval: Duration) -> Arc<Self> {
        let state = Mutex::new(State { begun: Instant::now(), ended: None, failed: false });
        Arc::new(Self { interval, state, metrics: Metrics::new() })
    }

    /// A check came to its end, whatever it found.
    pub fn passed(&self, check: &Check, outcome: Outcome, took: Duration) {
        self.metrics.passed(check, outcome, took);
        self.ended(false);
    }

    /// Sinks were sent what a check found.
    pub fn told(&self, sinks: &[SinkReport]) {
        self.metrics.told(sinks);
    }

    /// Whether what a check found is kept wherever it is declared to be.
    pub fn kept(&self, kept: bool) {
        self.metrics.kept(kept);
    }

    /// A check could not be made. What the last one found stays in the metrics, with its time.
    pub fn failed(&self, took: Duration) {
        self.metrics.failed(took);
        self.ended(true);
    }

    fn ended(&self, failed: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.ended, state.failed) = (Some(Instant::now()), failed);
    }

    /// Whether no check has ended yet.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.state().ended.is_none()
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether checks go on: the last one ended within twice the interval. Failed ones count, a restart does not help them.
    #[must_use]
    pub fn alive(&self) -> Health {
        let State { begun, ended, failed } = self.state();
        let (since, what) = match ended {
            None => (begun.elapsed(), "no check has ended yet, the first began"),
            Some(ended) if failed => (ended.elapsed(), "the last check failed (the log says why), it ended"),
            Some(ended) => (ended.elapsed(), "the last check ended"),
        };
        let (seconds, limit) = (since.as_secs(), self.interval.saturating_mul(2));
        Health {
            ok: since <= limit,
            because: format!("{what} {seconds} s ago; at most {:.1} s are expected", limit.as_secs_f64()),
        }
    }

    /// Whether the last check could be made.
    #[must_use]
    pub fn ready(&self) -> Health {
        let State { ended, failed, .. } = self.state();
        let (ok, because) = match (ended, failed) {
            (None, _) => (false, "no check has ended yet"),
            (Some(_), true) => (false, "the last check failed, the log says why"),
            (Some(_), false) => (true, "the last check was made"),
        };
        Health { ok, because: because.to_owned() }
    }

    /// Counts the questions that are asked.
    #[must_use]
    pub fn questions(&self) -> &AtomicU64 {
        self.metrics.questions()
    }

    /// Counts what is sent for them.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.metrics.requests()
    }

    /// Metrics in the text format of OpenMetrics, which Prometheus reads.
    #[must_use]
    pub fn metrics(&self) -> Option<String> {
        self.metrics.text()
    }
}

/// How long to wait before the next check: the interval with its jitter, less what the check took, so that checks do not
/// drift apart; never nothing. `random` is any number.
#[must_use]
pub fn pause(interval: Duration, took: Duration, random: u32) -> Duration {
    let part = f64::from(random) / f64::from(u32::MAX);
    let due = interval.mul_f64(1.0 - JITTER + 2.0 * JITTER * part);
    due.saturating_sub(took).max(interval.mul_f64(JITTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: Duration = Duration::from_secs(900);

    #[test]
    fn pauses_keep_to_the_interval() {
        for (took, random, seconds) in [
            (0, 0, 810),
            (0, u32::MAX, 990),
            (60, 0, 750),
            // A check that took longer is followed by a short pause, never by none.
            (2000, u32::MAX, 90),
        ] {
            assert_eq!(pause(QUARTER, Duration::from_secs(took), random).as_secs_f64().round(), f64::from(seconds));
        }
    }

    #[test]
    fn health_follows_the_last_check() {
        let watch = Watch::new(QUARTER);
        assert!(watch.alive().ok && !watch.ready().ok);
        watch.failed(Duration::from_secs(1));
        assert!(watch.alive().ok && !watch.ready().ok);
        assert!(watch.alive().because.contains("failed"));
        watch.ended(false);
        assert!(watch.alive().ok && watch.ready().ok);
        let late = Watch::new(Duration::ZERO);
        std::thread::sleep(Duration::from_millis(2));
        assert!(!late.alive().ok && late.alive().because.contains("no check has ended yet"));
    }
}
