//! Bits of headers, most significant first: reading and writing them, and the bytes that keep start
//! codes out of NAL units.

/// Reads bits; `None` past the end.
#[derive(Debug)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    /// From the first bit of `bytes` on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bits that were passed.
    pub fn position(&self) -> usize {
        self.at
    }

    /// `count` bits, 32 at most.
    pub fn u(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// Whether the next bit is set.
    pub fn flag(&mut self) -> Option<bool> {
        self.u(1).map(|bit| bit == 1)
    }

    /// Passes over `count` bits.
    pub fn skip(&mut self, count: u32) -> Option<()> {
        self.at = self.at.checked_add(count as usize)?;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// `ue(v)`: an Exp-Golomb code (H.265, 9.2).
    pub fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
        }
        if zeros > 31 {
            return None;
        }
        Some((1_u32 << zeros) - 1 + self.u(zeros)?)
    }

    /// Passes over `count` such codes.
    pub fn codes(&mut self, count: u32) -> Option<()> {
        (0..count).try_for_each(|_| self.ue().map(|_| ()))
    }
}

/// The payload of a NAL unit without the bytes that keep start codes out of it (H.265, 7.3.1.1).
pub fn unescape(unit: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for byte in unit {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        payload.push(*byte);
    }
    payload
}

/// A NAL unit with the bytes that keep start codes out of its `payload` (H.264, 7.4.1.1).
pub(crate) fn escape(payload: &[u8]) -> Vec<u8> {
    let mut unit = Vec::with_capacity(payload.len() + 2);
    let mut zeros = 0;
    for byte in payload {
        if zeros >= 2 && *byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        unit.push(*byte);
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_and_the_end_is_one() {
        // H.265 table 9-3: 1, 010, 011, 00100.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0000]);
        assert_eq!([(); 4].map(|()| bits.ue()), [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(bits.skip(4), Some(()));
        assert_eq!((bits.u(1), bits.ue(), bits.skip(1)), (None, None, None));
        assert_eq!(Bits::new(&[0; 8]).ue(), None, "no code is that long");
    }

    #[test]
    fn only_the_bytes_that_were_put_in_are_taken_out() {
        assert_eq!(unescape(&[0, 0, 3, 1, 0, 0, 3, 0, 3]), [0, 0, 1, 0, 0, 0, 3]);
        assert_eq!(unescape(&[0, 3, 0, 0, 4]), [0, 3, 0, 0, 4]);
        for payload in [&[0, 0, 0, 0, 1][..], &[0, 0, 3, 0, 0, 2], &[1, 0, 0, 4, 0]] {
            let unit = escape(payload);
            assert!(unit.windows(3).all(|three| three[..2] != [0, 0] || three[2] > 2), "{unit:?}");
            assert_eq!(unescape(&unit), payload);
        }
    }
}
