//! Who finds out that a picture equals the one before it.

use std::fmt;

use serde::Serialize;
use zerohop_frame::Frame;
use zerohop_passes::Verdict;

use crate::{Counts, Measurements};

/// So many pictures that equal the one before, in a row, are a stream that stands still.
const RUN: u64 = 4;

/// After so many more its maker is asked again: it may have stopped to look for a reason of its own.
const AGAIN: u64 = 256;

/// Who looks at the pictures of a stream that stands still. A host that is woken by a picture pays for that
/// whatever it finds; an application that looks itself pays for the looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The host looks at every picture, and why that is so.
    Host(&'static str),
    /// The application is asked to.
    Application,
    /// The application is asked to where it draws on a GPU. On a device that is a CPU the host is faster.
    ApplicationOnGpu,
}

/// Follows how long a stream stands still, and asks its maker in each such time, now and then if pictures
/// keep coming.
#[derive(Debug)]
pub(crate) struct Stillness {
    look: Look,
    /// Pictures in a row that equal the one before.
    run: u64,
}

impl Stillness {
    pub(crate) fn new(look: Look) -> Self {
        Self { look, run: 0 }
    }

    /// Why the host looks at every picture of a device; `None` where the application may.
    pub(crate) fn host_looks(&self, on_cpu: bool) -> Option<&'static str> {
        match self.look {
            Look::Host(why) => Some(why),
            Look::ApplicationOnGpu if on_cpu => {
                Some("the device is a CPU, which reads pictures in place")
            }
            Look::Application | Look::ApplicationOnGpu => None,
        }
    }

    /// Notes what `frame` was worth, and asks its maker when it is time. For streams whose makers may look.
    pub(crate) fn note(&mut self, frame: &Frame, verdict: &Verdict, measurements: &Measurements) {
        self.run = match verdict {
            Verdict::Unchanged => self.run + 1,
            _ => 0,
        };
        if self.run >= RUN && (self.run - RUN).is_multiple_of(AGAIN) {
            frame.say_still(true);
            measurements.asked();
        }
    }

    /// Notes that `frame` came to nothing: the next one must come, changed or not.
    pub(crate) fn lost(&mut self, frame: &Frame) {
        self.run = 0;
        frame.say_still(false);
    }
}

/// Who looked at the pictures of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// How often the application was asked to, as its stream stood still.
    asked: u64,
    /// Pictures that it found to equal the one before, and kept.
    kept: u64,
    /// Why it was not to be asked; `null` where it was.
    host_because: Option<&'static str>,
}

impl Looked {
    pub(crate) fn of(counts: &Counts, host_because: Option<&'static str>) -> Self {
        Self { asked: counts.asked, kept: counts.kept, host_because }
    }
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, kept, host_because } = self;
        match (asked, kept, host_because) {
            (0, 0, Some(why)) => write!(f, "the host: {why}"),
            (0, 0, None) => write!(f, "the host: the application's pictures never stood still"),
            (_, 0, _) => write!(f, "the host: the application was asked ({asked}), and kept none"),
            _ => write!(
                f,
                "the host, and the application while it stood still (asked {asked}), which kept {kept}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_says_who_looked() {
        let said = |asked, kept, why| {
            let counts = Counts { asked, kept, ..Counts::default() };
            Looked::of(&counts, why).to_string()
        };
        assert_eq!(said(0, 0, Some("--look host says so")), "the host: --look host says so");
        assert!(said(0, 0, None).ends_with("never stood still"));
        assert!(said(2, 0, None).ends_with("was asked (2), and kept none"));
        assert!(said(2, 7, None).ends_with("(asked 2), which kept 7"));
    }
}
