//! What a sink's answer means for the message, and when it is sent again.

use std::time::Duration;

/// What became of one attempt. The reasons hold neither the URL nor a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Taken,
    /// This message will never be taken; others may be.
    Refused(String),
    /// No message is taken until somebody changes something.
    Closed(String),
    /// It may be taken later.
    Busy {
        why: String,
        retry_after: Option<Duration>,
    },
}

/// Attempts for one message in one run.
pub const ATTEMPTS: u32 = 4;

/// Pause after the first attempt; it doubles.
const FIRST: Duration = Duration::from_secs(1);
/// What a run waits for one sink in all: a scheduled run has to end before the next one.
const PATIENCE: Duration = Duration::from_secs(60);

impl Answer {
    /// From the status of an answer. The statuses that Standard Webhooks, Slack and webhook products use: 408, 425, 429 and
    /// 5xx pass; 400, 413 and 422 are about the message; all else is about whoever sends, or where to.
    pub(super) fn of_status(status: u16, said: &str, retry_after: Option<Duration>) -> Self {
        let why =
            if said.is_empty() { format!("it answered {status}") } else { format!("it answered {status}: {said}") };
        match status {
            200..=299 => Self::Taken,
            300..=399 => Self::Closed(format!("{why}; redirects are not followed, declare the URL that they lead to")),
            400 | 413 | 422 => Self::Refused(why),
            408 | 425 | 429 | 500..=599 => Self::Busy { why, retry_after },
            _ => Self::Closed(why),
        }
    }
}

/// How long to wait before the next attempt, or `None` to leave the message for the next run: after [`ATTEMPTS`], or when the
/// receiver asks for a longer pause than is left of the minute that one run has for a sink.
///
/// `attempt` counts from one; `waited` is what the run already waited for this sink; `chance` is any number, so that many
/// runs do not come back at once (the pause is between half of it and all of it).
#[must_use]
pub fn pause(attempt: u32, retry_after: Option<Duration>, waited: Duration, chance: u32) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    let whole = FIRST.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    let share = f64::from(chance) / f64::from(u32::MAX);
    let own = whole.mul_f64(0.5 + share / 2.0);
    let pause = own.max(retry_after.unwrap_or_default());
    (waited.saturating_add(pause) <= PATIENCE).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        let kind = |status| match Answer::of_status(status, "", None) {
            Answer::Taken => "taken",
            Answer::Refused(_) => "refused",
            Answer::Closed(_) => "closed",
            Answer::Busy { .. } => "busy",
        };
        for (kind_of, statuses) in [
            ("taken", &[200, 201, 202, 204][..]),
            ("closed", &[301, 302, 307, 308, 401, 403, 404, 405, 410, 100, 999]),
            ("refused", &[400, 413, 422]),
            ("busy", &[408, 425, 429, 500, 502, 503, 504]),
        ] {
            for status in statuses {
                assert_eq!(kind(*status), kind_of, "{status}");
            }
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        let secs = Duration::from_secs;
        assert_eq!(pause(1, None, secs(0), u32::MAX), Some(secs(1)));
        assert_eq!(pause(1, None, secs(0), 0), Some(Duration::from_millis(500)));
        assert_eq!(pause(3, None, secs(0), u32::MAX), Some(secs(4)));
        assert_eq!(pause(ATTEMPTS, None, secs(0), 0), None);
        assert_eq!(pause(1, Some(secs(30)), secs(0), 0), Some(secs(30)), "the receiver's pause is kept");
        assert_eq!(pause(1, Some(secs(30)), secs(31), 0), None, "no run waits for ever");
        assert_eq!(pause(1, Some(secs(86_400)), secs(0), 0), None);
        assert_eq!(pause(u32::MAX, Some(Duration::MAX), Duration::MAX, 1), None);
    }
}
