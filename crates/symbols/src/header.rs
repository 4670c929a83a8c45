//! What a packet says about itself.

use crate::{PER_WORD, Violation, reach};

/// The longest side of a picture, in pixels.
pub const MAX_SIDE: u32 = 16384;

/// `ZHSY`.
const MAGIC: u32 = u32::from_le_bytes(*b"ZHSY");
/// The version that this is.
const VERSION: u16 = 1;
/// The highest plane count: six trits reach every difference of codes with a step of one.
const MAX_PLANES: u32 = 6;

/// What a packet says about itself: see `SYMBOLS.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Pixels of a row, 1 to 16384.
    pub width: u32,
    /// Rows, 1 to 16384.
    pub height: u32,
    /// Pixels of a block's side: 8, 16 or 32.
    pub block: u32,
    /// The most trit planes of a block, 1 to 6.
    pub planes: u32,
    /// Codes of one step, 1 to 255. What is read differs by half of it at most.
    pub step: u32,
    /// Whether no block refers to the picture before.
    pub key: bool,
    /// Counts up by one for every picture.
    pub sequence: u64,
}

impl Header {
    /// Bytes of a header.
    pub const BYTES: usize = 64;

    /// Checks every number.
    ///
    /// # Errors
    ///
    /// [`Violation::Range`], [`Violation::Unknown`], [`Violation::Reach`].
    pub fn check(&self) -> Result<(), Violation> {
        range("the width", self.width, 1, MAX_SIDE)?;
        range("the height", self.height, 1, MAX_SIDE)?;
        if ![8, 16, 32].contains(&self.block) {
            return Err(Violation::Unknown { what: "the block size", value: self.block.into() });
        }
        range("the number of planes", self.planes, 1, MAX_PLANES)?;
        range("the step", self.step, 1, 255)?;
        let reach = reach(self.planes);
        // The largest difference, in steps rounded to the nearest.
        if reach < (255 + self.step / 2) / self.step {
            return Err(Violation::Reach { planes: self.planes, reach, step: self.step });
        }
        Ok(())
    }

    /// Blocks in a row.
    pub fn columns(&self) -> usize {
        self.width.div_ceil(self.block) as usize
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> usize {
        self.columns() * self.height.div_ceil(self.block) as usize
    }

    /// Words of one trit plane of one block.
    pub fn plane_words(&self) -> usize {
        (self.block * self.block).div_ceil(PER_WORD as u32) as usize
    }

    /// The header of a packet with `words` words of trits.
    pub(crate) fn encode(&self, words: usize) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &MAGIC.to_le_bytes());
        put(4, &VERSION.to_le_bytes());
        put(6, &(Self::BYTES as u16).to_le_bytes());
        put(8, &self.width.to_le_bytes());
        put(12, &self.height.to_le_bytes());
        put(16, &[self.block as u8, self.planes as u8, self.step as u8, u8::from(self.key)]);
        put(21, &[1]);
        put(24, &self.sequence.to_le_bytes());
        put(32, &(self.blocks() as u32).to_le_bytes());
        put(36, &(words as u32).to_le_bytes());
        out
    }

    /// The header at the start of `bytes`, and how many words of trits it says there are.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, u64), Violation> {
        let (needed, found) = (Self::BYTES as u64, bytes.len() as u64);
        let short = Violation::Length { needed, found };
        let Some(bytes) = bytes.first_chunk::<{ Self::BYTES }>() else { return Err(short) };
        let u32_at = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        if u32_at(0) != MAGIC {
            return Err(Violation::Magic(u32_at(0)));
        }
        known("the version", u16_at(4), VERSION)?;
        known("the header's length", u16_at(6), Self::BYTES as u16)?;
        known("the coding", bytes[20].into(), 0)?;
        known("the number of channels", bytes[21].into(), 1)?;
        range("the flags", bytes[19].into(), 0, 1)?;
        let unused = (22..24).chain(40..Self::BYTES).find(|at| bytes[*at] != 0);
        if let Some(at) = unused {
            return Err(Violation::NotZero(at));
        }
        let header = Self {
            width: u32_at(8),
            height: u32_at(12),
            block: bytes[16].into(),
            planes: bytes[17].into(),
            step: bytes[18].into(),
            key: bytes[19] == 1,
            sequence: u64::from_le_bytes(std::array::from_fn(|i| bytes[24 + i])),
        };
        header.check()?;
        let blocks = header.blocks() as u32;
        range("the number of blocks", u32_at(32), blocks, blocks)?;
        Ok((header, u32_at(36).into()))
    }
}

fn known(what: &'static str, value: u16, known: u16) -> Result<(), Violation> {
    if value == known { Ok(()) } else { Err(Violation::Unknown { what, value: value.into() }) }
}

fn range(what: &'static str, value: u32, least: u32, most: u32) -> Result<(), Violation> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let [value, least, most] = [value, least, most].map(u64::from);
    Err(Violation::Range { what, value, least, most })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { width: 1366, height: 768, block: 16, planes: 5, step: 3, key: true, sequence: 9 }
    }

    #[test]
    fn a_header_survives_and_its_sizes_are_those_of_the_document() {
        let bytes = header().encode(12);
        assert_eq!(Header::decode(&bytes), Ok((header(), 12)));
        assert_eq!((header().columns(), header().blocks(), header().plane_words()), (86, 4128, 13));
        let words = |block| Header { block, ..header() }.plane_words();
        assert_eq!([8, 16, 32].map(words), [4, 13, 52]);
    }

    #[test]
    fn every_difference_must_be_within_reach() {
        let of = |planes, step| Header { planes, step, ..header() }.check();
        for (planes, step) in [(6, 1), (5, 3), (4, 7), (3, 20), (2, 64), (1, 171)] {
            assert_eq!(of(planes, step), Ok(()), "{planes} planes of {step}");
        }
        let err = of(4, 6).unwrap_err();
        assert_eq!(err.to_string(), "4 planes reach 40 steps of 6, and a difference may be 255");
    }

    #[test]
    fn each_byte_of_a_header_counts() {
        let bytes = header().encode(12);
        for at in 0..Header::BYTES {
            let mut other = bytes;
            other[at] ^= 0x40;
            assert_ne!(Header::decode(&other), Ok((header(), 12)), "byte {at}");
        }
    }
}
