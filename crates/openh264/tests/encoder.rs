//! The encoder against its decoder, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Command;
use std::time::Duration;

use openh264::decoder::Decoder;
use openh264::formats::YUVSource as _;
use zerohop_frame::{Color, Extent};
use zerohop_openh264::{Complexity, Content, Encoder, Error, Picture, Rate, Settings};

fn settings(width: u32, height: u32) -> Settings {
    Settings {
        extent: Extent { width, height },
        color: Color::BT709,
        hertz: 60,
        rate: Rate::Quantizer(20),
        content: Content::Camera,
        complexity: Complexity::Low,
        loop_filter: false,
        arithmetic: false,
        background: false,
        threads: 1,
    }
}

/// A gradient that moves by `n`, with rows of `stride` bytes of which the last ends with the
/// picture.
fn plane(width: usize, height: usize, stride: usize, n: usize) -> Vec<u8> {
    let mut plane: Vec<u8> =
        (0..stride * height).map(|at| (40 + at % stride + at / stride + n) as u8).collect();
    plane.truncate(stride * (height - 1) + width);
    plane
}

#[test]
fn every_setting_makes_streams_that_decode() {
    let changes: [fn(&mut Settings); 7] = [
        |_| {},
        |settings| settings.loop_filter = true,
        |settings| settings.arithmetic = true,
        |settings| settings.content = Content::Screen,
        |settings| settings.complexity = Complexity::High,
        |settings| settings.threads = 2,
        |settings| settings.rate = Rate::Bits(2_000_000),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut settings = settings(70, 38);
        change(&mut settings);
        let mut encoder = Encoder::new(&settings).unwrap();
        let mut decoder = Decoder::new().unwrap();
        for n in 0..6 {
            // As short as they may be: a byte more is not ours to read.
            let planes = [plane(70, 38, 96, n), plane(35, 19, 40, n), plane(35, 19, 40, n)];
            let picture =
                Picture { planes: planes.each_ref().map(Vec::as_slice), strides: [96, 40] };
            if n == 4 {
                encoder.force_key().unwrap();
            }
            let coded = encoder.encode(&picture, Duration::from_millis(n as u64 * 16)).unwrap();
            assert_eq!(coded.key, n == 0 || n == 4, "change {index}");
            let decoded = decoder.decode(&coded.data).unwrap().unwrap();
            assert_eq!(decoded.dimensions(), (70, 38));
            let worst = decoded.y()[..70].iter().zip(&planes[0]).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst < Some(24), "change {index}: {worst:?} in picture {n}");
        }
    }
}

#[test]
fn a_plane_that_ends_too_early_is_refused() {
    let mut encoder = Encoder::new(&settings(64, 32)).unwrap();
    let bytes = vec![0; 64 * 32];
    let mut refuse = |luma: usize, chroma: usize, strides| {
        let planes = [&bytes[..luma], &bytes[..chroma], &bytes[..512]];
        encoder.encode(&Picture { planes, strides }, Duration::ZERO).err()
    };
    assert_eq!(refuse(2048, 512, [64, 32]), None);
    let short = |plane, length, needed| Some(Error::Plane { plane, length, needed });
    assert_eq!(refuse(2047, 512, [64, 32]), short(0, 2047, 2048));
    assert_eq!(refuse(2048, 511, [64, 32]), short(1, 511, 512));
    assert_eq!(refuse(2048, 512, [64, 33]), short(1, 512, 527));
    assert_eq!(refuse(2048, 512, [63, 32]), short(0, 2048, 2048), "rows would overlap");
    assert!(matches!(refuse(2048, 512, [u32::MAX, 32]), Some(Error::Plane { plane: 0, .. })));
}

#[test]
fn sizes_that_it_does_not_take_are_refused() {
    for (width, height) in [(0, 16), (16, 14), (17, 16), (3842, 16), (3840, 2162), (u32::MAX, 16)] {
        let extent = Extent { width, height };
        assert_eq!(Encoder::new(&settings(width, height)).err(), Some(Error::Size(extent)));
    }
    for (width, height) in [(16, 16), (3840, 16), (16, 3840)] {
        assert!(Encoder::new(&settings(width, height)).is_ok(), "{width}x{height}");
    }
}

#[test]
fn a_packet_that_is_too_large_is_an_error() {
    let mut encoder =
        Encoder::new(&Settings { rate: Rate::Quantizer(0), ..settings(640, 360) }).unwrap();
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(640 * 360)
    .collect();
    let picture = Picture { planes: [&noise, &noise, &noise], strides: [640, 320] };
    let err = encoder.encode(&picture, Duration::ZERO).unwrap_err();
    assert_eq!(err.to_string(), "could not encode a picture: OpenH264 says 3");
}

#[test]
fn it_says_nothing_on_the_standard_error() {
    let this = std::env::current_exe().unwrap();
    let tests =
        ["every_setting_makes_streams_that_decode", "a_packet_that_is_too_large_is_an_error"];
    let said = Command::new(this).arg("--exact").args(tests).arg("--nocapture").output().unwrap();
    assert!(said.status.success());
    assert_eq!(String::from_utf8_lossy(&said.stderr), "");
}
