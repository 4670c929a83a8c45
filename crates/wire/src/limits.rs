//! How fast a producer may talk.

use std::time::Duration;

use crate::ToHost;

/// How many messages a second are allowed: a bucket that fills at this rate up to one second's
/// worth. What stands for pictures takes one; anything else, which costs the host more, takes four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u32);

impl Rate {
    /// What a host allows. Also allows for a second's messages that waited while it was busy.
    pub const HOST: Self = Self(65_536);
    /// What our own producers keep to, well within what the host allows.
    pub const PRODUCER: Self = Self(32_768);
}

/// The bucket of a [`Rate`].
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    /// Nanoseconds' worth of messages taken, of at most one second.
    taken: u64,
    at: Duration,
}

const SECOND: u64 = 1_000_000_000;

impl Bucket {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, taken: 0, at: Duration::ZERO }
    }

    pub(crate) fn rate(&self) -> u32 {
        self.rate.0
    }

    /// Whether `message` fits at `now`.
    pub(crate) fn has_room(&self, message: &ToHost, now: Duration) -> bool {
        self.left_at(now) + self.worth(message) <= SECOND
    }

    /// Takes it.
    pub(crate) fn take(&mut self, message: &ToHost, now: Duration) {
        self.taken = self.left_at(now) + self.worth(message);
        self.at = now;
    }

    fn left_at(&self, now: Duration) -> u64 {
        let passed = now.saturating_sub(self.at).as_nanos();
        self.taken.saturating_sub(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    fn worth(&self, message: &ToHost) -> u64 {
        let weight = if matches!(message, ToHost::Frame(_) | ToHost::Kept(_)) { 1 } else { 4 };
        weight * SECOND / u64::from(self.rate.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamId;

    #[test]
    fn a_bucket_fills_again_with_time() {
        let mut bucket = Bucket::new(Rate(8));
        let close = ToHost::CloseStream { stream: StreamId(1) };
        let now = Duration::from_secs(5);
        for _ in 0..2 {
            assert!(bucket.has_room(&close, now));
            bucket.take(&close, now);
        }
        assert!(!bucket.has_room(&close, now));
        assert!(!bucket.has_room(&close, now + Duration::from_millis(499)));
        assert!(bucket.has_room(&close, now + Duration::from_millis(500)));
    }
}
