//! Reads what the sink wrote, box by box, by other code than the sink's.

/// One picture as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// In ticks of 1/90000 s.
    pub(crate) at: u64,
    pub(crate) duration: u32,
    pub(crate) key: bool,
    pub(crate) bytes: Vec<u8>,
}

/// The boxes in `bytes` with where they start, up to the first that is not all there.
pub(crate) fn boxes(bytes: &[u8]) -> Vec<(usize, &[u8; 4], &[u8])> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + 8) {
        let size = number(header, 0, 4) as usize;
        assert!(size >= 8, "a box of {size} bytes at {at}");
        let Some(body) = bytes.get(at + 8..at + size) else { break };
        found.push((at, header[4..].first_chunk().unwrap(), body));
        at += size;
    }
    found
}

/// The body of the box at `path`, such as `moov/trak/mdia/mdhd`.
pub(crate) fn find<'a>(bytes: &'a [u8], path: &str) -> Option<&'a [u8]> {
    path.split('/').try_fold(bytes, |bytes, name| {
        let all = boxes(bytes);
        all.iter().find(|(_, kind, _)| *kind == name.as_bytes()).map(|(_, _, body)| *body)
    })
}

pub(crate) fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// The pictures of each whole fragment.
pub(crate) fn fragments(file: &[u8]) -> Vec<Vec<Sample>> {
    let top = boxes(file);
    let moofs = top.iter().enumerate().filter(|(_, (_, kind, _))| *kind == b"moof");
    let whole = moofs.filter(|(index, _)| top.get(index + 1).is_some());
    whole.map(|(_, &(start, _, moof))| fragment(file, start, moof)).collect()
}

/// The pictures of a file, in the order of the file.
pub(crate) fn samples(file: &[u8]) -> Vec<Sample> {
    fragments(file).concat()
}

fn fragment(file: &[u8], start: usize, moof: &[u8]) -> Vec<Sample> {
    let trun = find(moof, "traf/trun").unwrap();
    assert_eq!(number(trun, 0, 4), 0x701);
    let mut at = number(find(moof, "traf/tfdt").unwrap(), 4, 8);
    let mut data = start + number(trun, 8, 4) as usize;
    let samples = (0..number(trun, 4, 4) as usize).map(|index| {
        let field = |field: usize| number(trun, 12 + index * 12 + field * 4, 4) as usize;
        let (duration, size, flags) = (field(0), field(1), field(2));
        let bytes = file[data..data + size].to_vec();
        let key = flags & 0x1_0000 == 0;
        let sample = Sample { at, duration: duration as u32, key, bytes };
        (at, data) = (at + duration as u64, data + size);
        sample
    });
    samples.collect()
}
