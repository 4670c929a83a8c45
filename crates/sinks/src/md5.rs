//! MD5, by which others name pictures too (`ffmpeg -f framemd5`). It tells pictures apart; it
//! protects nothing.
//!
//! # References
//!
//! RFC 1321.

/// Rotations of the four rounds, each for four steps (RFC 1321, 3.4: `S11` to `S44`).
const ROTATE: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// A running sum.
pub(crate) struct Md5 {
    state: [u32; 4],
    block: [u8; 64],
    length: u64,
    table: [u32; 64],
}

impl Md5 {
    pub(crate) fn new() -> Self {
        // `floor(2^32 * abs(sin(i + 1)))`; doubles are exact enough for all 64.
        let table = std::array::from_fn(|i| {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                clippy::cast_sign_loss,
                reason = "between 0 and 2^32"
            )]
            let number = (4_294_967_296.0 * ((i + 1) as f64).sin().abs()) as u32;
            number
        });
        let state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
        Self { state, block: [0; 64], length: 0, table }
    }

    /// Adds bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let at = (self.length % 64) as usize;
            let (now, later) = bytes.split_at(bytes.len().min(64 - at));
            self.block[at..at + now.len()].copy_from_slice(now);
            self.length += now.len() as u64;
            bytes = later;
            if self.length.is_multiple_of(64) {
                self.compress();
            }
        }
    }

    /// The sum in hexadecimal digits.
    pub(crate) fn finish(mut self) -> String {
        let bits = self.length.wrapping_mul(8).to_le_bytes();
        self.update(&[0x80]);
        while self.length % 64 != 56 {
            self.update(&[0]);
        }
        self.update(&bits);
        let bytes = self.state.iter().flat_map(|word| word.to_le_bytes());
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }

    fn compress(&mut self) {
        let word = |i: usize| {
            let bytes: [u8; 4] = std::array::from_fn(|byte| self.block[i * 4 + byte]);
            u32::from_le_bytes(bytes)
        };
        let words: [u32; 16] = std::array::from_fn(word);
        let [mut a, mut b, mut c, mut d] = self.state;
        for step in 0..64 {
            let (mixed, index) = match step / 16 {
                0 => (b & c | !b & d, step),
                1 => (b & d | c & !d, 5 * step + 1),
                2 => (b ^ c ^ d, 3 * step + 5),
                _ => (c ^ (b | !d), 7 * step),
            };
            let sum = a.wrapping_add(mixed).wrapping_add(self.table[step]);
            let sum = sum.wrapping_add(words[index % 16]).rotate_left(ROTATE[step / 16][step % 4]);
            (a, d, c, b) = (d, c, b, b.wrapping_add(sum));
        }
        for (state, add) in self.state.iter_mut().zip([a, b, c, d]) {
            *state = state.wrapping_add(add);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_the_rfc() {
        let sum = |text: &str| {
            let mut md5 = Md5::new();
            text.as_bytes().chunks(7).for_each(|bytes| md5.update(bytes));
            md5.finish()
        };
        assert_eq!(sum(""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(sum("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
        assert_eq!(sum(&"1234567890".repeat(8)), "57edf4a22be3c955ac49da2e2107b67a");
    }
}
