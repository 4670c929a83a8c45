//! Bits, most significant first.

/// Bits that become bytes.
#[derive(Default)]
pub(crate) struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    /// The lowest `count` bits of `value`.
    pub(crate) fn u(&mut self, count: u32, value: u64) -> &mut Self {
        for bit in (0..count).rev() {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> bit & 1) as u8) << (7 - self.count % 8);
            self.count += 1;
        }
        self
    }

    /// `ue(v)` of H.264 and H.265: an Exp-Golomb code.
    pub(crate) fn ue(&mut self, value: u32) -> &mut Self {
        let coded = u64::from(value) + 1;
        let length = 64 - coded.leading_zeros();
        self.u(length - 1, 0).u(length, coded)
    }

    /// A one and zeros up to the next byte.
    pub(crate) fn end(&mut self) -> Vec<u8> {
        self.u(1, 1);
        std::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // H.265 table 9-3: 1, 010, 011, 00100, 00111; and a one at the end.
        let mut bits = Bits::default();
        for value in [0, 1, 2, 3, 6] {
            bits.ue(value);
        }
        assert_eq!(bits.end(), [0b1010_0110, 0b0100_0011, 0b1100_0000]);
    }
}
