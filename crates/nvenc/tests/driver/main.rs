//! This room over stand-ins for NVIDIA's encoder and its CUDA: how they are called, what they are
//! given, and what happens when they do not want to.
//!
//! Each case runs in a process of its own, since the library is told once what it is. Its parent reads
//! what the stand-ins found: broken rules, and what was not given back.

mod cases;
mod scene;
mod stage;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use scene::{SIZE, hash_of, hash_of_region};
use stage::{Case, Look, child, trial};
use zerohop_testkit_nvenc::Journal;

const fn case(
    name: &'static str,
    behaviour: &'static str,
    run: fn() -> stage::Outcome,
    look: Look,
) -> Case {
    Case { name, behaviour, run, look }
}

/// Nothing besides the broken rules.
fn anything(_: &Journal) {}

/// 30 pictures of three images, each registered once, and equal to what was drawn.
fn thirty(journal: &Journal) {
    let wanted: Vec<_> = (0..30).map(|number| hash_of(SIZE, number % 3)).collect();
    assert_eq!(journal.hashes(1), wanted);
    assert_eq!(journal.lines("session 1 register ").count(), 3);
    let end = "session 1 destroy after 30 pictures, 3 registrations";
    assert_eq!(journal.lines(end).count(), 1, "{journal:?}");
}

fn region(journal: &Journal) {
    assert_eq!(journal.hashes(1), [hash_of_region(3)]);
}

fn resized(journal: &Journal) {
    let changes: Vec<_> = journal.lines("session 1 reconfigure ").collect();
    assert_eq!(changes.len(), 4, "{changes:?}");
    assert_eq!(changes[3], "64x64 Bits(2000000)");
    assert_eq!(journal.lines("session 2").count(), 0, "one session for all");
}

fn labelled(journal: &Journal) {
    let begun: Vec<_> = journal.lines("session 1 initialize ").collect();
    assert!(begun[0].ends_with("color 1/1/1/0 bits 8"), "{begun:?}");
}

fn srgb(journal: &Journal) {
    let begun: Vec<_> = journal.lines("session 1 initialize ").collect();
    assert!(begun[0].ends_with("color 1/13/5/0 bits 8"), "BT.601: {begun:?}");
    thirty(journal);
}

/// By period in the whole stream, and at once by one picture: of three codecs.
fn refreshed(journal: &Journal) {
    for session in 1..=3 {
        let begin = format!("session {session} initialize ");
        let begun: Vec<_> = journal.lines(&begin).collect();
        assert!(begun.len() == 1 && begun[0].contains("refresh 30/10"), "{begun:?}");
        let at_once = format!("session {session} refresh within 5 from picture 1");
        assert_eq!(journal.lines(&at_once).count(), 1, "{journal:?}");
    }
}

const CASES: &[Case] = &[
    case("arrays_are_read_where_they_were_drawn", "", cases::arrays, srgb),
    case("pointers_are_read_where_they_were_drawn", "", cases::pointers, thirty),
    case("pictures_are_on_their_way_together_and_come_in_order", "", cases::pipelined, anything),
    case("planes_of_our_own_are_read_on_the_stream", "", cases::planes, anything),
    case("a_region_of_an_array_is_cropped_on_the_stream", "", cases::cropped_array, region),
    case("a_region_of_rows_is_cropped_on_the_stream", "", cases::cropped_pointer, region),
    case("a_size_and_a_rate_change_in_place", "", cases::resizes, resized),
    case("a_chip_that_cannot_resize_says_so", "no-resize", cases::keeps_its_size, anything),
    case("every_codec_of_the_newest_api_starts", "", cases::every_codec, anything),
    case("a_library_of_12_2_is_spoken_to_in_12_1", "api=12.2", cases::between, anything),
    case("a_library_of_12_0_is_spoken_to_in_12_0", "api=12.0", cases::older, anything),
    case("a_library_of_11_1_is_spoken_to_in_11_1", "api=11.1", cases::oldest, anything),
    case("an_older_library_is_refused_with_both_versions", "api=11.0", cases::too_old, anything),
    case("ten_bits_are_what_hevc_and_av1_have", "", cases::ten_bits, anything),
    case("intra_refresh_is_asked_for_as_each_codec_has_it", "", cases::refreshes, refreshed),
    case("an_old_api_has_intra_refresh_too", "api=11.1", cases::refreshes, anything),
    case("a_gpu_without_an_encoder_is_called_one", "no-chip", cases::no_chip, anything),
    case(
        "a_codec_that_is_missing_comes_with_those_there_are",
        "codec=hevc",
        cases::one_codec,
        anything,
    ),
    case("the_limit_on_sessions_is_named", "sessions=1", cases::limit, anything),
    case("a_lost_device_ends_it_and_leaves_nothing", "lost=3", cases::lost, anything),
    case("a_chip_that_reads_no_rgb_says_so_before", "no-rgb", cases::no_rgb, anything),
    case("a_busy_chip_is_asked_again", "busy=3", cases::busy, thirty),
    case(
        "sizes_that_the_chip_has_not_are_refused_with_the_numbers",
        "most=800x600",
        cases::extents,
        anything,
    ),
    case("what_does_not_fit_never_reaches_the_library", "", cases::misfits, anything),
    case("streams_say_what_their_codes_mean", "", cases::labels, labelled),
    case(
        "a_chip_that_wants_pictures_ahead_is_refused_and_what_it_took_comes_out",
        "ahead=2",
        cases::ahead,
        anything,
    ),
    case("a_picture_is_the_chips_until_its_bitstream_comes", "slow=1", cases::slow, anything),
];

/// What is never given back, on purpose.
const STALLED: Case =
    case("a_chip_that_does_not_answer_is_not_waited_for", "stall=1", cases::stalled, anything);

fn main() -> ExitCode {
    if let Some(code) = child(CASES).or_else(|| child(&[STALLED])) {
        return code;
    }
    let mut trials: Vec<_> = CASES.iter().map(trial).collect();
    trials.push(stage::leaking(&STALLED));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
