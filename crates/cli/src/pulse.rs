//! Whether the decoder's process still runs at all: stopped, frozen or starved, it cannot say that
//! it is late.

use std::cell::Cell;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};
use zerohop_kernel::clock_monotonic;

/// How much longer than the decoder's own patience ours is: it knows better what it waits for.
const MARGIN: Duration = Duration::from_secs(1);

/// The other end of the decoder's standard input, to which it writes a byte twenty times a second.
#[derive(Debug)]
pub(crate) struct Pulse {
    pipe: OwnedFd,
    limit: Duration,
    /// When the last beat was heard, on `CLOCK_MONOTONIC`.
    last: Cell<Duration>,
}

impl Pulse {
    /// One that a decoder with this `timeout` is given with what it gets as its standard input.
    pub(crate) fn new(timeout: Duration) -> io::Result<(Self, Stdio)> {
        // Neither side may ever wait for the other.
        let (pipe, beat) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let last = Cell::new(clock_monotonic());
        Ok((Self { pipe, limit: timeout.saturating_add(MARGIN), last }, beat.into()))
    }

    /// Why it is to be ended, if it has not beaten for too long. To be asked often.
    pub(crate) fn gone(&self) -> Option<String> {
        let now = clock_monotonic();
        let mut beats = [0; 4096];
        // Its end is not ours to notice: then there is nothing to end.
        match rustix::io::read(&self.pipe, &mut beats) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            _ => self.last.set(now),
        }
        let silent = now.saturating_sub(self.last.get());
        (silent > self.limit).then(|| {
            format!(
                "the decoder gave no sign of life for {:.1} s, and was ended",
                silent.as_secs_f64()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use std::process::Command;
    use std::thread::sleep;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    #[test]
    fn a_process_that_is_stopped_is_noticed_and_one_that_ended_is_not() {
        let (mut pulse, beat) = Pulse::new(Duration::ZERO).unwrap();
        pulse.limit = Duration::from_millis(300);
        let script = "while :; do echo >&0; sleep 0.02; done";
        let mut child = Command::new("sh").args(["-c", script]).stdin(beat).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let wait = |pulse: &Pulse, beats: u32| {
            (0..beats).find_map(|_| {
                sleep(Duration::from_millis(20));
                pulse.gone()
            })
        };
        kill_process(pid, Signal::STOP).unwrap();
        let why = wait(&pulse, 500).unwrap();
        assert!(why.starts_with("the decoder gave no sign of life for 0."), "{why}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(wait(&pulse, 30), None);
    }
}
