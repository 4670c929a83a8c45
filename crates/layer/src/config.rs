//! Every environment variable that a layer of ours reads, in one place. They are read once, when
//! the first one is asked for.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `ZEROHOP_SOCKET` | path of the host's socket; not heeded with raised privileges | none: nobody listens |
//! | `ZEROHOP_RATE` | virtual refresh in Hz, above 0 and at most 1000 | 60 |
//! | `ZEROHOP_LOG` | `off`, `error`, `warn`, `info` or `debug` | `warn` |
//!
//! Two more, [`ENABLE_ENVIRONMENT`] and [`DISABLE_ENVIRONMENT`], are read by the Vulkan loader.
//!
//! [`ENABLE_ENVIRONMENT`]: zerohop_manifest::ENABLE_ENVIRONMENT
//! [`DISABLE_ENVIRONMENT`]: zerohop_manifest::DISABLE_ENVIRONMENT

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use crate::log::Level;

/// What the environment asks for.
#[derive(Clone, Debug)]
pub struct Config {
    /// The host's socket, if there is to be a host.
    pub socket: Option<PathBuf>,
    /// The time from one virtual vblank to the next.
    pub refresh: Duration,
    /// The least important lines that are written.
    pub log: Level,
}

/// The configuration of this process.
pub fn get() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| Config {
        socket: std::env::var_os("ZEROHOP_SOCKET")
            .filter(|path| !path.is_empty() && !is_privileged())
            .map(Into::into),
        refresh: refresh(std::env::var("ZEROHOP_RATE").ok().as_deref()),
        log: level(std::env::var("ZEROHOP_LOG").ok().as_deref()),
    })
}

/// Whether the process has rights that whoever set the environment lacks, as a set-user-id program
/// has. Its pictures go nowhere then; the loader ignores layers from the environment likewise.
fn is_privileged() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    getuid() != geteuid() || getgid() != getegid()
}

/// A rate that is no number or out of range counts as none given.
fn refresh(rate: Option<&str>) -> Duration {
    let asked = rate.and_then(|rate| rate.trim().parse::<f64>().ok());
    let rate = asked.filter(|rate| *rate > 0.0 && *rate <= 1000.0).unwrap_or(60.0);
    // The slowest rate a double can name would overflow a `Duration`; one vblank a day is plenty.
    Duration::from_secs_f64((1.0 / rate).min(86_400.0))
}

fn level(word: Option<&str>) -> Level {
    match word {
        Some("off") => Level::Off,
        Some("error") => Level::Error,
        Some("info") => Level::Info,
        Some("debug") => Level::Debug,
        _ => Level::Warn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_out_of_range_counts_as_none() {
        assert_eq!(refresh(Some("50")), Duration::from_millis(20));
        for odd in [None, Some("0"), Some("-1"), Some("NaN"), Some("inf"), Some("fast")] {
            assert_eq!(refresh(odd), Duration::from_secs_f64(1.0 / 60.0), "{odd:?}");
        }
        assert_eq!(refresh(Some("1e-300")), Duration::from_secs(86_400));
    }
}
