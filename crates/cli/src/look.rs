//! Who looks at pictures that stand still, as `--look` says and what the pictures are for allows.

use clap::ValueEnum;
use zerohop_pipeline::Look;

use crate::args::Capture;
use crate::failure::Failure;
use crate::to::To;

/// `--look`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Looker {
    /// The application where it draws on a GPU and nothing needs each picture, else the host
    #[default]
    Auto,
    /// The host looks at every picture
    Host,
    /// The application, once four pictures in a row were the same
    Application,
}

impl Looker {
    /// Who looks in a run to `places`, as `options` say.
    ///
    /// # Errors
    ///
    /// The application is named, and each picture is needed.
    pub(crate) fn decide(self, places: &[To], options: &Capture) -> Result<Look, Failure> {
        let each = needs_each(places);
        match (self, each) {
            (Self::Host, _) => Ok(Look::Host("--look host says so")),
            (Self::Application, Some(why)) => {
                let todo = "leave --look away, or write to files that take what changed";
                Err(Failure::new("--look application", why, todo))
            }
            (Self::Application, None) => Ok(Look::Application),
            (Self::Auto, Some(why)) => Ok(Look::Host(why)),
            // Kept pictures are told of once a second.
            (Self::Auto, None) if options.frames.is_some() => {
                Ok(Look::Host("--frames ends at the very picture"))
            }
            (Self::Auto, None) if options.trace.is_some() => {
                Ok(Look::Host("--trace follows every picture"))
            }
            (Self::Auto, None) => Ok(Look::ApplicationOnGpu),
        }
    }
}

/// Which of the places needs each picture, changed or not, if any does.
fn needs_each(places: &[To]) -> Option<&'static str> {
    if places.iter().any(To::is_screen) {
        return Some("a screen shows every picture");
    }
    if places.iter().any(To::is_by_cuda) {
        return Some("CUDA sees every picture");
    }
    places.iter().any(To::wants_all).then_some("every picture is written as it came")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Arguments, Command};

    fn decided(arguments: &str) -> Result<Look, String> {
        let words = format!("zerohop run {arguments} -- true");
        let Command::Run(run) = Arguments::parse_from(words.split_whitespace()).command else {
            panic!("a run");
        };
        run.look.decide(&run.places(), &run.capture).map_err(|err| err.to_string())
    }

    #[test]
    fn the_application_looks_where_nobody_needs_each_picture() {
        assert_eq!(decided("-o a.mp4"), Ok(Look::ApplicationOnGpu));
        assert_eq!(decided("--look application --frames 9"), Ok(Look::Application));
        assert_eq!(decided("--look host"), Ok(Look::Host("--look host says so")));
        for (each, why) in [
            ("--png a", "every picture is written as it came"),
            ("--to checksum:a --to mp4:b", "every picture is written as it came"),
            ("--to null,view=cuda", "CUDA sees every picture"),
            ("--to kms", "a screen shows every picture"),
        ] {
            assert_eq!(decided(each), Ok(Look::Host(why)), "{each}");
            let refused = decided(&format!("{each} --look application")).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
        assert_eq!(decided("--frames 9"), Ok(Look::Host("--frames ends at the very picture")));
        assert_eq!(decided("--trace a"), Ok(Look::Host("--trace follows every picture")));
    }
}
