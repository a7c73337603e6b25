//! Data to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};

use super::args::{Color, Global, LogFormat};
use super::log::{JsonLines, Scope, line};

/// Where results and messages go, and whether they may be coloured.
pub struct Output {
    pub color: bool,
    pub color_err: bool,
    /// Whether messages are JSON objects, one a line.
    json: bool,
    /// What is under way, for the log.
    pub scope: Scope,
}

impl Output {
    pub fn new(global: &Global) -> Self {
        let allowed = |is_terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let terminal = io::stderr().is_terminal();
        let json = global.log_format == LogFormat::Json;
        Self {
            color: allowed(io::stdout().is_terminal()),
            color_err: allowed(terminal) && !json,
            json,
            scope: Scope::default(),
        }
    }

    /// A result. A reader that went away is no error: `auditseal plan | head` is fine.
    pub fn data(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// A message for the person at the terminal, or the log of a job.
    pub fn note(&self, text: &str) {
        let level = match text.trim_start() {
            text if text.starts_with("error:") || text.starts_with("refused:") => "error",
            text if text.starts_with("warning:") => "warn",
            _ => "info",
        };
        self.message(level, text);
    }

    fn message(&self, level: &str, text: &str) {
        let text = if self.json { line(&self.scope, level, text, Default::default()) } else { text.to_owned() };
        // Nothing is left to do when stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    pub fn error(&self, error: &anyhow::Error) {
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        let label = if self.color_err { "\u{1b}[31merror:\u{1b}[0m" } else { "error:" };
        self.note(&format!("{label} {}", causes.join(": ")));
    }

    /// Request lines with `-v`; otherwise only warnings.
    pub fn start_log(&self, global: &Global) {
        let level = if global.verbose { "auditseal=debug" } else { "auditseal=warn" };
        let filter = tracing_subscriber::EnvFilter::try_from_env("AUDITSEAL_LOG")
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
        let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
        // A second subscriber in one process is a test's doing.
        let _ = match global.log_format {
            LogFormat::Text => builder.with_ansi(false).try_init(),
            LogFormat::Json => builder.event_format(JsonLines(self.scope.clone())).try_init(),
        };
    }
}
