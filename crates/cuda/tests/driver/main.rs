//! This room over a stand-in for NVIDIA's driver: what comes in, in which order, and what happens
//! when something goes wrong.
//!
//! Each case runs in a process of its own, since a driver is loaded and asked for errors once. Its
//! parent reads what the stand-in found: broken rules, and what was not given back.

mod buffers;
mod cases;
mod faults;
mod pictures;
mod stage;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use stage::{Case, trial};

/// Every case: what it needs besides a kernel, its name, and what runs.
const CASES: &[Case] = &[
    Case::plain("a_gpu_is_chosen_by_the_uuid_of_vulkan", cases::by_uuid),
    Case::plain("a_descriptor_is_the_drivers_once_it_is_imported", cases::ownership),
    Case::plain("a_picture_is_imported_once_and_goes_with_its_buffer", cases::once),
    Case::plain("what_does_not_fit_never_reaches_the_driver", cases::misfits),
    Case::plain("a_refused_import_is_not_tried_again", cases::latched),
    Case::plain("a_copy_waits_for_the_timeline_and_signals_the_other", cases::timelines),
    Case::plain("a_forsaken_timeline_is_not_waited_for", cases::forsaken),
    Case::plain("a_binary_semaphore_is_taken_by_its_wait", cases::binary),
    Case::plain("a_wait_for_a_dead_peer_ends_and_another_stream_can_end_it", cases::stuck),
    // 50 rings of 3 buffers. An event more is made when the last one is not seen as free yet.
    Case::plain("ten_thousand_pictures_take_what_ten_take", cases::endurance).at_most(&[
        ("cuImportExternalMemory", 150),
        ("cuExternalMemoryGetMappedMipmappedArray", 150),
        ("cuMemAllocPitch_v2", 3),
        ("cuEventCreate", 4),
        ("cuStreamCreate", 1),
    ]),
    Case::plain("streams_wait_for_each_other", cases::streams),
    Case::of_device("optimal_images_are_read_byte_for_byte", pictures::optimal),
    Case::of_device("linear_images_are_read_through_a_pointer", pictures::linear),
];

fn main() -> ExitCode {
    if let Some(code) = stage::child(CASES) {
        return code;
    }
    let mut trials: Vec<_> = CASES.iter().map(trial).collect();
    trials.extend(faults::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
