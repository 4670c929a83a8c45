//! OpenH264 from frames in memfds to packets that its own decoder reads.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod picture;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use openh264::decoder::Decoder;
use openh264::formats::YUVSource as _;
use zerohop_encode::{Encoder, Error, Nal, OpenH264, Options, Packet, Rate, nal_units};
use zerohop_frame::{Color, Extent, Fourcc, Frame, Siting, SyncPoint};
use zerohop_kernel::{Eventfd, SyncFile};

use picture::{COLOR, Pool, draw};

const SIZE: Extent = Extent { width: 320, height: 180 };

fn encode(encoder: &mut OpenH264, frame: Frame, key: bool) -> Packet {
    encoder.encode(Arc::new(frame), key).unwrap();
    let packet = encoder.poll_packet().unwrap().expect("each picture makes a packet");
    assert!(encoder.poll_packet().unwrap().is_none());
    packet
}

/// Peak signal to noise ratio of luma in dB.
fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let sum: u64 = a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum();
    let mean = sum as f64 / a.len() as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

/// The visible luma of the picture in `packet`.
fn decode(decoder: &mut Decoder, packet: &Packet) -> Vec<u8> {
    let picture = decoder.decode(&packet.data).unwrap().expect("one packet is one picture");
    let (width, height) = picture.dimensions();
    assert_eq!((width as u32, height as u32), (packet.extent.width, packet.extent.height));
    let rows = picture.y().chunks(picture.strides().0).take(height);
    rows.flat_map(|row| &row[..width]).copied().collect()
}

#[test]
fn decoded_pictures_are_those_that_went_in_and_the_frames_are_home() {
    for rate in [Rate::default(), Rate::bits(2_000_000)] {
        let pool = Pool::new(SIZE, 2);
        let mut encoder = OpenH264::new(Options { rate, ..Options::default() });
        let mut decoder = Decoder::new().unwrap();
        for n in 0..30 {
            let frame = pool.frame(n, Duration::from_millis(n * 16));
            let packet = encode(&mut encoder, frame, false);
            assert_eq!(pool.home.taken(), [n], "the frame is home when encode returned");
            assert_eq!((packet.sequence, packet.pts), (n, Duration::from_millis(n * 16)));
            assert_eq!((packet.key, packet.extent, packet.color), (n == 0, SIZE, COLOR));
            let luma = decode(&mut decoder, &packet);
            let quality = psnr(&luma, &draw(SIZE, n)[..luma.len()]);
            assert!(quality > 38.0, "picture {n} has {quality:.1} dB with {rate:?}");
        }
    }
}

#[test]
fn a_key_picture_brings_its_parameter_sets() {
    let pool = Pool::new(SIZE, 1);
    let mut encoder = OpenH264::new(Options::default());
    let kinds = |packet: &Packet| nal_units(&packet.data).map(Nal::of).collect::<Vec<_>>();
    for n in 0..6 {
        let packet = encode(&mut encoder, pool.frame(n, Duration::ZERO), n == 3);
        if n == 0 || n == 3 {
            assert!(packet.key);
            assert_eq!(kinds(&packet), [Nal::Sps, Nal::Pps, Nal::Idr]);
            assert!(packet.data.starts_with(&[0, 0, 0, 1]));
        } else {
            assert!(!packet.key);
            assert_eq!(kinds(&packet), [Nal::Other(1)]);
        }
    }
}

/// Reads a sequence parameter set bit by bit.
struct Bits(Vec<bool>);

impl Bits {
    fn of(unit: &[u8]) -> Self {
        let mut bytes = Vec::new();
        for &byte in unit {
            // After two zeros a three is there only to prevent a start code (H.264 7.4.1).
            if !(byte == 3 && bytes.ends_with(&[0, 0])) {
                bytes.push(byte);
            }
        }
        Self(
            bytes
                .iter()
                .rev()
                .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1))
                .collect(),
        )
    }

    fn u(&mut self, count: u32) -> u32 {
        (0..count).fold(0, |number, _| number << 1 | u32::from(self.0.pop().unwrap()))
    }

    /// `ue(v)` (H.264 9.1).
    fn ue(&mut self) -> u32 {
        let zeros = (0..).find(|_| self.u(1) == 1).unwrap();
        (1 << zeros) - 1 + self.u(zeros)
    }
}

/// The fields of H.264 7.3.2.1.1 and E.1.1, for streams like those of OpenH264.
#[test]
fn the_stream_itself_says_what_its_colors_mean() {
    let full = Color { primaries: 9, transfer: 16, matrix: 9, full_range: true, siting: None };
    let low = Color { siting: Some(Siting::Bottom), ..COLOR };
    for color in [COLOR, full, low] {
        let pool = Pool::shaped(SIZE, |shape| shape.color = color);
        let mut encoder = OpenH264::new(Options::default());
        let packet = encode(&mut encoder, pool.frame(0, Duration::ZERO), false);
        let mut sps =
            Bits::of(nal_units(&packet.data).find(|unit| Nal::of(unit) == Nal::Sps).unwrap());
        let (_header, profile, _constraints, level) = (sps.u(8), sps.u(8), sps.u(8), sps.u(8));
        assert_eq!((profile, level), (66, 31), "Baseline, level 3.1");
        let (_id, _frame_num) = (sps.ue(), sps.ue());
        if sps.ue() == 0 {
            sps.ue();
        }
        let (references, _gaps) = (sps.ue(), sps.u(1));
        assert_eq!(references, 1);
        assert_eq!((sps.ue() + 1, sps.ue() + 1), (20, 12), "macroblocks");
        let (_frames_only, _direct, cropped) = (sps.u(1), sps.u(1), sps.u(1));
        assert_eq!(cropped, 1);
        assert_eq!([sps.ue(), sps.ue(), sps.ue(), sps.ue()], [0, 0, 0, 6], "192 - 2 * 6 rows");
        let (vui, aspect, overscan, signal) = (sps.u(1), sps.u(1), sps.u(1), sps.u(1));
        assert_eq!((vui, aspect, overscan, signal), (1, 0, 0, 1));
        let (_format, range, described) = (sps.u(3), sps.u(1), sps.u(1));
        assert_eq!((range == 1, described), (color.full_range, 1));
        let codes = [color.primaries, color.transfer, color.matrix].map(u32::from);
        assert_eq!([sps.u(8), sps.u(8), sps.u(8)], codes);
        let places = (sps.u(1) == 1).then(|| [sps.ue(), sps.ue()]);
        assert_eq!(places, color.siting.map(|siting| [siting as u32; 2]));
    }
}

#[test]
fn another_size_starts_with_a_key_picture() {
    let mut encoder = OpenH264::new(Options::default());
    let mut decoder = Decoder::new().unwrap();
    for (n, width) in [(0, 64), (1, 64), (2, 96), (3, 16), (4, 16)] {
        let extent = Extent { width, height: 48 };
        let pool = Pool::new(extent, 1);
        let packet = encode(&mut encoder, pool.frame(n, Duration::ZERO), false);
        assert_eq!((packet.key, packet.extent), (n != 1 && n != 4, extent));
        decode(&mut decoder, &packet);
    }
}

#[test]
fn a_coarser_quantizer_makes_smaller_packets() {
    let bytes = |quantizer| {
        let pool = Pool::new(SIZE, 1);
        let rate = Rate::Quantizer(quantizer);
        let mut encoder = OpenH264::new(Options { rate, ..Options::default() });
        let packets = (0..10).map(|n| encode(&mut encoder, pool.frame(n, Duration::ZERO), false));
        packets.map(|packet| packet.data.len()).sum::<usize>()
    };
    let sizes = [0, 12, 18, 24, 30, 42, 51, 255].map(bytes);
    assert!(sizes.is_sorted_by(|finer, coarser| finer >= coarser), "{sizes:?}");
    assert!(sizes[1] > 3 * sizes[6], "{sizes:?}");
}

#[test]
fn no_picture_is_left_out_for_want_of_bits() {
    let pool = Pool::new(SIZE, 1);
    let rate = Rate::bits(0);
    let mut encoder = OpenH264::new(Options { rate, ..Options::default() });
    for n in 0..100 {
        // Every one a key picture: far more than there are bits for.
        assert!(encode(&mut encoder, pool.frame(n, Duration::ZERO), true).key);
    }
}

#[test]
fn a_row_may_be_longer_than_the_picture() {
    let pool = Pool::with_stride(SIZE, 512);
    let mut encoder = OpenH264::new(Options::default());
    let packet = encode(&mut encoder, pool.frame(5, Duration::ZERO), false);
    let luma = decode(&mut Decoder::new().unwrap(), &packet);
    assert!(psnr(&luma, &draw(SIZE, 5)[..luma.len()]) > 38.0);
}

#[test]
fn what_cannot_be_read_is_refused_with_numbers() {
    let refused = |pool: &Pool| {
        let mut encoder = OpenH264::new(Options::default());
        let frame = Arc::new(pool.frame(0, Duration::ZERO));
        encoder.encode(frame, false).unwrap_err().to_string()
    };
    let nv12 = Pool::shaped(SIZE, |shape| shape.fourcc = Fourcc::NV12);
    assert_eq!(refused(&nv12), "the encoder does not read NV12 where it lies");
    let beyond = Pool::shaped(SIZE, |shape| shape.planes[2].offset += 1);
    assert_eq!(refused(&beyond), "plane 2 of the picture ends at byte 86401 of 86400");
    let narrow = Pool::shaped(SIZE, |shape| shape.planes[0].stride = 319);
    assert_eq!(refused(&narrow), "the planes have strides [319, 160, 160] at a width of 320");
    let odd = Pool::shaped(SIZE, |shape| shape.extent.width = 319);
    let sizes = "OpenH264 takes even sizes from 16x16 to 3840x2160, not";
    assert_eq!(refused(&odd), format!("{sizes} 319x180"));
    let small = Pool::shaped(SIZE, |shape| shape.extent.height = 14);
    assert_eq!(refused(&small), format!("{sizes} 320x14"));
}

#[test]
fn a_lost_picture_is_home_and_takes_no_other_with_it() {
    let pool = Pool::new(SIZE, 1);
    let mut encoder = OpenH264::new(Options::default());
    let mut decoder = Decoder::new().unwrap();
    decode(&mut decoder, &encode(&mut encoder, pool.frame(0, Duration::ZERO), false));
    let silent = Eventfd::new().unwrap();
    let never = SyncPoint::from(SyncFile::from(silent.as_fd().try_clone_to_owned().unwrap()));
    let late = Arc::new(pool.frame_after(1, Duration::ZERO, never));
    let err = encoder.encode(late, false).unwrap_err();
    assert!(matches!(err, Error::NotReady { sequence: 1, .. }), "{err}");
    assert!(encoder.poll_packet().unwrap().is_none());
    assert_eq!(pool.home.taken(), [0, 1]);
    let packet = encode(&mut encoder, pool.frame(2, Duration::ZERO), false);
    let luma = decode(&mut decoder, &packet);
    assert!(!packet.key && psnr(&luma, &draw(SIZE, 2)[..luma.len()]) > 38.0);
}

#[test]
fn noise_is_encoded_too() {
    let extent = Extent { width: 640, height: 360 };
    for rate in [Rate::Quantizer(12), Rate::bits(200_000_000), Rate::bits(50_000)] {
        let pool = Pool::new(extent, 1);
        let mut encoder = OpenH264::new(Options { rate, ..Options::default() });
        let mut decoder = Decoder::new().unwrap();
        for n in 0..4 {
            let frame = pool.noise(n, Duration::ZERO);
            decode(&mut decoder, &encode(&mut encoder, frame, n == 3));
        }
        let packet = encode(&mut encoder, pool.frame(4, Duration::ZERO), true);
        let luma = decode(&mut decoder, &packet);
        let quality = psnr(&luma, &draw(extent, 4)[..luma.len()]);
        let wanted = if rate == Rate::bits(50_000) { 20.0 } else { 40.0 };
        assert!(quality > wanted, "{quality:.1} dB after noise with {rate:?}");
    }
}
