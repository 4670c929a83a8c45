//! What it costs a thread to be woken at all.

use std::os::unix::net::UnixDatagram;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::time::{ClockId, clock_gettime};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The processor's time, for each message, of a thread that sleeps, is woken by one, answers it and
/// sleeps again, `rate` times a second: no host can do with less. On virtual machines that is far more
/// than on others.
///
/// # Errors
///
/// No sockets, no thread, no answer.
pub(crate) fn cost(rate: u32, messages: u32) -> Result<Duration> {
    let (here, there) = UnixDatagram::pair().context("make a pair of sockets")?;
    for socket in [&here, &there] {
        socket.set_read_timeout(Some(PATIENCE)).context("set a time limit")?;
    }
    let answers = thread::spawn(move || answer(&there, messages));
    let (begin, period) = (Instant::now(), Duration::from_secs(1) / rate);
    for message in 0..messages {
        thread::sleep((begin + period * message).saturating_duration_since(Instant::now()));
        here.send(&[0]).context("send a message")?;
        here.recv(&mut [0]).context("hear the answer")?;
    }
    let used = answers.join().map_err(|_| anyhow!("the thread that answers has panicked"))??;
    Ok(used / messages)
}

fn answer(socket: &UnixDatagram, messages: u32) -> Result<Duration> {
    let used = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let before = used();
    for _ in 0..messages {
        socket.recv(&mut [0]).context("hear a message")?;
        socket.send(&[0]).context("answer it")?;
    }
    Ok(used().saturating_sub(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_costs_something() {
        let each = cost(1000, 20).unwrap();
        assert!(each > Duration::ZERO && each < Duration::from_secs(1), "{each:?}");
    }
}
