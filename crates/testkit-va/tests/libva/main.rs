//! The driver as programs use it: loaded by libva, for FFmpeg to decode with, and for a program
//! that exports surfaces. libva takes a display of X where a machine has no graphics card.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "the program that exports calls libva")]

mod clips;
mod exporter;

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Trial};
use zerohop_needs::absent;
use zerohop_testkit::Xvfb;

use clips::Clip;
use exporter::Exported;

/// Shapes of surfaces, as the driver's environment names them.
const SHAPES: [&[(&str, &str)]; 5] = [
    &[],
    &[("ZEROHOP_VA_STRIDE", "256"), ("ZEROHOP_VA_PADDING", "7")],
    &[("ZEROHOP_VA_OBJECTS", "planes")],
    &[("ZEROHOP_VA_OBJECTS", "planes"), ("ZEROHOP_VA_STRIDE", "1"), ("ZEROHOP_VA_PADDING", "64")],
    &[("ZEROHOP_VA_STRIDE", "2")],
];

fn main() -> ExitCode {
    if env::args().nth(1).is_some_and(|flag| flag == exporter::FLAG) {
        return exporter::run();
    }
    let trial = |name, test: fn(&Xvfb)| {
        Trial::ignorable_test(name, move || match (Xvfb::start(64, 64), lacks(name)) {
            (Ok(xvfb), None) => {
                test(&xvfb);
                Ok(Completion::Completed)
            }
            (Err(why), _) => absent("xvfb", &why.to_string()),
            (_, Some((need, why))) => absent(need, &why),
        })
    };
    let tests = vec![
        trial("ffmpeg_decodes_h264_exactly_in_every_shape", h264),
        trial("ffmpeg_decodes_jpeg_as_its_own_decoder_does", jpeg),
        trial("a_broken_stream_is_an_error_and_the_next_picture_is_whole", broken),
        trial("surfaces_are_exported_in_every_shape", exports),
        trial("lies_are_told_on_demand", lies),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// What is missing for the test of that name, and why.
fn lacks(name: &str) -> Option<(&'static str, String)> {
    if let Err(why) = clips::ffmpeg() {
        return Some(("ffmpeg", why));
    }
    // SAFETY: a library of the system, whose initialization has no demands.
    let turbojpeg = unsafe { libloading::Library::new("libturbojpeg.so.0") };
    let missing = turbojpeg.err().filter(|_| name.contains("jpeg"));
    missing.map(|why| ("turbojpeg", why.to_string()))
}

/// Makes libva load our driver in `command`, on that display.
fn with_driver<'a>(command: &'a mut Command, xvfb: &Xvfb) -> &'a mut Command {
    let library: PathBuf = env::current_exe().unwrap().with_file_name("libzerohop_drv_video.so");
    assert!(library.is_file(), "{} is not built", library.display());
    command.env("LIBVA_DRIVERS_PATH", library.parent().unwrap());
    command.env("LIBVA_DRIVER_NAME", "libzerohop").env("LIBVA_MESSAGING_LEVEL", "0");
    command.env("DISPLAY", xvfb.display())
}

fn h264(xvfb: &Xvfb) {
    for clip in [Clip::h264("352x288", 1), Clip::h264("322x182", 4), Clip::h264("16x16", 1)] {
        let expected = clip.decoded(&mut clips::command());
        assert_eq!(expected.len() % clip.picture(), 0);
        for shape in SHAPES {
            let mut command = clips::command();
            with_driver(&mut command, xvfb).envs(shape.iter().copied());
            let found = clip.decoded_by_va(&mut command, xvfb.display());
            assert!(found == expected, "{clip:?} in {shape:?}");
        }
    }
}

/// Two decoders round differently, and the standard lets them.
fn jpeg(xvfb: &Xvfb) {
    let clip = Clip::jpeg("352x288");
    let expected = clip.decoded(&mut clips::command());
    let mut command = clips::command();
    let found = clip.decoded_by_va(with_driver(&mut command, xvfb), xvfb.display());
    assert_eq!(found.len(), expected.len());
    let worst = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst <= Some(2), "{worst:?}");
}

fn broken(xvfb: &Xvfb) {
    let clip = Clip::h264("352x288", 1);
    let whole = clip.decoded(&mut clips::command());
    // A picture in the middle; the one that begins anew is the last second's first.
    let clip = clip.spoiled();
    let mut command = clips::command();
    let found = clip.decoded_by_va(with_driver(&mut command, xvfb), xvfb.display());
    let picture = clip.picture();
    assert_eq!(found.len() % picture, 0);
    assert!(found.len() > picture, "{} bytes", found.len());
    assert!(found.ends_with(&whole[whole.len() - picture..]), "the last picture");
}

fn exported(xvfb: &Xvfb, shape: &[(&str, &str)], composed: bool) -> Exported {
    let mut command = Command::new(env::current_exe().unwrap());
    command.arg(exporter::FLAG).arg(if composed { "composed" } else { "separate" });
    exporter::read(with_driver(&mut command, xvfb).envs(shape.iter().copied()))
}

fn exports(xvfb: &Xvfb) {
    for shape in SHAPES {
        for composed in [true, false] {
            let it = exported(xvfb, shape, composed);
            assert_eq!(it.layers, if composed { 1 } else { 2 }, "{shape:?}");
            let apart = shape.contains(&("ZEROHOP_VA_OBJECTS", "planes"));
            assert_eq!(it.objects.len(), if apart { 2 } else { 1 }, "{shape:?}");
            assert!(it.black, "{shape:?}: {it:?}");
            for (said, is) in it.objects {
                assert_eq!(said, is, "{shape:?}");
            }
        }
    }
    let forced = exported(xvfb, &[("ZEROHOP_VA_LAYERS", "separate")], true);
    assert_eq!(forced.layers, 2);
}

fn lies(xvfb: &Xvfb) {
    let size = exported(xvfb, &[("ZEROHOP_VA_LIE", "size")], true);
    assert_eq!(size.objects[0].0, size.objects[0].1 * 2);
    let small = exported(xvfb, &[("ZEROHOP_VA_LIE", "small")], true);
    assert!(!small.black && small.objects[0].0 == small.objects[0].1, "{small:?}");
    let modifier = exported(xvfb, &[("ZEROHOP_VA_LIE", "modifier")], true);
    assert_ne!(modifier.modifier, 0);
}
