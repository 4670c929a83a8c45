//! Bits of H.264: raw byte sequences, with and without the bytes that keep start codes out.
//!
//! # References
//!
//! ITU-T H.264, 7.3.1 (NAL unit), 9.1 (Exp-Golomb codes).

/// Writes a raw byte sequence payload.
#[derive(Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    /// The low `count` bits of `value`.
    pub(crate) fn put(&mut self, count: u32, value: u32) {
        for bit in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let at = 7 - self.used % 8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << at;
            }
            self.used += 1;
        }
    }

    /// `ue(v)`.
    pub(crate) fn unsigned(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let bits = 63 - code.leading_zeros();
        self.put(bits, 0);
        self.put(1, 1);
        self.put(bits, (code - (1 << bits)) as u32);
    }

    /// `se(v)`.
    pub(crate) fn signed(&mut self, value: i32) {
        let magnitude = value.unsigned_abs() * 2;
        self.unsigned(if value > 0 { magnitude - 1 } else { magnitude });
    }

    /// The NAL unit in a byte stream, its start code first.
    pub(crate) fn into_nal(mut self, header: u8) -> Vec<u8> {
        self.put(1, 1);
        let mut nal = vec![0, 0, 0, 1, header];
        let mut zeros = 0;
        for byte in self.bytes {
            if zeros >= 2 && byte <= 3 {
                nal.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            nal.push(byte);
        }
        nal
    }
}

/// Reads the payload of a NAL unit. After its end come zeros.
pub(crate) struct BitReader {
    bytes: Vec<u8>,
    at: usize,
}

impl BitReader {
    /// The first `limit` bytes after the NAL unit's header.
    pub(crate) fn new(nal: &[u8], limit: usize) -> Self {
        let mut bytes: Vec<u8> = Vec::new();
        for byte in nal.iter().skip(1).take(limit) {
            let escaped = *byte == 3 && bytes.ends_with(&[0, 0]);
            if !escaped {
                bytes.push(*byte);
            }
        }
        Self { bytes, at: 0 }
    }

    /// `u(count)`.
    pub(crate) fn take(&mut self, count: u32) -> u32 {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8).copied().unwrap_or(0);
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        value
    }

    /// `ue(v)`; zero where there is none.
    pub(crate) fn unsigned(&mut self) -> u32 {
        let mut zeros = 0;
        while self.take(1) == 0 {
            zeros += 1;
            if zeros > 31 {
                return 0;
            }
        }
        (1 << zeros) - 1 + self.take(zeros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_holds_no_start_code() {
        let mut writer = BitWriter::default();
        for value in [0, 1, 7, 65_535, 1 << 30] {
            writer.unsigned(value);
        }
        writer.put(32, 0);
        writer.put(16, 1);
        let nal = writer.into_nal(0x67);
        assert!(!nal[4..].windows(3).any(|part| part[..2] == [0, 0] && part[2] < 3), "{nal:?}");
        let mut reader = BitReader::new(&nal[4..], 100);
        for value in [0, 1, 7, 65_535, 1 << 30] {
            assert_eq!(reader.unsigned(), value);
        }
        assert_eq!((reader.take(32), reader.take(16)), (0, 1));
    }

    #[test]
    fn signed_numbers_follow_the_standards_table() {
        for (value, code) in [(0, 0), (1, 1), (-1, 2), (2, 3), (-2, 4)] {
            let mut writer = BitWriter::default();
            writer.signed(value);
            assert_eq!(BitReader::new(&writer.into_nal(0)[4..], 9).unsigned(), code);
        }
    }
}
