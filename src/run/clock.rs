//! Real time, and compressed time for the sandbox.

use std::time::Duration;

use crate::apply::Clock;

/// The day that it is, in UTC: waivers end everywhere at once.
#[must_use]
pub fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// The system's clock. `speed` divides every wait: 1 outside the sandbox.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    speed: u32,
}

impl SystemClock {
    #[must_use]
    pub fn real() -> Self {
        Self { speed: 1 }
    }

    /// For simulators that deliver in milliseconds what takes Databricks minutes. At least 1.
    #[must_use]
    pub fn compressed(speed: u32) -> Self {
        Self { speed: speed.max(1) }
    }

    /// How long a wait takes by this clock.
    #[must_use]
    pub fn scaled(&self, duration: Duration) -> Duration {
        duration / self.speed
    }
}

impl Clock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(self.scaled(duration)).await;
    }
}
