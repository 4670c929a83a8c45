//! What is no message, and how a talk begins.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use zerohop_wire::{MAX_MESSAGE, ToHost, text};

use crate::common::{announce, frame, open, say};
use crate::{DEVICE, hello, null, refused, refused_later, say_patched, timeline};

#[test]
fn what_is_no_message_is_refused() {
    refused("a message of 3 bytes has no header", |socket| socket.send(b"GET", &[]).unwrap());
    refused("message type 0x20544547 is unknown", |socket| {
        socket.send(b"GET / HTTP/1.1\r\n", &[]).unwrap();
    });
    refused("message type 0x103 is unknown", |socket| {
        say_patched(socket, &hello(), 0, &0x103u32.to_le_bytes());
    });
    refused("the message is longer than 1024 bytes", |socket| {
        socket.send(&[1; MAX_MESSAGE + 1], &[]).unwrap();
    });
}

#[test]
fn half_a_message_is_refused_at_once() {
    refused("hello has 272 bytes; 272 were declared and 136 came", |socket| {
        socket.send(&hello().encode().unwrap().bytes[..136], &[]).unwrap();
    });
    refused("hello has 272 bytes; 136 were declared and 136 came", |socket| {
        let mut bytes = hello().encode().unwrap().bytes.to_vec();
        bytes[4..8].copy_from_slice(&136u32.to_le_bytes());
        socket.send(&bytes[..136], &[]).unwrap();
    });
    refused("hello has 272 bytes; 4294967295 were declared and 272 came", |socket| {
        say_patched(socket, &hello(), 4, &[0xff; 4]);
    });
}

#[test]
fn silence_is_refused_after_a_while() {
    refused("no hello came within 2s", |_| std::thread::sleep(Duration::from_millis(2001)));
}

#[test]
fn a_wrong_beginning_is_refused() {
    refused("open stream came before hello", |socket| say(socket, &open(1)));
    refused("version 0 is not 1 to 2", |socket| say_patched(socket, &hello(), 8, &[0; 4]));
    refused_later("hello came twice", |socket| say(socket, &hello()));
}

#[test]
fn what_version_2_brought_is_not_said_in_version_1() {
    let reason = "timeline belongs to version 2, and version 1 is spoken";
    refused(reason, |socket| {
        say(socket, &ToHost::Hello { version: 1, name: text("old") });
        say(socket, &ToHost::Timeline(timeline(1, DEVICE)));
    });
}

#[test]
fn a_text_that_could_fool_a_terminal_is_refused() {
    let name = 8 + 4 + 4;
    refused("a text of hello is not printable UTF-8", |socket| {
        say_patched(socket, &hello(), name, b"\x1b[2J");
    });
    refused("a text of hello is not printable UTF-8", |socket| {
        say_patched(socket, &hello(), name, b"\xff");
    });
    refused("the length of a text is 257, not 0 to 256", |socket| {
        say_patched(socket, &hello(), 12, &257u32.to_le_bytes());
    });
    refused("byte 40 of hello is not used and not zero", |socket| {
        say_patched(socket, &hello(), 40, b"x");
    });
}

#[test]
fn descriptors_must_be_as_many_as_the_message_says() {
    let fds = |count: usize| {
        refused_later(&format!("announce came with {count} descriptors, not 1"), |socket| {
            let (packet, null) = (announce(1), null());
            let many: Vec<BorrowedFd<'_>> = (0..count).map(|_| null.as_fd()).collect();
            socket.send(&packet.encode().unwrap().bytes, &many).unwrap();
        });
    };
    fds(0);
    fds(2);
    fds(16);
    refused_later("open stream came with 1 descriptors, not 0", |socket| {
        socket.send(&open(2).encode().unwrap().bytes, &[null().as_fd()]).unwrap();
    });
    refused_later("frame came with 1 descriptors, not 0", |socket| {
        let message = ToHost::Frame(frame(1, 1));
        socket.send(&message.encode().unwrap().bytes, &[null().as_fd()]).unwrap();
    });
}
