//! From packets to pictures.

use crate::trits::unpack;
use crate::{Action, Header, Kind, PER_WORD, Packet, Violation};

/// Makes pictures of packets. Remembers the last one, which the next may refer to.
#[derive(Debug, Default)]
pub struct Reader {
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    header: Header,
    /// Rows without padding.
    luma: Vec<u8>,
}

/// Where a block lies in a picture.
struct Place {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Reader {
    /// Has read nothing yet: the first picture must be a key picture.
    pub fn new() -> Self {
        Self::default()
    }

    /// The luma of the next picture, rows without padding: each pixel within half a step, rounded
    /// down, of what was written.
    ///
    /// # Errors
    ///
    /// A [`Violation`]. The next picture must be a key picture then.
    pub fn read(&mut self, bytes: &[u8]) -> Result<&[u8], Violation> {
        let last = self.last.take();
        let packet = Packet::decode(bytes)?;
        let header = packet.header;
        let actions = actions(&packet)?;
        let luma = match last {
            _ if header.key => vec![0; header.width as usize * header.height as usize],
            Some(last) if follows(&last.header, &header) => last.luma,
            last => {
                let last = last.map(|last| last.header.sequence);
                return Err(Violation::Gap { found: header.sequence, last });
            }
        };
        let mut picture = Last { header, luma };
        let mut next = 0;
        for (block, action) in actions.iter().enumerate() {
            let words = action.planes as usize * header.plane_words();
            picture.draw(block, *action, &packet.trits[next..next + words], next)?;
            next += words;
        }
        Ok(&self.last.insert(picture).luma)
    }

    /// What was said about the last picture, if it was good.
    pub fn header(&self) -> Option<&Header> {
        self.last.as_ref().map(|last| &last.header)
    }
}

/// Whether a picture may refer to the one before.
fn follows(last: &Header, next: &Header) -> bool {
    let next_to = last.sequence.checked_add(1) == Some(next.sequence);
    let shape = |it: &Header| (it.width, it.height);
    next_to && shape(last) == shape(next)
}

/// Every action, and that the trits are as many as they need.
fn actions(packet: &Packet) -> Result<Vec<Action>, Violation> {
    let header = &packet.header;
    let mut needed = 0_u64;
    let action = |(block, word): (usize, &u32)| {
        let action = Action::of(*word, block, header.planes)?;
        if header.key && action.refers() {
            return Err(Violation::KeyRefers(block));
        }
        needed += u64::from(action.planes) * header.plane_words() as u64;
        Ok(action)
    };
    let actions = packet.actions.iter().enumerate().map(action).collect::<Result<_, _>>()?;
    let declared = packet.trits.len() as u64;
    if needed == declared { Ok(actions) } else { Err(Violation::Words { needed, declared }) }
}

impl Last {
    fn place(&self, block: usize) -> Place {
        let header = &self.header;
        let side = header.block as usize;
        let (left, top) = (block % header.columns() * side, block / header.columns() * side);
        let width = side.min(header.width as usize - left);
        Place { left, top, width, height: side.min(header.height as usize - top) }
    }

    /// Does what `action` says. The block's trits are from word `first` of the packet's on.
    fn draw(
        &mut self,
        block: usize,
        action: Action,
        trits: &[u32],
        first: usize,
    ) -> Result<(), Violation> {
        if action.kind == Kind::Skip {
            return Ok(());
        }
        let steps = self.steps(trits, first)?;
        let (place, side) = (self.place(block), self.header.block as usize);
        let (stride, step) = (self.header.width as usize, self.header.step as i32);
        for y in 0..place.height {
            let row = &mut self.luma[(place.top + y) * stride + place.left..][..place.width];
            let steps = &steps[y * side..];
            for (pixel, steps) in row.iter_mut().zip(steps) {
                let base = if action.refers() { *pixel } else { action.base };
                *pixel = (i32::from(base) + steps * step).clamp(0, 255) as u8;
            }
        }
        Ok(())
    }

    /// The steps of each pixel of a block, rows of a whole block.
    fn steps(&self, trits: &[u32], first: usize) -> Result<Vec<i32>, Violation> {
        let count = (self.header.block * self.header.block) as usize;
        let words = self.header.plane_words();
        let mut steps = vec![0; count];
        for (plane, trits) in trits.chunks_exact(words).enumerate() {
            for (index, word) in trits.iter().enumerate() {
                let at = first + plane * words + index;
                let trits = unpack(*word, at)?;
                let (here, past) = trits.split_at(PER_WORD.min(count - index * PER_WORD));
                if past.iter().any(|trit| *trit != 0) {
                    return Err(Violation::Trits { word: at, value: *word });
                }
                // The plane that counts most comes first.
                for (step, trit) in steps[index * PER_WORD..].iter_mut().zip(here) {
                    *step = *step * 3 + trit;
                }
            }
        }
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(width: u32, sequence: u64, key: bool, word: u32) -> Vec<u8> {
        let header = Header { width, height: 8, block: 8, planes: 6, step: 1, key, sequence };
        Packet { header, actions: vec![word; header.blocks()], trits: Vec::new() }.encode()
    }

    #[test]
    fn a_skip_keeps_what_was_there_and_a_gap_is_refused() {
        let mut reader = Reader::new();
        assert_eq!(reader.read(&flat(9, 1, true, 3 | 77 << 16)).unwrap(), [77; 72]);
        assert_eq!(reader.read(&flat(9, 2, false, 0)).unwrap(), [77; 72]);
        let err = reader.read(&flat(9, 4, false, 0)).unwrap_err();
        let text = "picture 4 refers to the one before, and the last one read is Some(2)";
        assert_eq!(err.to_string(), text);
        assert_eq!(
            reader.read(&flat(9, 5, false, 0)).unwrap_err().to_string(),
            "picture 5 refers to the one before, and the last one read is None"
        );
        assert!(reader.read(&flat(8, 5, true, 3)).is_ok());
        assert!(reader.read(&flat(9, 6, false, 0)).is_err(), "another shape");
    }

    #[test]
    fn a_key_picture_refers_to_nothing() {
        let err = Reader::new().read(&flat(9, 1, true, 0)).unwrap_err();
        assert_eq!(err.to_string(), "block 0 of a key picture refers to the one before");
    }

    #[test]
    fn trits_past_the_end_of_a_block_are_zero() {
        let header =
            Header { width: 8, height: 8, block: 8, planes: 6, step: 1, key: true, sequence: 1 };
        let mut packet = Packet { header, actions: vec![2 | 1 << 8], trits: vec![0, 0, 0, 81] };
        // 64 trits are three words and four trits: the fifth of the first byte is past the end.
        let err = Reader::new().read(&packet.encode()).unwrap_err();
        assert_eq!(err.to_string(), "word 3 of the trits is 0x00000051");
        packet.trits[3] = 27;
        assert_eq!(Reader::new().read(&packet.encode()).unwrap()[63], 1);
    }

    #[test]
    fn numbers_of_a_stranger_allocate_no_more_than_came() {
        let header = Header {
            width: 16384,
            height: 16384,
            block: 8,
            planes: 6,
            step: 1,
            key: true,
            sequence: 1,
        };
        let mut bytes = Packet { header, actions: Vec::new(), trits: Vec::new() }.encode();
        bytes.truncate(Header::BYTES);
        let err = Reader::new().read(&bytes).unwrap_err();
        assert_eq!(err.to_string(), "the packet has 64 bytes, not 16777280");
    }
}
