//! Packets to fuzz with: sound ones from a seed, then changed here and there.

use zerohop_symbols::{Header, Kind, Packet, Reader, Violation, pack, planes_for};

/// SplitMix64: small, and good enough to choose with.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// What became of a stream of packets.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Pictures that were read.
    pub(crate) read: u64,
    /// Why one was not.
    pub(crate) refused: Option<Violation>,
}

/// A header whose rules hold.
fn header(random: &mut Random) -> Header {
    let step = random.one_of(&[1, 2, 3, 7, 20, 64, 255]);
    Header {
        width: 1 + random.below(70) as u32,
        height: 1 + random.below(70) as u32,
        block: random.one_of(&[8, 16, 32]),
        planes: planes_for((255 + step / 2) / step).max(1),
        step,
        key: true,
        sequence: random.next() >> 1,
    }
}

/// A sound packet.
fn packet(random: &mut Random, header: Header) -> Packet {
    let count = (header.block * header.block) as usize;
    let mut packet = Packet { header, actions: Vec::new(), trits: Vec::new() };
    for _ in 0..header.blocks() {
        let all = [Kind::Skip, Kind::Delta, Kind::Intra, Kind::Flat];
        let kind = random.one_of(if header.key { &all[2..] } else { &all });
        let some = matches!(kind, Kind::Delta | Kind::Intra);
        let planes = if some { 1 + random.below(header.planes.into()) as u32 } else { 0 };
        let based = matches!(kind, Kind::Intra | Kind::Flat);
        let base = if based { random.next() as u8 } else { 0 };
        packet.actions.push(kind as u32 | planes << 8 | u32::from(base) << 16);
        for word in 0..planes as usize * header.plane_words() {
            let first = word % header.plane_words() * 20;
            let code = |i: usize| if first + i < count { random.below(3) as u32 } else { 0 };
            let mut code = code;
            packet.trits.push(pack(&std::array::from_fn(&mut code)));
        }
    }
    packet
}

/// Reads a stream of packets, all sound in one case of four.
pub(crate) fn run(random: &mut Random) -> Outcome {
    let mut reader = Reader::new();
    let mut header = header(random);
    let harm = random.below(4) > 0;
    let mut outcome = Outcome::default();
    for _ in 0..1 + random.below(4) {
        let mut bytes = packet(random, header).encode();
        for _ in 0..if harm { random.below(3) } else { 0 } {
            change(random, &mut bytes);
        }
        match reader.read(&bytes) {
            Ok(luma) => {
                outcome.read += 1;
                let size = luma.len();
                let header = reader.header().expect("a picture was read");
                assert_eq!(size, header.width as usize * header.height as usize);
            }
            Err(violation) => {
                assert!(harm, "a sound packet was refused: {violation}");
                assert!(!violation.to_string().is_empty() && reader.header().is_none());
                outcome.refused = Some(violation);
                return outcome;
            }
        }
        header = Header { key: false, sequence: header.sequence + 1, ..header };
    }
    outcome
}

fn change(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() as u64) as usize;
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => bytes.push(random.next() as u8),
        // The header and the actions, which the rest hangs on.
        2 | 3 => bytes[at.min(at % 100)] = random.next() as u8,
        4 => bytes[at] ^= 1 << random.below(8),
        _ => bytes[at] = random.next() as u8,
    }
    if bytes.is_empty() {
        bytes.push(0);
    }
}
