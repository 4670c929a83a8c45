//! Boxes, the building bricks of MP4.

/// Bytes of boxes, big-endian.
///
/// # References
///
/// ISO/IEC 14496-12, 4.2 ("Object structure").
#[derive(Default)]
pub(super) struct Boxes(pub(super) Vec<u8>);

impl Boxes {
    /// A box of `kind` with what `body` puts into it.
    pub(super) fn put(&mut self, kind: &[u8; 4], body: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.u32(0);
        self.bytes(kind);
        body(self);
        let size = u32::try_from(self.0.len() - start).unwrap_or(0);
        self.0[start..start + 4].copy_from_slice(&size.to_be_bytes());
    }

    /// A full box: with a version and 24 bits of flags before its body.
    pub(super) fn full(
        &mut self,
        kind: &[u8; 4],
        version: u8,
        flags: u32,
        body: impl FnOnce(&mut Self),
    ) {
        self.put(kind, |at| {
            at.u32(u32::from(version) << 24 | flags);
            body(at);
        });
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn zeros(&mut self, count: usize) {
        self.0.resize(self.0.len() + count, 0);
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(super) fn u32s(&mut self, values: &[u32]) {
        values.iter().for_each(|&value| self.u32(value));
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_counts_its_header_and_what_is_inside() {
        let mut boxes = Boxes::default();
        boxes.put(b"outr", |at| at.full(b"innr", 1, 0x02_0000, |at| at.u16(7)));
        assert_eq!(boxes.0, *b"\0\0\0\x16outr\0\0\0\x0einnr\x01\x02\0\0\0\x07");
    }
}
