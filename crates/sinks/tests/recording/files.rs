//! What stands in the files.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use zerohop_encode::{OpenH264, Options, PacketSink as _};
use zerohop_frame::{Extent, FrameSink as _, with_causes};
use zerohop_kernel::clock_monotonic;
use zerohop_sinks::{EncodeSink, Mp4, Timing};

use crate::boxes::{boxes, find, fragments, number, samples};
use crate::picture::Pool;
use crate::plain;
use crate::record::{Count, SIZE, START, every, packet, record, record_file};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        plain("every_picture_has_its_true_time_and_lasts_until_the_next", true_times),
        plain("a_still_picture_is_in_the_file_while_it_is_shown", still),
        plain("the_thread_writes_a_still_picture_by_itself", still_by_itself),
        plain("a_picture_that_comes_back_in_time_still_comes_later", backwards),
        plain("a_picture_alone_is_a_recording", alone),
        plain("no_picture_leaves_no_file", nothing),
        plain("a_pipe_gets_the_same_pictures", pipe),
        plain("key_pictures_can_be_found", keys),
        plain("a_file_that_cannot_be_made_is_named_with_its_reason", not_created),
        plain("a_full_disk_is_named_with_its_reason", full),
        plain("a_failed_recording_says_so_once_and_then_that_it_ended", ended),
    ]
}

fn millis(times: &[u64]) -> Vec<Duration> {
    times.iter().map(|&time| Duration::from_millis(time)).collect()
}

fn true_times() {
    let path = tempfile::tempdir().unwrap();
    let path = path.path().join("a.mp4");
    let times = millis(&[0, 16, 33, 50, 51, 700, 1400, 1401, 4000, 9000, 9016]);
    let encoded =
        record(Mp4::create(&path).unwrap(), &times, Duration::from_millis(9500), |_| SIZE);
    assert_eq!(encoded.unwrap(), (0..times.len() as u64).collect::<Vec<_>>());
    let file = fs::read(&path).unwrap();
    let all = samples(&file);
    let at: Vec<u64> = all.iter().map(|sample| sample.at).collect();
    let wanted: Vec<u64> = times.iter().map(|time| time.as_millis() as u64 * 90).collect();
    assert_eq!(at, wanted);
    let ends = all.iter().skip(1).map(|next| next.at).chain([9500 * 90]);
    for (sample, end) in all.iter().zip(ends) {
        assert_eq!(sample.at + u64::from(sample.duration), end);
    }
    assert!(all[0].key && !all[1].key);
    for (name, at) in [("mvhd", 24), ("trak/tkhd", 28), ("trak/mdia/mdhd", 24), ("mvex/mehd", 4)] {
        let body = find(&file, &format!("moov/{name}")).unwrap();
        assert_eq!(number(body, at, 8), 9500 * 90, "{name}");
    }
}

fn still() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    let mut mp4 = Mp4::create(&path).unwrap();
    mp4.write(&packet(0, Duration::ZERO)).unwrap();
    let seen = |path| {
        samples(&fs::read(path).unwrap()).iter().map(|s| (s.at, s.duration)).collect::<Vec<_>>()
    };
    mp4.idle(START + Duration::from_millis(400)).unwrap();
    assert_eq!(seen(&path), []);
    mp4.idle(START + Duration::from_millis(600)).unwrap();
    assert_eq!(seen(&path), [(0, 400 * 90)], "shown for sure until 200 ms ago");
    mp4.idle(START + Duration::from_millis(5200)).unwrap();
    assert_eq!(seen(&path), [(0, 5000 * 90)]);
    mp4.write(&packet(1, Duration::from_millis(4990))).unwrap();
    mp4.idle(START + Duration::from_millis(5500)).unwrap();
    assert_eq!(seen(&path), [(0, 4990 * 90), (4990 * 90, 310 * 90)]);
    mp4.finish(START + Duration::from_millis(6000)).unwrap();
    assert_eq!(seen(&path), [(0, 4990 * 90), (4990 * 90, 1010 * 90)]);
}

fn still_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    let out = Box::new(Mp4::create(&path).unwrap());
    let encoder = Box::new(OpenH264::new(Options::default()));
    let count = Arc::<Count>::default();
    let mut sink = EncodeSink::start(encoder, out, count, Timing::default()).unwrap();
    let shown = clock_monotonic();
    sink.submit(Arc::new(Pool::new(SIZE, 1).frame(7, shown))).unwrap();
    let deadline = shown + Duration::from_secs(20);
    while samples(&fs::read(&path).unwrap()).is_empty() {
        assert!(clock_monotonic() < deadline, "the picture stays in memory");
        std::thread::sleep(Duration::from_millis(20));
    }
    let shown_for = || (clock_monotonic() - shown).as_millis() as u32 * 90;
    let before = shown_for();
    sink.finish().unwrap();
    let all = samples(&fs::read(&path).unwrap());
    assert_eq!(all.len(), 1);
    assert!((before..=shown_for() + 90).contains(&all[0].duration), "{before}: {all:?}");
}

fn backwards() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    let mut mp4 = Mp4::create(&path).unwrap();
    for (n, at) in [0, 20, 20, 10, 40].into_iter().enumerate() {
        mp4.write(&packet(n as u64, Duration::from_millis(at))).unwrap();
    }
    mp4.finish(START).unwrap();
    let at: Vec<u64> = samples(&fs::read(&path).unwrap()).iter().map(|s| s.at).collect();
    assert_eq!(at, [0, 1800, 1801, 1802, 3600]);
}

fn alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    record(Mp4::create(&path).unwrap(), &every(60, 1), Duration::ZERO, |_| SIZE).unwrap();
    let all = samples(&fs::read(&path).unwrap());
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].at, all[0].duration, all[0].key), (0, 1500, true));
}

fn nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    let mp4 = Mp4::create(&path).unwrap();
    assert!(path.exists());
    record(mp4, &[], Duration::ZERO, |_| SIZE).unwrap();
    assert!(!path.exists());
}

fn pipe() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    let times = every(60, 100);
    let end = Duration::from_secs(2);
    record(Mp4::create(&path).unwrap(), &times, end, |_| SIZE).unwrap();
    let (mut from, to) = std::io::pipe().unwrap();
    let mp4 = Mp4::pipe(std::os::fd::OwnedFd::from(to).into(), "the pipe");
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut from, &mut bytes).unwrap();
        bytes
    });
    record(mp4, &times, end, |_| SIZE).unwrap();
    let piped = reader.join().unwrap();
    assert_eq!(samples(&piped), samples(&fs::read(&path).unwrap()));
    let duration = number(find(&piped, "moov/mvhd").unwrap(), 24, 8);
    assert_eq!(duration, 0, "a pipe cannot be told later");
}

fn keys() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    record_file(&path, 150);
    let file = fs::read(&path).unwrap();
    let all = samples(&file);
    let keys: Vec<u64> = all.iter().filter(|sample| sample.key).map(|sample| sample.at).collect();
    assert_eq!(keys, [0, 90_000, 180_000], "one a second, as asked for");
    let tfra = find(&file, "mfra/tfra").unwrap();
    assert_eq!(number(tfra, 12, 4), 3);
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(number(tfra, 16 + index * 19, 8), *key);
        let moof = number(tfra, 16 + index * 19 + 8, 8) as usize;
        assert_eq!(&file[moof + 4..moof + 8], b"moof");
        assert_eq!(fragments(&file[moof..])[0].len(), 30);
    }
    let mfro = number(&file, file.len() - 4, 4) as usize;
    assert_eq!(boxes(&file).last().unwrap().0, file.len() - mfro);
}

fn not_created() {
    let create = |path: &str| with_causes(&Mp4::create(path.as_ref()).err().unwrap());
    assert_eq!(
        create("/nowhere/a.mp4"),
        "could not create /nowhere/a.mp4: No such file or directory (os error 2)"
    );
    assert_eq!(create("/proc"), "could not create /proc: Is a directory (os error 21)");
}

fn full() {
    let out = Mp4::create("/dev/full".as_ref()).unwrap();
    let err = record(out, &every(60, 4), Duration::ZERO, |_| SIZE).unwrap_err();
    assert_eq!(
        with_causes(&*err),
        "could not write to /dev/full after 0 bytes: \
         No space left on device (os error 28)"
    );
}

fn ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    let odd = Extent { width: 161, height: 96 };
    let size = |n: usize| if n < 40 { SIZE } else { odd };
    let mp4 = Mp4::create(&path).unwrap();
    let err = record(mp4, &every(60, 50), Duration::from_secs(1), size).unwrap_err();
    assert_eq!(
        with_causes(&*err),
        "could not encode picture 40: \
         OpenH264 takes even sizes from 16x16 to 3840x2160, not 161x96"
    );
    let file = fs::read(&path).unwrap();
    assert_eq!(samples(&file).len(), 40, "what came before is complete");
    assert!(find(&file, "mfra/tfra").is_some());
}
