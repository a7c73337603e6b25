//! Faults that the sandbox injects, and the record of every request it served.
//!
//! One [`Faults`] handle is shared by the AWS proxy and the Databricks simulator of an estate, so
//! that "the 17th request" or "the 4th write" counts over both. A server asks [`Faults::admit`] (or
//! the short form [`Faults::decide`]) once per request, does what the [`Decision`] says, and reports
//! the answer with [`Faults::finish`].
//!
//! What a server has to do for each [`Failure`]:
//!
//! * [`Moment::Before`]: do not run the request. [`Moment::After`]: run it, then hide its answer.
//! * `Throttle`, `Status`, `Conflict`, `Denied`: answer an error in the service's own format.
//! * `Timeout`: keep the connection open without an answer for that long, then drop it.
//! * `Disconnect`: drop the connection.
//! * `StaleReads`: run the request; the next reads of what it wrote answer as before the write.
//! * `Kill`: call [`Faults::die`], then hold the connection ([`Faults::revived`]) and drop it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// When a failure strikes, seen from the effect of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The request has no effect.
    Before,
    /// The request takes effect, and its answer is lost.
    After,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The service's own way of saying "too fast": S3 503 `SlowDown`, KMS and SSM 400
    /// `ThrottlingException`, IAM and STS 400 `Throttling`, Databricks 429.
    Throttle,
    /// A bare HTTP status with the service's matching error body (429, 500, 502, 503, 504).
    Status(u16),
    /// 409: S3 `OperationAborted`, IAM `ConcurrentModification`, KMS `ConflictException`.
    Conflict,
    /// 403 in the service's format.
    Denied,
    /// No answer for this long, then the connection is dropped.
    Timeout(Duration),
    /// The connection is dropped at once.
    Disconnect,
    /// Reads of the written resource answer as before the write, this many times for each kind of
    /// read (eventual consistency). Only sensible on a write.
    StaleReads(u32),
    /// The process under test dies here.
    Kill,
}

/// Which requests a [`Rule`] strikes. Ordinals start at 1 after [`Faults::new`] and
/// [`Faults::reset`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The n-th request.
    Request(u64),
    /// The n-th write.
    Write(u64),
    /// Requests whose name (`s3:PutBucketPolicy`) matches; a trailing `*` matches the rest.
    Operation(String),
    /// Every write.
    AnyWrite,
    /// Every read.
    AnyRead,
    /// A fixed share of the requests, in thousandths, chosen by the seed and the ordinal.
    Share { per_mille: u16, seed: u64 },
}

/// One line of the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub trigger: Trigger,
    pub moment: Moment,
    pub failure: Failure,
    /// Matching requests that pass first.
    pub skip: u32,
    /// Matching requests that are then struck.
    pub times: u32,
}

impl Rule {
    /// Strikes the first matching request, before its effect.
    pub fn before(trigger: Trigger, failure: Failure) -> Self {
        Self { trigger, moment: Moment::Before, failure, skip: 0, times: 1 }
    }

    /// Strikes the first matching request, after its effect.
    pub fn after(trigger: Trigger, failure: Failure) -> Self {
        Self { moment: Moment::After, ..Self::before(trigger, failure) }
    }

    /// Lets `skip` matching requests pass first.
    #[must_use]
    pub fn skip(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// Strikes `times` matching requests.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Strikes every matching request.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u32::MAX)
    }
}

/// What shall happen to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub moment: Moment,
    pub failure: Failure,
}

/// A request as a server announces it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// `s3`, `s3control`, `kms`, `iam`, `sts`, `ssm` or `databricks`.
    pub service: &'a str,
    /// The API name, such as `PutBucketPolicy`.
    pub operation: &'a str,
    pub is_write: bool,
    /// What it acts on: bucket, bucket/key, key id, role name, path.
    pub resource: &'a str,
}

/// The answer to [`Faults::admit`].
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    pub ordinal: u64,
    /// Wait this long before serving.
    pub latency: Duration,
    pub decision: Option<Decision>,
}

/// One served request.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub ordinal: u64,
    /// `service:Operation`.
    pub name: String,
    pub is_write: bool,
    pub resource: String,
    pub started: Instant,
    pub finished: Option<Instant>,
    /// The status the client saw, or none when it saw none.
    pub status: Option<u16>,
    /// The status the service answered, when the request reached it.
    pub effect: Option<u16>,
    pub fault: Option<Decision>,
}

#[derive(Default)]
struct State {
    rules: Vec<(Rule, u32)>,
    latency: Duration,
    requests: u64,
    writes: u64,
    records: Vec<Recorded>,
    position: HashMap<u64, usize>,
}

struct Shared {
    state: Mutex<State>,
    dead: watch::Sender<bool>,
}

/// The fault schedule and the request record of one estate; clones share both.
#[derive(Clone)]
pub struct Faults {
    shared: Arc<Shared>,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl Faults {
    /// An empty schedule.
    pub fn new() -> Self {
        let shared = Shared { state: Mutex::new(State::default()), dead: watch::Sender::new(false) };
        Self { shared: Arc::new(shared) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule. The first rule that strikes a request wins; every rule counts its own matches.
    pub fn add(&self, rule: Rule) {
        self.state().rules.push((rule, 0));
    }

    /// Removes all rules and the latency.
    pub fn clear(&self) {
        let mut state = self.state();
        state.rules.clear();
        state.latency = Duration::ZERO;
    }

    /// Delays every request by this much.
    pub fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// Starts counting and recording afresh; rules start counting their matches afresh too.
    pub fn reset(&self) {
        let mut state = self.state();
        state.requests = 0;
        state.writes = 0;
        state.records.clear();
        state.position.clear();
        for (_, matches) in &mut state.rules {
            *matches = 0;
        }
    }

    /// Counts and records a request and says what shall happen to it. While the process under test
    /// is dead (see [`Faults::die`]) every request is told to hang.
    pub fn admit(&self, call: Call<'_>) -> Admission {
        let dead = self.is_dead();
        let mut state = self.state();
        state.requests += 1;
        state.writes += u64::from(call.is_write);
        let (ordinal, write, latency) = (state.requests, state.writes, state.latency);
        let name = format!("{}:{}", call.service, call.operation);
        let mut decision = None;
        for (rule, matches) in &mut state.rules {
            if !rule.trigger.matches(&name, call.is_write, ordinal, write) {
                continue;
            }
            let seen = *matches;
            *matches = seen.saturating_add(1);
            if decision.is_none() && seen >= rule.skip && seen - rule.skip < rule.times {
                decision = Some(Decision { moment: rule.moment, failure: rule.failure });
            }
        }
        if dead {
            decision = Some(Decision { moment: Moment::Before, failure: Failure::Kill });
        }
        let position = state.records.len();
        state.position.insert(ordinal, position);
        state.records.push(Recorded {
            ordinal,
            name,
            is_write: call.is_write,
            resource: call.resource.to_owned(),
            started: Instant::now(),
            finished: None,
            status: None,
            effect: None,
            fault: decision,
        });
        Admission { ordinal, latency, decision }
    }

    /// [`Faults::admit`] for a server that needs neither the ordinal nor the latency.
    pub fn decide(&self, service: &str, operation: &str, is_write: bool) -> Option<Decision> {
        self.admit(Call { service, operation, is_write, resource: "" }).decision
    }

    /// Records how a request ended: what the client saw and what the service did.
    pub fn finish(&self, ordinal: u64, status: Option<u16>, effect: Option<u16>) {
        let mut state = self.state();
        let position = state.position.get(&ordinal).copied();
        if let Some(record) = position.and_then(|at| state.records.get_mut(at)) {
            record.finished = Some(Instant::now());
            record.status = status;
            record.effect = effect;
        }
    }

    /// Everything served since the start or the last [`Faults::reset`], in order of arrival.
    pub fn recorded(&self) -> Vec<Recorded> {
        self.state().records.clone()
    }

    /// The length of the longest chain of requests that each started after the one before had
    /// ended: the dependent round trips. Sensible with a latency (see [`Faults::set_latency`]).
    pub fn round_trips(&self) -> usize {
        let mut ends: Vec<(Instant, Instant)> =
            self.state().records.iter().filter_map(|record| Some((record.finished?, record.started))).collect();
        ends.sort_unstable();
        // The largest set of disjoint intervals, by earliest end.
        let mut last = None;
        ends.into_iter()
            .filter(|(finished, started)| {
                let after = last.is_none_or(|end| *started >= end);
                if after {
                    last = Some(*finished);
                }
                after
            })
            .count()
    }

    /// Requests and writes counted so far.
    pub fn counted(&self) -> (u64, u64) {
        let state = self.state();
        (state.requests, state.writes)
    }

    /// Declares the process under test dead: [`Faults::killed`] resolves, and no request is served
    /// until [`Faults::revive`].
    pub fn die(&self) {
        self.shared.dead.send_replace(true);
    }

    /// Serves requests again.
    pub fn revive(&self) {
        self.shared.dead.send_replace(false);
    }

    pub fn is_dead(&self) -> bool {
        *self.shared.dead.borrow()
    }

    /// Resolves when a [`Failure::Kill`] struck. Race it against the run and drop the run.
    pub fn killed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.becomes(true)
    }

    /// Resolves when the process under test is not dead (any more).
    pub fn revived(&self) -> impl Future<Output = ()> + Send + 'static {
        self.becomes(false)
    }

    fn becomes(&self, wanted: bool) -> impl Future<Output = ()> + Send + 'static {
        // The sender is kept alive, so that the wait ends only on the wanted value.
        let shared = Arc::clone(&self.shared);
        async move {
            let mut watched = shared.dead.subscribe();
            let _ = watched.wait_for(|dead| *dead == wanted).await;
        }
    }
}

impl Trigger {
    fn matches(&self, name: &str, is_write: bool, ordinal: u64, write: u64) -> bool {
        match self {
            Self::Request(wanted) => *wanted == ordinal,
            Self::Write(wanted) => is_write && *wanted == write,
            Self::Operation(pattern) => match pattern.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == pattern,
            },
            Self::AnyWrite => is_write,
            Self::AnyRead => !is_write,
            Self::Share { per_mille, seed } => mix(seed ^ mix(ordinal)) % 1000 < u64::from(*per_mille),
        }
    }
}

/// The finaliser of SplitMix64: spreads consecutive ordinals evenly.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
