//! Lines on stderr as JSON objects, one a line: messages of the program and its request log alike, each with the run and
//! the step that it belongs to.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What is under way. Steps are taken one after the other, so that what is logged meanwhile belongs to the last one begun.
#[derive(Clone, Debug, Default)]
pub struct Scope(Arc<Mutex<(Option<String>, Option<String>)>>);

impl Scope {
    pub fn run(&self, run: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Some(run.to_owned()), None);
    }

    pub fn step(&self, address: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = address;
    }

    fn now(&self) -> (Option<String>, Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    message: &'a str,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// One line without its newline; nothing when it cannot be JSON, which the types rule out.
pub fn line(scope: &Scope, level: &str, message: &str, fields: Map<String, Value>) -> String {
    let (run, step) = scope.now();
    let line = Line { time: jiff::Timestamp::now().to_string(), level, run, step, message: message.trim(), fields };
    serde_json::to_string(&line).unwrap_or_default()
}

/// Formats the events of the library.
pub struct JsonLines(pub Scope);

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = match fields.0.remove("message") {
            Some(Value::String(message)) => message,
            _ => String::new(),
        };
        let level = event.metadata().level().as_str().to_lowercase();
        writeln!(writer, "{}", line(&self.0, &level, &message, fields.0))
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}
