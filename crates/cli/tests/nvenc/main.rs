//! `--encoder nvenc` from an application to a file, over stand-ins for NVIDIA's encoder and its CUDA
//! that have llvmpipe's memory.
//!
//! The application is this program, started again as `zerohop-pattern`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad;
mod good;
#[path = "../cuda/run.rs"]
#[allow(dead_code, reason = "the other tests of CUDA use all of it")]
mod run;
mod scene;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};
use zerohop_needs::absent;

use run::FLAG;
use scene::Scene;

fn main() -> ExitCode {
    if env::args_os().nth(1).is_some_and(|first| first == FLAG) {
        let name = OsString::from("zerohop-pattern");
        return zerohop_testkit::app::run([name].into_iter().chain(env::args_os().skip(2)));
    }
    let lacks = Scene::lacks();
    let trial = |name, test: fn(&Scene)| {
        let lacks = lacks.clone();
        Trial::ignorable_test(name, move || match &lacks {
            None => {
                test(&Scene::new());
                Ok(Completion::Completed)
            }
            Some((need, why)) => absent(need, why),
        })
        .with_kind("cpu")
    };
    let tests = vec![
        trial("the_encoder_reads_what_was_drawn_and_nothing_is_copied", good::direct),
        trial("a_timeline_is_waited_for_on_the_stream_of_the_encoder", good::timelines),
        trial("a_resize_is_a_change_of_the_same_session", good::resizes),
        trial("ten_bits_stay_ten_bits_in_hevc", good::deep),
        trial("other_codecs_are_boxed_as_what_they_are", good::codecs),
        trial("a_format_that_the_chip_does_not_read_is_converted_and_copied_once", good::converted),
        trial("ten_bits_that_the_chip_does_not_read_are_converted_to_ten", good::converted_deep),
        trial("the_gpu_that_draws_is_the_one_that_encodes", good::elsewhere),
        trial("a_gpu_that_draws_and_cannot_encode_has_another_do_it", bad::only_elsewhere),
        trial("converted_pictures_that_cuda_refuses_go_by_way_of_the_host", bad::refused_rows),
        trial("rates_and_presets_reach_the_chip", good::rates),
        trial("key_pictures_are_counted_where_that_is_asked_for", good::counted),
        trial("a_region_that_alone_keeps_changing_has_an_encoder_of_its_own", good::region),
        trial("a_killed_recorder_leaves_a_file_that_plays", bad::killed),
        trial("a_gpu_without_an_encoder_falls_back_with_one_line", bad::falls_back),
        trial("an_encoder_that_was_named_is_taken_or_nothing_starts", bad::forced),
        trial("a_device_that_is_lost_ends_the_recording_with_one_line", bad::lost),
        trial("a_chip_that_reads_no_drawn_picture_after_all_gets_converted_ones", bad::refused),
        trial("pictures_too_small_for_the_chip_are_left_out_and_said", bad::small),
        trial("software_makes_no_hevc_and_says_what_does", bad::no_hevc),
    ];
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, tests).exit_code()
}
