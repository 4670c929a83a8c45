//! Files played and probed: what comes out equals what ffmpeg makes of the same file, and what
//! cannot be played is said in one line.
//!
//! The clips are made here, by ffmpeg's own sources. Each test says what it needs.
//!
//! Long because every way in which a file can be odd is a test of a few lines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "play/films.rs"]
mod films;
#[path = "play/paths.rs"]
mod paths;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;
use zerohop_needs::absent;
use zerohop_testkit::Xvfb;
use zerohop_vulkan::{DeviceChoice, DeviceKind, Instance, InstanceOptions};

const ZEROHOP: &str = env!("CARGO_BIN_EXE_zerohop");

// Long because it is the list.
fn main() -> ExitCode {
    let trial = |name: String, test: Box<dyn FnOnce() + Send>| {
        Trial::ignorable_test(name, move || {
            if let Some(lacks) = lacks() {
                return lacks;
            }
            test();
            Ok(Completion::Completed)
        })
        .with_kind("decoder")
    };
    let named = |name: &str, test: fn()| trial(name.to_owned(), Box::new(test));
    let mut tests = vec![
        named("a_clip_from_the_middle_is_ffmpegs_from_there", seeking),
        named("pictures_that_change_their_size_are_ffmpegs", resizing),
        named("a_clip_that_is_cut_off_gives_what_ffmpeg_gets_of_it", cut_off),
        named("a_clip_with_noise_in_it_gives_what_ffmpeg_gets_of_it", noisy),
        named("ten_hours_into_its_time_a_clip_is_the_same", late),
        named("a_clip_whose_sound_begins_first_is_ffmpegs", with_sound),
        named("pictures_without_a_steady_rate_have_ffmpegs_times", unsteady),
        named("a_clip_again_and_again_counts_on", again),
        named("in_real_time_a_clip_lasts_as_long_as_it_is", in_real_time),
        named("every_surface_is_announced_once", once),
        named("the_luma_of_a_clip_is_ffmpegs", luma),
        named("a_clip_becomes_files_through_the_passes", files),
        named("palettes_and_bits_become_what_ffmpeg_makes_of_them", expanded),
        named("pictures_in_ffmpegs_own_vulkan_images_are_handed_over_by_one_copy", uploaded),
        named("the_memory_that_a_device_copies_to_is_announced_once", uploaded_once),
        named("odd_files_through_memory_of_vulkan_are_ffmpegs", paths::odd_in_vulkan),
        named("a_url_is_played_and_one_that_does_not_answer_is_given_up", paths::url),
        named("what_is_no_video_is_refused_in_one_line", refused),
        named("a_file_that_does_not_answer_is_given_up", silent),
        named("a_decoder_that_is_stopped_is_ended", stopped),
        named("a_decoder_that_crashes_is_named_and_nothing_else_ends", crash),
        named("a_probe_of_what_crashes_goes_on_with_the_other_ways", probe_crash),
        named("several_films_are_each_ffmpegs_and_one_that_is_broken_is_named", films::together),
        named("what_each_of_several_films_has_for_itself_has_its_number", films::numbered),
        named("of_several_films_one_that_does_not_answer_is_given_up_alone", films::silent),
        named("several_films_whose_decoder_is_killed_are_each_named", films::killed),
        named("a_film_that_failed_is_named_also_when_a_limit_ends_the_others", films::limited),
        named("a_probe_says_what_works_and_why_the_rest_does_not", probe),
    ];
    let vaapi = |name: &str, test: fn(&Vaapi)| {
        let name = name.to_owned();
        Trial::ignorable_test(name, move || match (lacks(), Vaapi::start()) {
            (Some(lacks), _) | (None, Err(lacks)) => lacks,
            (None, Ok(vaapi)) => {
                test(&vaapi);
                Ok(Completion::Completed)
            }
        })
        .with_kind("vaapi")
    };
    tests.push(vaapi("surfaces_of_every_shape_are_ffmpegs_pictures", surfaces));
    tests.push(vaapi("pictures_that_begin_within_their_surface_are_ffmpegs", within));
    tests.push(vaapi("odd_files_by_vaapi_are_ffmpegs", paths::odd_by_vaapi));
    tests
        .push(vaapi("a_clip_with_noise_by_vaapi_is_what_ffmpeg_gets_of_it", paths::noisy_by_vaapi));
    for (name, test) in [
        ("profiles_by_vaapi_are_ffmpegs_in_order_and_depth", paths::profiles as fn(&Vaapi)),
        ("surfaces_with_three_planes_are_what_ffmpeg_downloads", paths::planar),
    ] {
        tests.push(
            Trial::ignorable_test(name, move || match (lacks(), Vaapi::start()) {
                (Some(lacks), _) | (None, Err(lacks)) => lacks,
                (None, Ok(vaapi)) => paths::lacks_profiles(&vaapi).unwrap_or_else(|| {
                    test(&vaapi);
                    Ok(Completion::Completed)
                }),
            })
            .with_kind("vaapi"),
        );
    }
    tests.push(vaapi("a_surface_is_imported_once_and_never_copied", imports));
    tests.push(
        Trial::ignorable_test("surfaces_in_dma_bufs_are_read_where_they_lie", || {
            if !Path::new("/dev/udmabuf").exists() {
                return absent("dma_buf", "there is no /dev/udmabuf");
            }
            match (lacks(), Vaapi::start()) {
                (Some(lacks), _) | (None, Err(lacks)) => lacks,
                (None, Ok(vaapi)) => {
                    in_dma_bufs(&vaapi);
                    Ok(Completion::Completed)
                }
            }
        })
        .with_kind("vaapi"),
    );
    tests.push(vaapi("surfaces_of_several_films_are_each_ffmpegs", films::by_vaapi));
    tests.push(vaapi("surfaces_of_another_round_are_not_taken_for_the_old_ones", rounds));
    tests.push(vaapi("rows_are_forced_by_a_copy_that_is_reported", forced));
    tests.push(vaapi("a_driver_that_lies_is_refused_with_its_numbers", lies));
    tests.push(
        Trial::ignorable_test("pictures_in_memory_of_cuda_are_handed_over_by_one_copy", || match (
            lacks(),
            StandIn::install(),
        ) {
            (Some(lacks), _) | (None, Err(lacks)) => lacks,
            (None, Ok(cuda)) => {
                in_cuda(&cuda);
                Ok(Completion::Completed)
            }
        })
        .with_kind("cuda"),
    );
    tests.push(
        Trial::ignorable_test("odd_files_through_memory_of_cuda_are_ffmpegs", || {
            match (lacks(), StandIn::install()) {
                (Some(lacks), _) | (None, Err(lacks)) => lacks,
                (None, Ok(cuda)) => {
                    paths::odd_in_cuda(&cuda);
                    Ok(Completion::Completed)
                }
            }
        })
        .with_kind("cuda"),
    );
    tests.push(
        Trial::ignorable_test("several_films_in_one_context_of_cuda_are_each_ffmpegs", || {
            match (lacks(), StandIn::install()) {
                (Some(lacks), _) | (None, Err(lacks)) => lacks,
                (None, Ok(cuda)) => {
                    films::in_cuda(&cuda);
                    Ok(Completion::Completed)
                }
            }
        })
        .with_kind("cuda"),
    );
    for clip in CLIPS {
        let name = format!("{}_in_{}_is_ffmpegs", clip.0, clip.1);
        tests.push(trial(name, Box::new(move || format(clip))));
    }
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// What is missing for these tests, as their result.
fn lacks() -> Option<Result<Completion, Failed>> {
    if let Err(err) = Command::new("ffmpeg").arg("-version").output() {
        return Some(absent("ffmpeg", &err.to_string()));
    }
    let decoder = Path::new(ZEROHOP).with_file_name("zerohop-decode");
    (!decoder.is_file()).then(|| absent("decoder", "zerohop-decode is not built"))
}

/// The VA-API driver of our own, which decodes on the CPU, and the display that libva asks for.
struct Vaapi {
    xvfb: Xvfb,
    folder: PathBuf,
}

impl Vaapi {
    fn start() -> Result<Self, Result<Completion, Failed>> {
        let folder = Path::new(ZEROHOP).parent().unwrap().to_owned();
        let there = |folder: &PathBuf| folder.join("libzerohop_drv_video.so").is_file();
        let folders = [folder.clone(), folder.join("deps")];
        let folder = folders.into_iter().find(there);
        let folder = folder.ok_or_else(|| absent("vaapi", "zerohop-testkit-va is not built"))?;
        let xvfb = Xvfb::start(64, 64).map_err(|err| absent("xvfb", &err.to_string()))?;
        Ok(Self { xvfb, folder })
    }

    /// Plays a clip with it, in the shape that `environment` says.
    fn play(&self, clip: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
        let mut zerohop = Command::new(ZEROHOP);
        zerohop.arg("play").arg(clip).args(["--decode", "vaapi", "--device", self.xvfb.display()]);
        zerohop.args(arguments).envs(environment.iter().copied());
        zerohop.env("LIBVA_DRIVERS_PATH", &self.folder).env("LIBVA_DRIVER_NAME", "libzerohop");
        zerohop.env("DISPLAY", self.xvfb.display()).env_remove("ZEROHOP_DECODER");
        zerohop.output().unwrap()
    }
}

/// A driver of CUDA without a GPU, in which FFmpeg's own CUDA opens, for the memory of llvmpipe.
struct StandIn {
    folder: TempDir,
    uuid: String,
}

impl StandIn {
    fn install() -> Result<Self, Result<Completion, Failed>> {
        let folder = tempfile::tempdir().unwrap();
        let programs = Path::new(ZEROHOP).parent().unwrap();
        let made = [programs.to_owned(), programs.join("deps")];
        let library = made.map(|folder| folder.join("libzerohop_testkit_cuda.so"));
        let library = library.into_iter().find(|library| library.is_file());
        let library = library.ok_or_else(|| absent("cuda", "zerohop-testkit-cuda is not built"))?;
        std::os::unix::fs::symlink(library, folder.path().join("libcuda.so.1")).unwrap();
        let device = Instance::new(InstanceOptions::default())
            .and_then(|instance| DeviceChoice::Any.pick(&instance))
            .map_err(|err| absent("device", &err.to_string()))?;
        if device.kind() != DeviceKind::Cpu {
            return Err(absent("cuda", "the stand-in takes memory of a CPU device only"));
        }
        let uuid = device.id().device_uuid.map(|byte| format!("{byte:02x}")).concat();
        Ok(Self { folder, uuid })
    }

    /// Plays a clip through it. Returns what was printed, and its report: a word and a number in
    /// each line, and broken rules.
    fn play(&self, clip: &Path, arguments: &[&str]) -> (String, String) {
        let report = self.folder.path().join("report");
        let mut zerohop = Command::new(ZEROHOP);
        zerohop.arg("play").arg(clip).args(["--decode", "software", "--upload", "cuda"]);
        zerohop.args(arguments).env_remove("ZEROHOP_DECODER");
        zerohop.env("LD_LIBRARY_PATH", self.folder.path()).env("ZEROHOP_CUDA_PAGEABLE", "1");
        zerohop.env("ZEROHOP_CUDA_UUIDS", &self.uuid).env("ZEROHOP_CUDA_REPORT", &report);
        let output = zerohop.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        (String::from_utf8(output.stdout).unwrap(), fs::read_to_string(report).unwrap())
    }
}

/// FFmpeg's CUDA, our copy and Vulkan's memory, over a driver that checks every call. The decoder is
/// FFmpeg's on the CPU.
fn in_cuda(cuda: &StandIn) {
    let stage = Stage::new();
    for (name, arguments) in [
        ("clip.mp4", &["-c:v", "libx264", "-pix_fmt", "yuv420p"]),
        ("nv12.nut", &["-c:v", "rawvideo", "-pix_fmt", "nv12"]),
        ("444.nut", &["-c:v", "rawvideo", "-pix_fmt", "yuv444p"]),
    ] {
        let clip = stage.clip(name, arguments);
        let (sums, report) = cuda.play(&clip, &["--to", "checksum"]);
        same(&ffmpegs(&[], &clip), &sums, 25);
        let odd: Vec<_> = report.lines().filter(|line| !is_usual(line)).collect();
        assert!(odd.is_empty(), "{odd:#?}");
    }
}

/// Whether a line of the stand-in's report only counts, and nothing that is left.
fn is_usual(line: &str) -> bool {
    let counts = ["copied ", "call ", "most ", "live 0 "];
    counts.iter().any(|words| line.starts_with(words))
}

/// What that driver decodes.
const BASELINE: [&str; 6] = ["-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p"];

/// What it is, how it is kept, and how ffmpeg makes it.
type Clip = (&'static str, &'static str, &'static [&'static str]);

const X264: [&str; 4] = ["-c:v", "libx264", "-preset", "ultrafast"];
const X265: [&str; 6] =
    ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=none"];

const CLIPS: &[Clip] = &[
    ("h264", "mp4", &["-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p"]),
    ("h264_full_range", "mkv", &[X264[0], X264[1], "-pix_fmt", "yuvj420p"]),
    ("h264_422", "mp4", &[X264[0], X264[1], X264[2], X264[3], "-pix_fmt", "yuv422p"]),
    ("h264_444", "mp4", &[X264[0], X264[1], X264[2], X264[3], "-pix_fmt", "yuv444p"]),
    ("h264_10_bits", "ts", &[X264[0], X264[1], X264[2], X264[3], "-pix_fmt", "yuv420p10le"]),
    ("h264_422_10_bits", "mkv", &[X264[0], X264[1], "-pix_fmt", "yuv422p10le"]),
    ("h264_grey", "mp4", &[X264[0], X264[1], "-pix_fmt", "gray"]),
    ("h264_rgb", "mkv", &["-c:v", "libx264rgb", "-preset", "ultrafast", "-pix_fmt", "rgb24"]),
    ("hevc", "mp4", &[X265[0], X265[1], X265[2], X265[3], X265[4], X265[5]]),
    ("hevc_10_bits", "mp4", &[X265[0], X265[1], X265[4], X265[5], "-pix_fmt", "yuv420p10le"]),
    ("hevc_444_12_bits", "mkv", &[X265[0], X265[1], X265[4], X265[5], "-pix_fmt", "yuv444p12le"]),
    ("vp8", "webm", &["-c:v", "libvpx", "-deadline", "realtime"]),
    ("vp9", "webm", &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"]),
    ("vp9_10_bits", "webm", &["-c:v", "libvpx-vp9", "-cpu-used", "8", "-pix_fmt", "yuv420p10le"]),
    ("av1", "mkv", &["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"]),
    ("mpeg2", "ts", &["-c:v", "mpeg2video", "-bf", "2"]),
    ("mpeg4", "avi", &["-c:v", "mpeg4"]),
    ("mjpeg", "avi", &["-c:v", "mjpeg", "-pix_fmt", "yuvj422p"]),
    ("prores", "mov", &["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"]),
    ("prores_4444", "mov", &["-c:v", "prores_ks", "-pix_fmt", "yuva444p10le"]),
    ("ffv1_planar_rgb", "mkv", &["-c:v", "ffv1", "-pix_fmt", "gbrp12le"]),
    ("ffv1_alpha", "mkv", &["-c:v", "ffv1", "-pix_fmt", "yuva420p"]),
    ("ffv1_16_bits", "mkv", &["-c:v", "ffv1", "-pix_fmt", "yuv420p16le"]),
    ("ffv1_wide_rgb", "mkv", &["-c:v", "ffv1", "-pix_fmt", "rgb48le"]),
    ("ffv1_rare_chroma", "mkv", &["-c:v", "ffv1", "-pix_fmt", "yuv410p"]),
    ("png", "mov", &["-c:v", "png", "-pix_fmt", "rgba"]),
    ("png_16_bits", "mov", &["-c:v", "png", "-pix_fmt", "gray16be"]),
    ("raw_nv12", "nut", &["-c:v", "rawvideo", "-pix_fmt", "nv12"]),
    ("raw_rgb_15_bits", "nut", &["-c:v", "rawvideo", "-pix_fmt", "rgb555le"]),
    ("raw_rgb", "nut", &["-c:v", "rawvideo", "-pix_fmt", "rgb24"]),
    ("raw_rgb_10_bits", "nut", &["-c:v", "rawvideo", "-pix_fmt", "x2rgb10le"]),
    ("raw_packed", "nut", &["-c:v", "rawvideo", "-pix_fmt", "uyvy422"]),
];

/// A folder with a clip in it.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Has ffmpeg make `name` with `arguments`.
    fn ffmpeg(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let path = self.path(name);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y"]).args(arguments).arg(&path).current_dir(&self.folder);
        let output = ffmpeg.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        path
    }

    /// A second of a test picture of odd size, made with `arguments`.
    fn clip(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let source = ["-f", "lavfi", "-i", "testsrc2=size=146x102:rate=25:duration=1"];
        self.ffmpeg(name, &[&source[..], arguments].concat())
    }
}

/// What ffmpeg says of `clip`, with `before` its input.
fn ffmpegs(before: &[&str], clip: &Path) -> String {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "quiet"]).args(before).arg("-i").arg(clip);
    // Every picture in its own size, and no name of a program.
    ffmpeg.args(["-map", "0:v:0", "-autoscale", "0", "-bitexact", "-f", "framemd5", "-"]);
    String::from_utf8(ffmpeg.output().unwrap().stdout).unwrap()
}

fn zerohop(command: &str, clip: &Path, arguments: &[&str]) -> Output {
    let mut zerohop = Command::new(ZEROHOP);
    zerohop.arg(command).arg(clip).args(arguments).env_remove("ZEROHOP_DECODER");
    zerohop.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What we say of `clip`.
fn ours(clip: &Path, arguments: &[&str]) -> String {
    let given = [&["--decode", "software", "--to", "checksum"], arguments].concat();
    let output = zerohop("play", clip, &given);
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// How many pictures the lines of `sums` are of.
fn pictures(sums: &str) -> usize {
    sums.lines().filter(|line| !line.starts_with('#')).count()
}

/// The last word of each line: what the pictures are, whenever.
fn hashes(sums: &str) -> Vec<String> {
    let lines = sums.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(", ").next().unwrap().to_owned()).collect()
}

#[track_caller]
fn same(ffmpegs: &str, ours: &str, least: usize) {
    assert_eq!(ours.lines().collect::<Vec<_>>(), ffmpegs.lines().collect::<Vec<_>>());
    assert!(pictures(ours) >= least, "{ours}");
}

fn format((_, container, arguments): &Clip) {
    let stage = Stage::new();
    let clip = stage.clip(&format!("clip.{container}"), arguments);
    same(&ffmpegs(&[], &clip), &ours(&clip, &[]), 25);
}

fn seeking() {
    let stage = Stage::new();
    let coded = ["-c:v", "libx264", "-bf", "3", "-g", "7"];
    for name in ["clip.mp4", "clip.mkv"] {
        let clip = stage.clip(name, &coded);
        for at in ["0.1", "0.33", "0.5", "0.9"] {
            same(&ffmpegs(&["-ss", at], &clip), &ours(&clip, &["--start", at]), 2);
        }
    }
    let output = zerohop("play", &stage.path("clip.mp4"), &["--start", "9", "--to", "null"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(said(&output).contains("not one picture"), "{}", said(&output));
}

fn resizing() {
    let stage = Stage::new();
    for (end, coder) in [("h264", "libx264"), ("m2v", "mpeg2video")] {
        let parts = ["320x240", "176x144", "320x240"].map(|size| {
            let source = format!("testsrc2=size={size}:rate=25:duration=0.6");
            let name = format!("{size}.{end}");
            fs::read(stage.ffmpeg(&name, &["-f", "lavfi", "-i", &source, "-c:v", coder])).unwrap()
        });
        let clip = stage.path(&format!("clip.{end}"));
        fs::write(&clip, parts.concat()).unwrap();
        let found = ours(&clip, &[]);
        same(&ffmpegs(&[], &clip), &found, 40);
        assert!(found.contains(" 115200, ") && found.contains(" 38016, "), "both sizes: {found}");
    }
}

fn cut_off() {
    let stage = Stage::new();
    for name in ["clip.ts", "clip.mkv"] {
        let whole = fs::read(stage.clip(name, &X264)).unwrap();
        fs::write(stage.path(name), &whole[..whole.len() * 2 / 3]).unwrap();
        same(&ffmpegs(&[], &stage.path(name)), &ours(&stage.path(name), &[]), 5);
    }
    // Its index is at its end.
    let whole = fs::read(stage.clip("clip.mp4", &X264)).unwrap();
    fs::write(stage.path("clip.mp4"), &whole[..whole.len() / 2]).unwrap();
    let output = zerohop("play", &stage.path("clip.mp4"), &["--to", "null"]);
    assert_eq!((output.status.code(), said(&output).lines().count()), (Some(125), 1));
}

fn noisy() {
    let stage = Stage::new();
    stage.clip("clip.ts", &X264);
    let noise = ["-i", "clip.ts", "-c", "copy", "-bsf:v", "noise=amount=800"];
    let clip = stage.ffmpeg("noisy.ts", &noise);
    // What several threads make of errors differs from run to run, in ffmpeg too.
    let one = ["--threads", "1"];
    same(&ffmpegs(&["-threads", "1"], &clip), &ours(&clip, &one), 5);
}

fn late() {
    let stage = Stage::new();
    let coded = [&X264[..], &["-output_ts_offset", "36000"]].concat();
    for name in ["clip.ts", "clip.mkv"] {
        let clip = stage.clip(name, &coded);
        same(&ffmpegs(&[], &clip), &ours(&clip, &[]), 25);
    }
}

fn with_sound() {
    let stage = Stage::new();
    let sound = ["-f", "lavfi", "-i", "sine=duration=1", "-map", "1:a", "-map", "0:v"];
    for name in ["clip.ts", "clip.mp4", "clip.mkv"] {
        let clip = stage.clip(name, &[&sound[..], &X264, &["-c:a", "aac"]].concat());
        same(&ffmpegs(&[], &clip), &ours(&clip, &[]), 25);
    }
}

fn unsteady() {
    let stage = Stage::new();
    let some = "select=not(mod(n\\,3))+not(mod(n\\,7))";
    let coded = [&["-vf", some, "-vsync", "vfr"], &X264[..]].concat();
    for name in ["clip.mkv", "clip.mp4"] {
        let clip = stage.clip(name, &coded);
        same(&ffmpegs(&[], &clip), &ours(&clip, &[]), 10);
    }
}

fn again() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let once = ours(&clip, &[]);
    let three = ours(&clip, &["--loop", "--frames", "75"]);
    assert_eq!(pictures(&three), 75);
    let (one, all) = (hashes(&once), hashes(&three));
    assert!(all.chunks(25).all(|round| round == one), "each round is the clip");
    let last = three.lines().last().unwrap();
    assert!(last.starts_with("0,         74,         74,        1,"), "{last}");
    let bare = stage.path("bare.h264");
    stage.ffmpeg("bare.h264", &["-i", clip.to_str().unwrap(), "-c", "copy"]);
    assert_eq!(hashes(&ours(&bare, &["--loop", "--frames", "75"])), all, "what has no index too");
}

fn in_real_time() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let begin = Instant::now();
    let output = zerohop("play", &clip, &["--realtime", "--to", "null"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(begin.elapsed() >= Duration::from_millis(950), "{:?}", begin.elapsed());
}

fn once() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let report = stage.path("report.json");
    let arguments = ["--decode", "software", "--loop", "--frames", "200", "--to", "null"];
    let arguments = [&arguments[..], &["--report", report.to_str().unwrap()]].concat();
    assert!(zerohop("play", &clip, &arguments).status.success());
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["bytes_copied_by_cpu"].as_f64(), Some(0.0), "{report:#}");
    assert_eq!((&report["frames_presented"], &report["handover"]), (&200.into(), &"shm".into()));
}

/// A checksum of the luma of each picture.
fn luma_of(clip: &Path) -> String {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "quiet", "-i"]).arg(clip);
    ffmpeg.args(["-vf", "extractplanes=y", "-bitexact", "-f", "framemd5", "-"]);
    String::from_utf8(ffmpeg.output().unwrap().stdout).unwrap()
}

fn luma() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let luma = luma_of(&clip);
    same(&luma, &ours(&clip, &["--filter", "luma"]), 25);
    let changes = ours(&clip, &["--filter", "luma,diff"]);
    assert_eq!(hashes(&changes)[0], hashes(&luma)[0], "all of the first picture is new");
    assert_eq!(hashes(&changes), hashes(&ours(&clip, &["--filter", "diff"])));
}

fn files() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let pictures = stage.path("pictures");
    let to = format!("png:{}", pictures.display());
    let arguments = ["--filter", "luma,diff", "--every", "10", "--validation", "--to", &to];
    let output = zerohop("play", &clip, &arguments);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(fs::read_dir(&pictures).unwrap().count(), 3);
    let video = stage.path("again.mp4");
    let to = format!("mp4:{}", video.display());
    let output = zerohop("play", &clip, &["--validation", "--to", &to]);
    assert!(output.status.success(), "{}", said(&output));
    let times = ours(&video, &[]);
    assert_eq!(self::pictures(&times), 25, "a picture for each: {times}");
    assert!(times.contains("#tb 0: 1/25\n"), "as long as it was: {times}");
}

fn expanded() {
    let stage = Stage::new();
    let palette = "split[a][b];[a]palettegen[p];[b][p]paletteuse";
    for (name, coded, into) in [
        ("palette.mov", &["-vf", palette, "-c:v", "png"][..], "bgra"),
        ("white.nut", &["-c:v", "rawvideo", "-pix_fmt", "monow"], "gray"),
        ("black.nut", &["-c:v", "rawvideo", "-pix_fmt", "monob"], "gray"),
    ] {
        let clip = stage.clip(name, coded);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "quiet", "-i"]).arg(&clip).args(["-pix_fmt", into, "-bitexact"]);
        let wanted = ffmpeg.args(["-f", "framemd5", "-"]).output().unwrap().stdout;
        same(&String::from_utf8(wanted).unwrap(), &ours(&clip, &[]), 25);
    }
}

/// What FFmpeg's Vulkan takes on llvmpipe, in one, two and three planes.
const UPLOADED: [(&str, &[&str]); 6] = [
    ("clip.mp4", &["-c:v", "libx264", "-bf", "2", "-pix_fmt", "yuv420p"]),
    ("nv12.nut", &["-c:v", "rawvideo", "-pix_fmt", "nv12"]),
    ("10.mkv", &["-c:v", "ffv1", "-pix_fmt", "yuv420p10le"]),
    ("444.nut", &["-c:v", "rawvideo", "-pix_fmt", "yuv444p"]),
    ("grey.nut", &["-c:v", "rawvideo", "-pix_fmt", "gray"]),
    ("rgb.nut", &["-c:v", "rawvideo", "-pix_fmt", "bgra"]),
];

/// The decoder is FFmpeg's on the CPU; its pictures lie where one on the device would put them.
fn uploaded() {
    let stage = Stage::new();
    for (name, arguments) in UPLOADED {
        let clip = stage.clip(name, arguments);
        same(&ffmpegs(&[], &clip), &ours(&clip, &["--upload", "vulkan"]), 25);
    }
    let clip = stage.path("clip.mp4");
    let luma = ["--filter", "luma", "--validation"];
    let wanted = ours(&clip, &luma);
    same(&wanted, &ours(&clip, &[&luma[..], &["--upload", "vulkan"]].concat()), 25);
    let parts = ["320x240", "176x144", "320x240"].map(|size| {
        let source = format!("testsrc2=size={size}:rate=25:duration=0.6");
        let name = format!("{size}.h264");
        let coded = ["-f", "lavfi", "-i", &source, "-c:v", "libx264"];
        fs::read(stage.ffmpeg(&name, &coded)).unwrap()
    });
    let clip = stage.path("sizes.h264");
    fs::write(&clip, parts.concat()).unwrap();
    same(&ffmpegs(&[], &clip), &ours(&clip, &["--upload", "vulkan"]), 40);
}

fn uploaded_once() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let report = stage.path("report.json");
    let to = ["--report", report.to_str().unwrap(), "--filter", "luma", "--to", "null"];
    let play = ["--decode", "software", "--upload", "vulkan", "--loop", "--frames", "150"];
    let output = zerohop("play", &clip, &[&play[..], &to].concat());
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["bytes_copied_by_cpu"].as_f64(), Some(0.0), "{report:#}");
    assert_eq!(report["handover"], "opaque_fd", "{report:#}");
    let imports = report["stages"]["import"]["count"].as_u64().unwrap();
    assert!((1..=16).contains(&imports), "memory, not pictures: {imports}");
    let fallbacks = report["fallbacks"].to_string();
    assert!(fallbacks.contains("the device copies each picture"), "{fallbacks}");
}

/// A checksum of each picture in NV12, as drivers decode.
fn interleaved(clip: &Path) -> String {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "quiet", "-i"]).arg(clip).args(["-pix_fmt", "nv12", "-bitexact"]);
    String::from_utf8(ffmpeg.args(["-f", "framemd5", "-"]).output().unwrap().stdout).unwrap()
}

fn surfaces(vaapi: &Vaapi) {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &BASELINE);
    let wanted = interleaved(&clip);
    for objects in ["one", "planes"] {
        for layers in ["composed", "separate", "asked"] {
            for (stride, padding) in [("64", "0"), ("256", "16")] {
                let shape = [
                    ("ZEROHOP_VA_OBJECTS", objects),
                    ("ZEROHOP_VA_LAYERS", layers),
                    ("ZEROHOP_VA_STRIDE", stride),
                    ("ZEROHOP_VA_PADDING", padding),
                ];
                let output = vaapi.play(&clip, &shape, &["--to", "checksum"]);
                assert!(output.status.success(), "{shape:?} {}", said(&output));
                same(&wanted, &String::from_utf8(output.stdout).unwrap(), 25);
            }
        }
    }
}

/// FFmpeg cuts a device's pictures at the right and at the bottom only.
fn within(vaapi: &Vaapi) {
    let stage = Stage::new();
    let whole = stage.clip("whole.mp4", &BASELINE);
    let (input, clip) = (whole.to_str().unwrap(), stage.path("clip.mp4"));
    let cut = "h264_metadata=crop_left=64:crop_top=10:crop_right=20";
    stage.ffmpeg("clip.mp4", &["-i", input, "-c", "copy", "-bsf:v", cut]);
    let wanted = interleaved(&clip);
    for more in [&[][..], &["--force-linear"]] {
        let output = vaapi.play(&clip, &[], &[more, &["--to", "checksum"]].concat());
        assert!(output.status.success(), "{more:?} {}", said(&output));
        let ours = String::from_utf8(output.stdout).unwrap();
        assert!(ours.contains("#dimensions 0: 76x92"), "{ours}");
        same(&wanted, &ours, 25);
    }
}

/// The report of a clip played by it.
fn report_of(vaapi: &Vaapi, arguments: &[&str]) -> Value {
    let stage = Stage::new();
    let source = ["-f", "lavfi", "-i", "testsrc2=size=146x102:rate=25:duration=6"];
    let clip = stage.ffmpeg("clip.mp4", &[&source[..], &BASELINE].concat());
    let report = stage.path("report.json");
    let to = ["--report", report.to_str().unwrap()];
    let output = vaapi.play(&clip, &[], &[&to[..], arguments].concat());
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&fs::read(&report).unwrap()).unwrap()
}

fn imports(vaapi: &Vaapi) {
    let report = report_of(vaapi, &["--filter", "luma", "--to", "null"]);
    assert_eq!(report["bytes_copied_by_cpu"].as_f64(), Some(0.0), "{report:#}");
    assert_eq!(report["frames_presented"], 150, "{report:#}");
    let imports = report["stages"]["import"]["count"].as_u64().unwrap();
    assert!((1..=40).contains(&imports), "surfaces, not pictures: {imports}");
    assert_eq!(report["fallbacks"].as_array().unwrap().len(), 0, "{report:#}");
}

/// What a kernel with real dma-bufs does with them, by FFmpeg's own export and Vulkan's import.
fn in_dma_bufs(vaapi: &Vaapi) {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &BASELINE);
    let wanted = luma_of(&clip);
    for objects in ["one", "planes"] {
        let report = stage.path("report.json");
        let shape = [("ZEROHOP_VA_OBJECTS", objects)];
        let to = ["--filter", "luma", "--to", "checksum", "--report", report.to_str().unwrap()];
        let output = vaapi.play(&clip, &shape, &to);
        assert!(output.status.success(), "{objects} {}", said(&output));
        let found = String::from_utf8(output.stdout).unwrap();
        assert_eq!(hashes(&found), hashes(&wanted), "{objects}");
        assert_eq!(hashes(&found).len(), 25);
        let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
        assert_eq!(report["bytes_copied_by_cpu"].as_f64(), Some(0.0), "{report:#}");
        assert_eq!(report["handover"], "dma_buf", "{report:#}");
        assert_eq!(report["fallbacks"].as_array().unwrap().len(), 0, "{report:#}");
    }
}

/// After each round the decoder has new surfaces, perhaps under the same names.
fn rounds(vaapi: &Vaapi) {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &BASELINE);
    let wanted = interleaved(&clip);
    let output = vaapi.play(&clip, &[], &["--loop", "--frames", "125", "--to", "checksum"]);
    assert!(output.status.success(), "{}", said(&output));
    let ours = String::from_utf8(output.stdout).unwrap();
    assert!(hashes(&ours).chunks(25).all(|round| round == hashes(&wanted)));
}

fn forced(vaapi: &Vaapi) {
    let report = report_of(vaapi, &["--force-linear", "--to", "null"]);
    let fallbacks = report["fallbacks"].to_string();
    assert!(fallbacks.contains("--force-linear was asked for"), "{fallbacks}");
    assert!(report["bytes_copied_by_cpu"].as_f64().unwrap() > 0.0, "{report:#}");
}

fn lies(vaapi: &Vaapi) {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &BASELINE);
    let output = vaapi.play(&clip, &[("ZEROHOP_VA_LIE", "small")], &["--to", "null"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(said(&output).contains("ends at byte"), "{}", said(&output));
}

fn refused() {
    let stage = Stage::new();
    fs::write(stage.path("text.mp4"), "this is no video").unwrap();
    fs::write(stage.path("empty.mp4"), "").unwrap();
    let sound = ["-f", "lavfi", "-i", "sine=duration=0.1"];
    stage.ffmpeg("sound.wav", &sound);
    for (name, why) in [
        ("missing.mp4", "No such file"),
        ("text.mp4", "no video that FFmpeg knows"),
        ("empty.mp4", "no video that FFmpeg knows"),
        ("sound.wav", "there is no video in it"),
    ] {
        let output = zerohop("play", &stage.path(name), &["--to", "null"]);
        let said = said(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(125), 1), "{said}");
        assert!(said.contains(why), "{said}");
        assert_eq!(said.contains("check the name"), name == "missing.mp4", "{said}");
        let output = zerohop("probe", &stage.path(name), &[]);
        assert_eq!(output.status.code(), Some(125));
        assert!(String::from_utf8_lossy(&output.stderr).contains(why));
    }
    let clip = stage.clip("clip.mp4", &X264);
    let output = zerohop("play", &clip, &["--decode", "cuda", "--device", "/none", "--to", "null"]);
    assert!(!output.status.success() && said(&output).contains("cuda: open the device"));
}

fn silent() {
    let stage = Stage::new();
    let pipe = stage.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Somebody has it open for writing, and writes nothing.
    let mut holder =
        Command::new("sh").args(["-c", "exec sleep 60 > \"$0\""]).arg(&pipe).spawn().unwrap();
    let begin = Instant::now();
    let output = zerohop("play", &pipe, &["--timeout", "0.5", "--to", "null"]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(said(&output).contains("no answer for 0.5 s while opening it"), "{}", said(&output));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
}

/// By a signal, here; a process that is frozen or swapped out says as little.
fn stopped() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let sleepy = stage.path("sleepy");
    let decoder = Path::new(ZEROHOP).with_file_name("zerohop-decode");
    let script = "#!/bin/sh\nexec 3<&0; \"$DECODER\" \"$@\" <&3 & sleep 2; kill -STOP $! $$\n";
    fs::write(&sleepy, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&sleepy, mode).unwrap();
    let mut zerohop = Command::new(ZEROHOP);
    zerohop.args(["play", "--loop", "--realtime", "--timeout", "0.5", "--to", "null"]).arg(&clip);
    zerohop.env("ZEROHOP_DECODER", sleepy).env("DECODER", decoder);
    let begin = Instant::now();
    let output = zerohop.output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(said(&output).contains("no sign of life for"), "{}", said(&output));
    // It was alive for two seconds, which is longer than it may be silent for.
    let took = begin.elapsed().as_secs_f64();
    assert!((3.4..30.0).contains(&took), "{took} s");
}

fn crash() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let broken = stage.path("broken");
    fs::write(&broken, "#!/bin/sh\nkill -SEGV $$\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&broken, mode).unwrap();
    for (decoder, why) in [(&broken, "crashed with signal 11"), (&stage.path("no"), "not found")] {
        let mut zerohop = Command::new(ZEROHOP);
        zerohop.args(["play", "--to", "null"]).arg(&clip).env("ZEROHOP_DECODER", decoder);
        let output = zerohop.output().unwrap();
        let said = said(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(125), 1), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

fn probe_crash() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let broken = stage.path("broken");
    let decoder = Path::new(ZEROHOP).with_file_name("zerohop-decode");
    let script =
        "#!/bin/sh\ncase $2 in vaapi) kill -SEGV $$;; *) exec \"$DECODER\" \"$@\";; esac\n";
    fs::write(&broken, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&broken, mode).unwrap();
    let mut zerohop = Command::new(ZEROHOP);
    zerohop.arg("probe").arg(&clip).env("ZEROHOP_DECODER", broken).env("DECODER", decoder);
    let text = String::from_utf8(zerohop.output().unwrap().stdout).unwrap();
    assert!(text.contains("vaapi     no: the decoder crashed: signal: 11"), "{text}");
    assert!(text.contains("software  yes:"), "{text}");
}

fn probe() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let output = zerohop("probe", &clip, &["--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["codec"], &found["rate"]), (&"h264".into(), &25.0.into()), "{found:#}");
    let ways = found["decoders"].as_array().unwrap();
    assert_eq!(ways.len(), 4);
    for way in ways {
        let works = way["works"] == true;
        assert_eq!(works, way["reason"].is_null(), "a reason for every no: {way:#}");
    }
    let software = &ways[3];
    assert_eq!((&software["picture"]["width"], &software["copied"]), (&146.into(), &Value::Null));
    assert_eq!(software["picture"]["fourcc"], "YU12");
    assert_eq!(software["import"]["works"], true, "{software:#}");
    let text = zerohop("probe", &clip, &["--decode", "software", "--upload", "vulkan"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("software  yes: h264 writes YU12 146x102"), "{text}");
    assert!(text.contains("opaque memory") && text.contains("imported as buffers by"), "{text}");
    assert!(text.trim_end().ends_with("exactly"), "{text}");
}
