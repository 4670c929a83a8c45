//! `--to …,view=cuda` from an application to a file, over a stand-in for NVIDIA's driver that has
//! llvmpipe's memory.
//!
//! The application and the checker are this program, started again as `zerohop-pattern`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad;
mod good;
mod liar;
mod run;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};
use zerohop_needs::absent;

use run::{FLAG, LIAR, Lack, Stage};

/// Runs an application, if that is what this program was started as.
fn application() -> Option<ExitCode> {
    let first = env::args_os().nth(1)?;
    if first == LIAR {
        return Some(liar::main());
    }
    let name = OsString::from("zerohop-pattern");
    let arguments = || [name].into_iter().chain(env::args_os().skip(2));
    (first == FLAG).then(|| zerohop_testkit::app::run(arguments()))
}

fn main() -> ExitCode {
    if let Some(done) = application() {
        return done;
    }
    let lacks = Stage::lacks();
    let of = |lacks: &Option<Lack>, name, test: fn(&Stage)| {
        let lacks = lacks.clone();
        Trial::ignorable_test(name, move || match &lacks {
            None => {
                test(&Stage::new());
                Ok(Completion::Completed)
            }
            Some((need, why)) => absent(need, why),
        })
        .with_kind("cpu")
    };
    let trial = |name, test| of(&lacks, name, test);
    let with_cube = lacks.clone().or_else(good::lacks_vkcube);
    let no_driver = lacks.clone().or_else(bad::has_driver);
    let tests = vec![
        trial("every_picture_is_what_cuda_sees_of_it", good::pictures),
        trial("cuda_sees_what_vulkan_sees", good::checksums),
        trial("an_optimal_image_is_an_array", good::optimal),
        trial("the_device_waits_for_a_timeline", good::timelines),
        trial("nothing_is_read_where_nobody_reads", good::nothing_read),
        of(&with_cube, "vkcube_is_seen_too", good::vkcube),
        trial("ten_thousand_pictures_grow_nothing", good::endurance),
        trial("the_doctor_knows_which_gpu_is_which_device", good::doctor),
        trial("a_killed_application_leaves_nothing_in_cuda", bad::killed),
        trial("an_application_that_lies_costs_its_own_pictures_and_no_more", liar::lies),
        trial("a_lost_context_ends_the_run_with_one_line", bad::lost),
        trial("a_refused_import_makes_the_gpu_copy_and_says_so", bad::refused),
        trial("where_no_way_works_one_line_says_why", bad::nothing_works),
        trial("a_gpu_that_cuda_does_not_know_is_named", bad::stranger),
        of(&no_driver, "without_nvidias_driver_nothing_is_started", bad::no_driver),
    ];
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, tests).exit_code()
}
