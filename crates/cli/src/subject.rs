//! Whose pictures a session takes, and what it means when that ends.

use std::ffi::OsString;

use rustix::process::WaitStatus;
use zerohop_pipeline::Application;

use crate::application;
use crate::failure::Failure;
use crate::films::Films;

/// The program that makes the pictures.
#[derive(Debug)]
pub(crate) enum Subject {
    /// An application, by its command line.
    Application(Vec<OsString>),
    /// Our decoder.
    Decoder(Films),
}

impl Subject {
    /// What each track is of, for the report: the application, or a film.
    pub(crate) fn applications(&self, status: Option<WaitStatus>) -> Vec<Application> {
        let whole = |command: &[OsString]| Application {
            command: command.iter().map(|one| one.to_string_lossy().into()).collect(),
            exit_code: status.and_then(WaitStatus::exit_status),
            signal: status.and_then(WaitStatus::terminating_signal),
        };
        match self {
            Self::Application(command) => vec![whole(command)],
            Self::Decoder(films) => {
                let inputs = films.inputs.iter().map(std::slice::from_ref);
                let known = |film| films.exit_code_of(film);
                let of = |(film, input)| match known(film) {
                    Some(code) => {
                        Application { exit_code: Some(code), signal: None, ..whole(input) }
                    }
                    None => whole(input),
                };
                inputs.enumerate().map(of).collect()
            }
        }
    }

    /// Whether it must be ended because it does not run any more.
    pub(crate) fn is_gone(&mut self) -> bool {
        if let Self::Decoder(films) = self { films.is_gone() } else { false }
    }

    /// The exit code of ours when the program ended so by itself, and what is to be said.
    pub(crate) fn ended(&self, status: WaitStatus) -> (u8, Vec<Failure>) {
        match self {
            Self::Application(command) => {
                let said = status.terminating_signal().map(|signal| {
                    let what = command[0].to_string_lossy();
                    let todo = "see its own messages; what was recorded before is kept";
                    Failure::new(what, format!("signal {signal} ended it"), todo)
                });
                (application::code(status), said.into_iter().collect())
            }
            Self::Decoder(films) => films.ended(status),
        }
    }

    /// What of it has failed already, while the rest went on.
    pub(crate) fn failed(&self) -> Vec<Failure> {
        if let Self::Decoder(films) = self { films.failed() } else { Vec::new() }
    }
}
