//! The words of each kind of pixel, as hashes are made of them.

use super::hash::SIDE;
use crate::Rows;

/// How one kind of pixel becomes words.
pub(crate) trait Pixel {
    /// Bytes of a pixel.
    const BYTES: usize;
    /// Words of a pixel.
    const WORDS: usize = 1;

    /// Both words of sixteen pixels; the second is 0 when there is but one.
    fn sixteen(picture: &impl Rows, row: usize, offset: usize, lift: u32) -> [[u32; SIDE]; 2];

    /// Both words of one pixel.
    fn one(picture: &impl Rows, row: usize, offset: usize, lift: u32) -> [u32; 2];
}

/// One byte.
pub(crate) struct Byte;
/// Two bytes.
pub(crate) struct Short;
/// Four bytes.
pub(crate) struct Word;
/// Four half floats.
pub(crate) struct Half;

impl Pixel for Byte {
    const BYTES: usize = 1;

    #[inline(always)]
    fn sixteen(picture: &impl Rows, row: usize, offset: usize, _: u32) -> [[u32; SIDE]; 2] {
        let bytes: [u8; SIDE] = picture.read(row, offset);
        [bytes.map(u32::from), [0; SIDE]]
    }

    #[inline(always)]
    fn one(picture: &impl Rows, row: usize, offset: usize, _: u32) -> [u32; 2] {
        let [byte]: [u8; 1] = picture.read(row, offset);
        [u32::from(byte), 0]
    }
}

impl Pixel for Short {
    const BYTES: usize = 2;

    #[inline(always)]
    fn sixteen(picture: &impl Rows, row: usize, offset: usize, _: u32) -> [[u32; SIDE]; 2] {
        let bytes: [u8; 2 * SIDE] = picture.read(row, offset);
        let word = |i: usize| u32::from(u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]));
        [std::array::from_fn(word), [0; SIDE]]
    }

    #[inline(always)]
    fn one(picture: &impl Rows, row: usize, offset: usize, _: u32) -> [u32; 2] {
        [u32::from(u16::from_le_bytes(picture.read(row, offset))), 0]
    }
}

impl Pixel for Word {
    const BYTES: usize = 4;

    #[inline(always)]
    fn sixteen(picture: &impl Rows, row: usize, offset: usize, lift: u32) -> [[u32; SIDE]; 2] {
        let bytes: [u8; 4 * SIDE] = picture.read(row, offset);
        [std::array::from_fn(|i| word_at(&bytes, i) << lift), [0; SIDE]]
    }

    #[inline(always)]
    fn one(picture: &impl Rows, row: usize, offset: usize, lift: u32) -> [u32; 2] {
        [u32::from_le_bytes(picture.read(row, offset)) << lift, 0]
    }
}

impl Pixel for Half {
    const BYTES: usize = 8;
    const WORDS: usize = 2;

    #[inline(always)]
    fn sixteen(picture: &impl Rows, row: usize, offset: usize, lift: u32) -> [[u32; SIDE]; 2] {
        let bytes: [u8; 8 * SIDE] = picture.read(row, offset);
        [
            std::array::from_fn(|i| ordinary(word_at(&bytes, 2 * i))),
            std::array::from_fn(|i| ordinary(word_at(&bytes, 2 * i + 1)) << lift),
        ]
    }

    #[inline(always)]
    fn one(picture: &impl Rows, row: usize, offset: usize, lift: u32) -> [u32; 2] {
        let bytes: [u8; 8] = picture.read(row, offset);
        [ordinary(word_at(&bytes, 0)), ordinary(word_at(&bytes, 1)) << lift]
    }
}

#[inline(always)]
fn word_at(bytes: &[u8], i: usize) -> u32 {
    u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
}

/// Two half floats in which every NaN is 0x7e00 and everything closer to zero than a normal number is
/// zero: a device that loads one may change the payload, or lose the number.
#[inline(always)]
fn ordinary(pair: u32) -> u32 {
    let one = |half: u32| match half & 0x7fff {
        0x7c01.. => 0x7e00,
        ..0x400 => half & 0x8000,
        _ => half,
    };
    one(pair & 0xffff) | one(pair >> 16) << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_nan_is_as_good_as_another_and_what_is_hardly_there_is_nothing() {
        assert_eq!(ordinary(0x7c01_fdff), 0x7e00_7e00);
        assert_eq!(ordinary(0xfc00_7c00), 0xfc00_7c00);
        assert_eq!(ordinary(0x0400_03ff), 0x0400_0000);
        assert_eq!(ordinary(0x8001_83ff), 0x8000_8000);
    }
}
