//! Pictures that lie in plain memory, read where they are.

use std::marker::PhantomData;

/// Where the rows of a mapped picture lie. Owned by an image that keeps them mapped.
#[derive(Clone, Copy)]
pub(crate) struct Mapping {
    pub(crate) pointer: *const u8,
    /// Bytes from the first row to the end of the mapping.
    pub(crate) length: usize,
    /// Bytes from one row to the next.
    pub(crate) stride: usize,
}

// SAFETY: an address of plain memory that its owner keeps mapped, read by copy only.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

/// The raw codes of a picture, in memory that the CPU may read: that of a CPU device, or a memfd.
///
/// Its maker may be another process. One that writes after handing the picture over tears it, and
/// that is all: every read copies, and any bytes are valid codes.
#[derive(Clone, Copy)]
pub struct Pixels<'a> {
    mapping: Mapping,
    _image: PhantomData<&'a ()>,
}

impl Pixels<'_> {
    pub(crate) fn new(mapping: Mapping) -> Self {
        Self { mapping, _image: PhantomData }
    }

    /// Bytes from one row to the next.
    pub fn stride(&self) -> usize {
        self.mapping.stride
    }

    /// `N` bytes from byte `offset` of row `row` on.
    ///
    /// # Panics
    ///
    /// When they are not in the mapping.
    #[inline(always)]
    pub fn read<const N: usize>(&self, row: usize, offset: usize) -> [u8; N] {
        let start = row * self.mapping.stride + offset;
        assert!(start + N <= self.mapping.length, "bytes of the picture");
        // SAFETY: the assertion; products of a picture's sizes do not overflow 64 bits.
        let from = unsafe { self.mapping.pointer.add(start) };
        // SAFETY: mapped and readable as long as the image that `self` borrows from; `[u8; N]`
        // has no alignment and no invalid value.
        unsafe { from.cast::<[u8; N]>().read() }
    }

    /// Copies bytes from byte `offset` of row `row` on into `out`.
    ///
    /// # Panics
    ///
    /// When they are not in the mapping.
    #[inline]
    pub fn read_into(&self, row: usize, offset: usize, out: &mut [u8]) {
        let start = row * self.mapping.stride + offset;
        assert!(start + out.len() <= self.mapping.length, "bytes of the picture");
        // SAFETY: the assertion.
        let from = unsafe { self.mapping.pointer.add(start) };
        // SAFETY: as in `read`; `out` is a reference of ours, so it cannot overlap the mapping.
        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
    }
}
