//! The producer in C of the protocol's document, compiled and run against the host's side.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::Host;
use zerohop_frame::{Extent, Fourcc, SourceEvent};
use zerohop_kernel::{Mapping, Memfd};
use zerohop_sources::Overflow;

/// The document's one block of C.
fn program() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/PROTOCOL.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (_, rest) = document.split_once("```c\n").expect("the document has a program");
    rest.split_once("```").unwrap().0.to_owned()
}

/// Compiles it. A C compiler is there wherever Rust can link.
fn compiled(folder: &Path) -> std::path::PathBuf {
    let (source, binary) = (folder.join("producer.c"), folder.join("producer"));
    std::fs::write(&source, program()).unwrap();
    let flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"];
    let output =
        Command::new("cc").args(flags).arg(&source).arg("-o").arg(&binary).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    binary
}

fn start(binary: &Path, host: &Host, frames: &str) -> Child {
    Command::new(binary)
        .arg(frames)
        .env(zerohop_wire::SOCKET_VARIABLE, &host.path)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn the_documents_producer_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let binary = compiled(folder.path());
    let mut host = Host::open(Overflow::default());
    let child = start(&binary, &host, "20");
    let SourceEvent::Format(format) = host.event() else { panic!("the format comes first") };
    assert_eq!(format.extent, Extent { width: 320, height: 240 });
    assert_eq!(format.fourcc, Fourcc::XRGB8888);
    for sequence in 1..=20 {
        let frame = host.frame();
        assert_eq!(frame.info().sequence, sequence);
        let memory = frame.buffer().memory()[0].as_fd().try_clone_to_owned().unwrap();
        let pixels = Mapping::new(&Memfd::try_from(memory).unwrap()).unwrap();
        assert!(pixels.as_slice().iter().all(|&byte| u64::from(byte) == sequence));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    host.control.application_exited();
    assert!(matches!(host.event(), SourceEvent::Ended));
    let report = host.control.report();
    assert_eq!((report.frames_presented, report.refused_count), (20, 0));
    let stream = &report.streams[0];
    assert_eq!(
        (&*stream.producer, &*stream.name, stream.handover),
        ("producer in C", "grey", "shm")
    );
}

#[test]
fn a_killed_producer_leaves_its_picture_and_the_host_whole() {
    let folder = tempfile::tempdir().unwrap();
    let binary = compiled(folder.path());
    let mut host = Host::open(Overflow::default());
    let mut child = start(&binary, &host, "1000000");
    let frame = loop {
        let frame = host.frame();
        if frame.info().sequence == 100 {
            break frame;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let memory = frame.buffer().memory()[0].as_fd().try_clone_to_owned().unwrap();
    let pixels = Mapping::new(&Memfd::try_from(memory).unwrap()).unwrap();
    assert!(pixels.as_slice().iter().all(|&byte| byte == 100));
    drop(frame);

    let mut next = start(&binary, &host, "3");
    for sequence in 101..=103 {
        assert_eq!(host.frame().info().sequence, sequence, "it counts on");
    }
    assert!(next.wait().unwrap().success());
    assert_eq!(host.control.report().peers, 2);
}

#[test]
fn a_program_that_breaks_a_rule_prints_why() {
    let folder = tempfile::tempdir().unwrap();
    let broken = program().replace(".plane[0].stride = STRIDE", ".plane[0].stride = STRIDE + 4");
    assert_ne!(broken, program());
    std::fs::write(folder.path().join("broken.c"), broken).unwrap();
    let binary = folder.path().join("broken");
    let source = folder.path().join("broken.c");
    let built = Command::new("cc").arg(source).arg("-o").arg(&binary).status().unwrap();
    assert!(built.success());
    let host = Host::open(Overflow::default());
    let output = start(&binary, &host, "1").wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("plane 0 ends at byte 308160 of object 0, which has 307200"), "{said}");
}
