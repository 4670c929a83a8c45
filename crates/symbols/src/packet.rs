//! One picture's symbols.

use crate::{Header, Violation};

/// One picture's symbols: what a pass wrote into its two buffers, with the header that says how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What the numbers mean.
    pub header: Header,
    /// One word for each block, row by row: see [`Action`](crate::Action).
    pub actions: Vec<u32>,
    /// The trit planes of the blocks that have some, in order, the plane that counts most first.
    pub trits: Vec<u32>,
}

impl Packet {
    /// Bytes of the encoded packet.
    pub fn bytes(&self) -> usize {
        Header::BYTES + 4 * (self.actions.len() + self.trits.len())
    }

    /// As bytes: header, actions, trits.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes());
        out.extend(self.header.encode(self.trits.len()));
        let words = self.actions.iter().chain(&self.trits);
        out.extend(words.flat_map(|word| word.to_le_bytes()));
        out
    }

    /// Reads one. What its actions and trits say is the [`Reader`](crate::Reader)'s to check.
    ///
    /// # Errors
    ///
    /// A [`Violation`] of the header's rules, or another length than it says.
    pub fn decode(bytes: &[u8]) -> Result<Self, Violation> {
        let (header, words) = Header::decode(bytes)?;
        let blocks = header.blocks();
        let needed = Header::BYTES as u64 + 4 * (blocks as u64 + words);
        let found = bytes.len() as u64;
        if needed != found {
            return Err(Violation::Length { needed, found });
        }
        // The length is right, so what is allocated is no more than what came.
        let words = bytes[Header::BYTES..].as_chunks::<4>().0.iter();
        let mut actions: Vec<u32> = words.map(|word| u32::from_le_bytes(*word)).collect();
        let trits = actions.split_off(blocks);
        Ok(Self { header, actions, trits })
    }
}
