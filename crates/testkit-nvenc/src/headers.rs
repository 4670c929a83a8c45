//! Parameter sets of HEVC and AV1: true ones, for pictures that nobody can decode.

use zerohop_frame::{Color, Extent};

use crate::bits::Bits;

/// What a stream says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) extent: Extent,
    pub(crate) color: Color,
    pub(crate) ten_bits: bool,
}

/// An HEVC access unit: parameter sets before a key picture, and a slice of noise.
pub(crate) fn hevc(shape: &Shape, key: bool, noise: u64) -> Vec<u8> {
    let mut stream = Vec::new();
    if key {
        unit(&mut stream, 32, &vps(shape));
        unit(&mut stream, 33, &sps(shape));
        unit(&mut stream, 34, &pps());
    }
    // IDR_W_RADL, or TRAIL_R.
    unit(&mut stream, if key { 19 } else { 1 }, &[&[0xff], &noise.to_be_bytes()[..]].concat());
    stream
}

/// A NAL unit of `kind` (H.265, 7.3.1), with the bytes that keep start codes out of it.
fn unit(stream: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    stream.extend([0, 0, 0, 1, kind << 1, 1]);
    let mut zeros = 0;
    for byte in payload {
        if zeros == 2 && *byte <= 3 {
            stream.push(3);
            zeros = 0;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        stream.push(*byte);
    }
}

/// `profile_tier_level` (7.3.3): Main or Main 10, level 4.
fn profile(bits: &mut Bits, shape: &Shape) {
    let (profile, compatible) = if shape.ten_bits { (2, 1 << 29) } else { (1, 3 << 29) };
    bits.u(3, 0).u(5, profile).u(32, compatible).u(4, 0b1001).u(44, 0).u(8, 120);
}

fn vps(shape: &Shape) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.u(4, 0).u(2, 3).u(6, 0).u(3, 0).u(1, 1).u(16, 0xffff);
    profile(&mut bits, shape);
    bits.u(1, 1).ue(1).ue(0).ue(0).u(6, 0).ue(0).u(2, 0);
    bits.end()
}

fn sps(shape: &Shape) -> Vec<u8> {
    let Extent { width, height } = shape.extent;
    let whole = |side: u32| side.next_multiple_of(8);
    let crop = (whole(width) - width, whole(height) - height);
    let deep = if shape.ten_bits { 2 } else { 0 };
    let mut bits = Bits::default();
    bits.u(4, 0).u(3, 0).u(1, 1);
    profile(&mut bits, shape);
    bits.ue(0).ue(1).ue(whole(width)).ue(whole(height));
    if crop == (0, 0) {
        bits.u(1, 0);
    } else {
        bits.u(1, 1).ue(0).ue(crop.0 / 2).ue(0).ue(crop.1 / 2);
    }
    bits.ue(deep).ue(deep).ue(4).u(1, 1).ue(1).ue(0).ue(0);
    bits.ue(0).ue(2).ue(0).ue(3).ue(0).ue(0).u(4, 0).ue(0).u(3, 0);
    // VUI: only the colours.
    let Color { primaries, transfer, matrix, full_range, .. } = shape.color;
    bits.u(1, 1).u(2, 0).u(1, 1).u(3, 5).u(1, full_range.into()).u(1, 1);
    for code in [primaries, transfer, matrix] {
        bits.u(8, code.into());
    }
    bits.u(7, 0).u(1, 0);
    bits.end()
}

fn pps() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.ue(0).ue(0).u(7, 0).ue(0).ue(0).ue(0).u(3, 0).ue(0).ue(0);
    bits.u(10, 0).ue(0).u(2, 0);
    bits.end()
}

/// An AV1 temporal unit: a delimiter, the sequence before a key frame, and a frame of noise.
pub(crate) fn av1(shape: &Shape, key: bool, noise: u64) -> Vec<u8> {
    let mut stream = vec![0x12, 0];
    if key {
        obu(&mut stream, 1, &sequence(shape));
    }
    obu(&mut stream, 6, &noise.to_be_bytes());
    stream
}

/// An OBU of `kind` with its size (AV1, 5.3).
fn obu(stream: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    stream.extend([kind << 3 | 2, u8::try_from(payload.len()).expect("a short one")]);
    stream.extend(payload);
}

/// `sequence_header_obu` (AV1, 5.5): profile Main, level 4.0, tools left out.
fn sequence(shape: &Shape) -> Vec<u8> {
    let Extent { width, height } = shape.extent;
    let Color { primaries, transfer, matrix, full_range, .. } = shape.color;
    let mut bits = Bits::default();
    bits.u(3, 0).u(2, 0).u(2, 0).u(5, 0).u(12, 0).u(5, 8).u(1, 0);
    bits.u(4, 15).u(4, 15).u(16, (width - 1).into()).u(16, (height - 1).into());
    bits.u(1, 0).u(8, 0).u(1, 1).u(1, 1).u(3, 0);
    bits.u(1, shape.ten_bits.into()).u(1, 0).u(1, 1);
    for code in [primaries, transfer, matrix] {
        bits.u(8, code.into());
    }
    bits.u(1, full_range.into()).u(2, 0).u(1, 0).u(1, 0);
    bits.end()
}
