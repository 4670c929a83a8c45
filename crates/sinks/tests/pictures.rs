//! The sinks that write pictures one by one.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrayvec::ArrayVec;
use libtest_mimic::{Arguments, Completion, Trial};
use zerohop_frame::{
    BoxError, Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, FrameSink,
    MemoryHandle, Modifier, PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd};
use zerohop_needs::absent;
use zerohop_sinks::{Checksum, Null, Png, Tee};

/// Odd on purpose.
const SIZE: Extent = Extent { width: 37, height: 11 };

fn main() -> ExitCode {
    let trial = |name, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let tests = vec![
        trial("a_png_holds_the_very_codes_of_the_picture", exact),
        trial("a_png_goes_by_the_number_of_its_picture", numbered),
        trial("a_frame_is_home_when_its_png_is_there", home),
        trial("a_png_has_no_place_for_planes", planes),
        trial("a_folder_that_cannot_be_made_is_named", not_created),
        trial("a_disk_that_is_full_is_named", full),
        trial("a_sink_that_fails_leaves_the_others_alone", one_fails),
        Trial::ignorable_test("a_checksum_is_that_of_ffmpeg", || {
            if let Err(err) = Command::new("ffmpeg").arg("-version").output() {
                return absent("ffmpeg", &err.to_string());
            }
            checksums();
            Ok(Completion::Completed)
        })
        .with_kind("ffmpeg"),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// Home what came home.
#[derive(Default)]
struct Home(Mutex<Vec<u64>>);

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        self.0.lock().unwrap().push(release.sequence);
    }
}

fn shape(fourcc: Fourcc, strides: &[(u32, u32)]) -> FrameDescriptor {
    let planes = strides.iter().map(|&(offset, stride)| PlaneLayout { object: 0, offset, stride });
    FrameDescriptor {
        extent: SIZE,
        fourcc,
        modifier: Modifier::LINEAR,
        planes: planes.collect(),
        color: if fourcc == Fourcc::YUV420 { Color::BT709 } else { Color::SRGB },
    }
}

fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8).collect()
}

/// Picture 42 with `bytes` in a memfd.
fn in_memfd(shape: FrameDescriptor, bytes: &[u8], home: &Arc<Home>) -> Arc<Frame> {
    let memfd = Memfd::create("picture", bytes.len() as u64).unwrap();
    MappingMut::new(&memfd).unwrap().as_mut_slice().copy_from_slice(bytes);
    let memory = MemoryHandle::Shm(memfd.into());
    let buffer = SharedBuffer::new(shape, ArrayVec::from_iter([memory])).unwrap();
    let info = FrameInfo {
        sequence: 42,
        timestamp: Duration::from_millis(700),
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    Arc::new(Frame::new(buffer, info, SyncPoint::Signaled, Arc::clone(home) as _))
}

/// One picture through a [`Png`], and the samples of the file with their depth.
fn through_png(shape: FrameDescriptor, bytes: &[u8]) -> (Vec<u8>, u32) {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = Png::create(directory.path()).unwrap();
    sink.submit(in_memfd(shape, bytes, &Arc::default())).unwrap();
    sink.finish().unwrap();
    decode(&directory.path().join("000042.png"))
}

fn decode(path: &Path) -> (Vec<u8>, u32) {
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    assert!(reader.info().srgb.is_some());
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.width, info.height), (SIZE.width, SIZE.height));
    (bytes, info.bit_depth as u32)
}

fn exact() {
    let orders: [(Fourcc, &[usize]); 4] = [
        (Fourcc::XRGB8888, &[2, 1, 0]),
        (Fourcc::ARGB8888, &[2, 1, 0, 3]),
        (Fourcc::XBGR8888, &[0, 1, 2]),
        (Fourcc::ABGR8888, &[0, 1, 2, 3]),
    ];
    for (fourcc, order) in orders {
        let stride = SIZE.width * 4 + 12;
        let raw = noise((stride * SIZE.height) as usize);
        let (samples, depth) = through_png(shape(fourcc, &[(0, stride)]), &raw);
        let rows = raw.chunks(stride as usize).map(|row| &row[..SIZE.width as usize * 4]);
        let pixels = rows.flat_map(|row| row.chunks(4));
        let wanted: Vec<u8> = pixels.flat_map(|p| order.iter().map(|&at| p[at])).collect();
        assert!(depth == 8 && samples == wanted, "{fourcc}");
    }
    let raw = noise((SIZE.width * SIZE.height * 4) as usize);
    let shape = shape(Fourcc::XBGR2101010, &[(0, SIZE.width * 4)]);
    let (samples, depth) = through_png(shape, &raw);
    assert_eq!(depth, 16);
    for (sample, pixel) in samples.chunks(6).zip(raw.chunks(4)) {
        let word = u32::from_le_bytes([pixel[0], pixel[1], pixel[2], pixel[3]]);
        for (channel, code) in sample.chunks(2).enumerate() {
            let code = u32::from(code[0]) << 2 | u32::from(code[1]) >> 6;
            assert_eq!(code, word >> (10 * channel) & 0x3ff, "the first ten bits are the code");
        }
    }
}

fn xrgb(home: &Arc<Home>) -> Arc<Frame> {
    let raw = noise((SIZE.width * SIZE.height * 4) as usize);
    in_memfd(shape(Fourcc::XRGB8888, &[(0, SIZE.width * 4)]), &raw, home)
}

fn numbered() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("made/on/the/way");
    let mut sink = Png::create(&inner).unwrap();
    sink.submit(xrgb(&Arc::default())).unwrap();
    sink.finish().unwrap();
    let files = fs::read_dir(&inner).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(files.collect::<Vec<_>>(), ["000042.png"]);
}

fn home() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = Png::create(directory.path()).unwrap();
    let home = Arc::default();
    for _ in 0..12 {
        sink.submit(xrgb(&home)).unwrap();
        assert!(Arc::strong_count(&home) <= 1 + 6, "four wait, one is written, one is sent");
    }
    sink.finish().unwrap();
    assert_eq!(home.0.lock().unwrap().len(), 12);
}

fn planes() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = Png::create(directory.path()).unwrap();
    sink.submit(in_memfd(yuv(), &noise(635), &Arc::default())).unwrap();
    assert_eq!(sink.finish().unwrap_err().to_string(), "no YU12 picture in plain memory");
}

fn yuv() -> FrameDescriptor {
    shape(Fourcc::YUV420, &[(0, 37), (37 * 11, 19), (37 * 11 + 19 * 6, 19)])
}

fn not_created() {
    let err = Png::create("/proc/nothing".as_ref()).err().unwrap();
    assert_eq!(err.to_string(), "could not create /proc/nothing");
    let err = Checksum::create("/proc".as_ref()).err().unwrap();
    assert_eq!(err.to_string(), "could not create /proc");
}

fn full() {
    let mut sink = Checksum::create("/dev/full".as_ref()).unwrap();
    sink.submit(xrgb(&Arc::default())).unwrap();
    let err = sink.finish().unwrap_err();
    assert!(err.to_string().starts_with("could not write to /dev/full after"), "{err}");
}

/// What FFmpeg says of the same bytes as raw video.
fn framemd5(raw: &[u8], format: &str) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("raw");
    fs::write(&path, raw).unwrap();
    let size = format!("{}x{}", SIZE.width, SIZE.height);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "rawvideo", "-pix_fmt", format, "-s", &size, "-i"]);
    ffmpeg.arg(&path).args(["-vf", "setsar=1", "-bitexact", "-f", "framemd5", "-"]);
    let said = String::from_utf8(ffmpeg.output().unwrap().stdout).unwrap();
    said.lines().map(str::to_owned).collect()
}

fn checksums() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sums");
    let rgb = (shape(Fourcc::XRGB8888, &[(0, 37 * 4)]), noise(37 * 11 * 4), "bgr0");
    for (shape, bytes, name) in [rgb, (yuv(), noise(37 * 11 + 2 * 19 * 6), "yuv420p")] {
        let mut sink = Checksum::create(&path).unwrap();
        sink.submit(in_memfd(shape, &bytes, &Arc::default())).unwrap();
        sink.finish().unwrap();
        let found = fs::read_to_string(&path).unwrap();
        let mut wanted = framemd5(&bytes, name);
        // It knows a rate, and so how long a picture lasts.
        wanted[3] = "#tb 0: 1/1000000000".to_owned();
        let last = wanted.pop().unwrap();
        wanted.push(last.replacen("        1,", "        0,", 1));
        assert_eq!(found.lines().collect::<Vec<_>>(), wanted);
    }
}

/// Takes so many pictures and then no more.
struct Weak {
    left: u32,
    taken: Arc<Mutex<u32>>,
}

impl FrameSink for Weak {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &[(Fourcc::NV12, Modifier::LINEAR), (Fourcc::YUV420, Modifier::LINEAR)]
    }

    fn submit(&mut self, _: Arc<Frame>) -> Result<(), BoxError> {
        self.left = self.left.checked_sub(1).ok_or("it is too much")?;
        *self.taken.lock().unwrap() += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}

fn one_fails() {
    let taken = [Arc::default(), Arc::default()];
    let weak = |left, taken: &Arc<_>| Box::new(Weak { left, taken: Arc::clone(taken) });
    let mut tee = Tee::new(vec![Box::new(Null), weak(1, &taken[0]), weak(9, &taken[1])]);
    assert_eq!(tee.formats().len(), 2);
    let home = Arc::default();
    let said: Vec<bool> =
        (0..4).map(|_| tee.submit(in_memfd(yuv(), &noise(635), &home)).is_err()).collect();
    assert_eq!(said, [false, true, false, false]);
    assert_eq!(taken.map(|taken| *taken.lock().unwrap()), [1, 4]);
    assert_eq!(home.0.lock().unwrap().len(), 4);
    tee.finish().unwrap();
}
