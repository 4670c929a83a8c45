//! Recordings that were cut short.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::boxes::{boxes, find, fragments, samples};
use crate::{child, plain};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        plain("a_killed_recorder_leaves_whole_fragments", killed),
        plain("a_disk_that_fills_up_ends_the_recording_and_keeps_it", limited),
    ]
}

fn killed() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..6 {
        let path = directory.path().join("a.mp4");
        let mut recorder = child::command(&path, &[]).stderr(Stdio::piped()).spawn().unwrap();
        let (deadline, enough) = (Instant::now() + Duration::from_secs(20), 20_000 + round * 2_111);
        while fs::metadata(&path).map_or(0, |file| file.len()) < enough {
            assert!(Instant::now() < deadline, "the recorder is too slow");
            std::thread::sleep(Duration::from_micros(300));
        }
        recorder.kill().unwrap();
        let said = recorder.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stderr), "", "nor does the encoder talk");
        left_whole(&fs::read(&path).unwrap());
    }
}

fn left_whole(file: &[u8]) {
    assert!(find(file, "mfra").is_none(), "it did not get to the end");
    let moofs = boxes(file).iter().filter(|(_, kind, _)| *kind == b"moof").count();
    assert_eq!(moofs, fragments(file).len(), "each has its pictures");
    let all = samples(file);
    assert!(all.len() >= 60, "{} pictures in {} bytes", all.len(), file.len());
    for (n, sample) in all.iter().enumerate() {
        assert_eq!((sample.at, sample.duration), (n as u64 * 1500, 1500));
    }
}

/// A limit on the size of files stands in for a disk: the kernel cuts the write that crosses it.
fn limited() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mp4");
    let limit = ["sh", "-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\""];
    let said = child::command(&path, &limit).output().unwrap();
    assert!(!said.status.success());
    let file = fs::read(&path).unwrap();
    let (path, bytes) = (path.display(), file.len());
    let line =
        format!("could not write to {path} after {bytes} bytes: File too large (os error 27)\n");
    assert_eq!(String::from_utf8_lossy(&said.stderr), line);
    let whole = fragments(&file);
    let end = whole.last().unwrap().last().unwrap();
    assert!(whole.len() > 2 && file.ends_with(&end.bytes), "no half fragment is left");
    assert!(find(&file, "moov/mvex/mehd").is_some(), "its duration is known all the same");
}
