//! What stands at the end of the file.

use super::boxes::Boxes;
use super::header::TRACK;

/// Where decoding can start.
///
/// # References
///
/// ISO/IEC 14496-12, 8.8.9 to 8.8.11 (`mfra`, `tfra`, `mfro`).
pub(super) fn index(keys: &[(u64, u64)]) -> Vec<u8> {
    let mut boxes = Boxes::default();
    boxes.put(b"mfra", |at| {
        at.full(b"tfra", 1, 0, |at| {
            at.u32(TRACK);
            at.u32(0);
            at.u32(u32::try_from(keys.len()).unwrap_or(0));
            for &(time, offset) in keys {
                at.u64(time);
                at.u64(offset);
                // The first sample of the first run of the first track.
                at.bytes(&[1, 1, 1]);
            }
        });
        at.full(b"mfro", 0, 0, |at| {
            let size = at.len() + 4;
            at.u32(u32::try_from(size).unwrap_or(0));
        });
    });
    boxes.0
}
