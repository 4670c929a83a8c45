//! Every environment variable that a layer of ours reads, in one place. They are read once, when
//! the first one is asked for.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `ZEROHOP_SOCKET` | path of the host's socket; not heeded with raised privileges | none: nobody listens |
//! | `ZEROHOP_RATE` | virtual refresh in Hz, above 0 and at most 1000 | 60 |
//! | `ZEROHOP_PHASE` | by which part of a refresh the virtual vblanks are later than the multiples of it on `CLOCK_MONOTONIC`, from 0 up to 1 | 0 |
//! | `ZEROHOP_WSI` | whose surfaces and swapchains: `auto`, `always` ours, `never` ours | `auto` |
//! | `ZEROHOP_DMABUF` | whether `layer-dmabuf` takes dma-bufs over from a driver: `auto` where it cannot by itself, `always`, `never` | `auto` |
//! | `ZEROHOP_DISPLAY` | what `VK_KHR_display` finds: `auto` (the host's display, else the driver's, else the screens of this machine), `none` of ours, or screens as in `/dev/dri/card0,connector=DP-1`; not heeded with raised privileges | `auto` |
//! | `ZEROHOP_TRACE` | where `layer-wsi` writes what happens to pictures, with `.PID` behind it; not heeded with raised privileges | none |
//! | `ZEROHOP_LOG` | `off`, `error`, `warn`, `info` or `debug` | `warn` |
//!
//! Two more for each layer, [`enable_environment`] and [`disable_environment`], are read by the Vulkan
//! loader.
//!
//! [`enable_environment`]: zerohop_manifest::Layer::enable_environment
//! [`disable_environment`]: zerohop_manifest::Layer::disable_environment

use std::ffi::OsString;
use std::fmt::Arguments;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

pub use zerohop_manifest::Takeover;
use zerohop_manifest::WSI_VARIABLE;

use crate::log::{Level, write};

/// The time between two vblanks at 60 Hz.
const DEFAULT: Duration = Duration::from_nanos(16_666_667);

/// What the environment asks for.
#[derive(Clone, Debug)]
pub struct Config {
    /// The host's socket, if there is to be a host.
    pub socket: Option<PathBuf>,
    /// Which displays an application finds, in words.
    pub display: Option<String>,
    /// The time from one virtual vblank to the next.
    pub refresh: Duration,
    /// By which part of it vblanks are later than its multiples, from 0 up to 1.
    pub phase: f64,
    /// Whether our surfaces and swapchains take the place of a driver's.
    pub wsi: Takeover,
    /// Whether dma-bufs are taken over from the driver.
    pub dmabuf: Takeover,
    /// What the names of traces begin with, if there are to be traces.
    pub trace: Option<PathBuf>,
    /// The least important lines that are written.
    pub log: Level,
}

/// The configuration of this process.
pub fn get() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| read(|name| std::env::var_os(name)))
}

fn read(variable: impl Fn(&str) -> Option<OsString>) -> Config {
    let given = |name| variable(name).filter(|value| !value.is_empty());
    let text = |name| given(name).map(|value| value.to_string_lossy().into_owned());
    let log = level(text("ZEROHOP_LOG").as_deref());
    let refresh = text("ZEROHOP_RATE").map_or(Ok(DEFAULT), |rate| refresh(&rate).ok_or(rate));
    let refresh = refresh.unwrap_or_else(|rate| {
        warn(log, format_args!("no rate above 0 and at most 1000 Hz, so 60: ZEROHOP_RATE={rate}"));
        DEFAULT
    });
    let phase = text("ZEROHOP_PHASE").map_or(Ok(0.0), |part| phase(&part).ok_or(part));
    let phase = phase.unwrap_or_else(|part| {
        warn(log, format_args!("no part from 0 up to 1, so 0: ZEROHOP_PHASE={part}"));
        0.0
    });
    let socket = given("ZEROHOP_SOCKET").filter(|_| !is_privileged());
    let trace = given("ZEROHOP_TRACE").filter(|_| !is_privileged()).map(Into::into);
    let display = text("ZEROHOP_DISPLAY").filter(|_| !is_privileged());
    let takeover = |variable: &'static str| {
        let Some(word) = text(variable) else { return Takeover::Auto };
        Takeover::parse(&word).unwrap_or_else(|| {
            warn(log, format_args!("not auto, always or never, so auto: {variable}={word}"));
            Takeover::Auto
        })
    };
    let (wsi, dmabuf) = (takeover(WSI_VARIABLE), takeover("ZEROHOP_DMABUF"));
    Config { socket: socket.map(Into::into), display, refresh, phase, wsi, dmabuf, trace, log }
}

/// Not by way of `log`, which asks for the configuration that we are about to make.
fn warn(log: Level, what: Arguments<'_>) {
    if log >= Level::Warn {
        write(what);
    }
}

/// Whether the process has rights that whoever set the environment lacks, as a set-user-id program
/// has. Its pictures go nowhere then; the loader ignores layers from the environment likewise.
fn is_privileged() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    getuid() != geteuid() || getgid() != getegid()
}

/// The time between two vblanks at `rate` Hz. `None`: no number, or out of range.
fn refresh(rate: &str) -> Option<Duration> {
    let rate = rate.trim().parse::<f64>().ok().filter(|rate| *rate > 0.0 && *rate <= 1000.0)?;
    // The slowest rate a double can name would overflow a `Duration`; one vblank a day is plenty.
    Some(Duration::from_secs_f64((1.0 / rate).min(86_400.0)))
}

/// A part of a whole. `None`: no number, or out of range.
fn phase(part: &str) -> Option<f64> {
    part.trim().parse().ok().filter(|part| (0.0..1.0).contains(part))
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
        assert_eq!(refresh("50"), Some(Duration::from_millis(20)));
        for odd in ["0", "-1", "NaN", "inf", "fast", "1001"] {
            assert_eq!(refresh(odd), None, "{odd:?}");
        }
        assert_eq!(refresh("1e-300"), Some(Duration::from_secs(86_400)));
        let odd = read(|name| (name == "ZEROHOP_RATE").then(|| "fast".into()));
        assert_eq!(odd.refresh, DEFAULT);
    }

    #[test]
    fn a_phase_out_of_range_counts_as_none() {
        assert_eq!((phase("0"), phase(" 0.75 ")), (Some(0.0), Some(0.75)));
        for odd in ["1", "-0.1", "NaN", "inf", "late"] {
            assert_eq!(phase(odd), None, "{odd:?}");
        }
        let odd = read(|name| (name == "ZEROHOP_PHASE").then(|| "late".into()));
        assert!(odd.phase.abs() < f64::EPSILON);
    }

    #[test]
    fn an_unknown_word_takes_nothing_over_by_force() {
        let with =
            |word: &'static str| read(move |name| (name == "ZEROHOP_DMABUF").then(|| word.into()));
        assert_eq!(with("never").dmabuf, Takeover::Never);
        assert_eq!(with("always").dmabuf, Takeover::Always);
        assert_eq!(with("yes").dmabuf, Takeover::Auto);
        let wsi = |word: &'static str| read(|name| (name == WSI_VARIABLE).then(|| word.into())).wsi;
        assert_eq!((wsi("never"), wsi("often")), (Takeover::Never, Takeover::Auto));
    }

    #[test]
    fn nothing_is_asked_for_by_an_empty_environment() {
        let config = read(|_| None);
        assert_eq!((config.socket, config.refresh, config.log), (None, DEFAULT, Level::Warn));
        assert_eq!(read(|_| Some(OsString::new())).socket, None);
    }
}
