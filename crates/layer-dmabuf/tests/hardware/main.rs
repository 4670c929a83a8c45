//! Applications under the layer, on a real driver that needs it: what leaves them is read by other
//! processes, and what comes in is read by them, to the last bit.
//!
//! Each case runs in a process of its own, with the validation layer (and synchronization
//! validation) above ours, where it sees the application, and again below, where it sees us. Any
//! message fails the case.
#![allow(unsafe_code, reason = "the cases call Vulkan")]

mod cases;
mod child;
mod mesa;
mod picture;
mod reader;

use std::env;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use zerohop_needs::absent;

use cases::Case;
use child::Place;

/// What a case ends with.
type Outcome = Result<(), zerohop_frame::BoxError>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    match &args[..] {
        [_, flag, name] if flag == child::FLAG => return child::run(name),
        [_, flag, rest @ ..] if flag == reader::FLAG => return reader::run(rest),
        _ => {}
    }
    if let Err(err) = child::install_hide() {
        eprintln!("cannot write a manifest: {err}");
        return ExitCode::FAILURE;
    }
    let places = [Place::Above, Place::Below, Place::Modified];
    let places = places.map(|place| (place, child::lacking(place)));
    let trials = places.iter().flat_map(|(place, lacking)| {
        let cases = cases::all().into_iter();
        let cases = cases.filter(|case| *place != Place::Modified || !case.of_ours);
        // Whose memory it is makes no difference to others.
        let cases = cases.filter(|case| *place == Place::Above || !case.on_cards);
        cases.map(|case| trial(case, *place, lacking.clone()))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn trial(case: Case, place: Place, lacking: Option<(&'static str, String)>) -> Trial {
    let name = match place {
        Place::Above | Place::Below => format!("{}, validated {place:?}", case.name),
        Place::Modified => format!("{}, with modifiers of the driver's", case.name),
    };
    let lacking = lacking.or_else(|| mesa::lacking().filter(|_| case.on_cards));
    Trial::ignorable_test(name, move || match lacking {
        Some((need, why)) => absent(need, &why),
        None => child::start(case.name, place)
            .map(|()| libtest_mimic::Completion::Completed)
            .map_err(|err| Failed::from(err.to_string())),
    })
}
