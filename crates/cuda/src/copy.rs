//! Rows of bytes, wherever they lie, from one place to another.

use std::ffi::c_void;
use std::sync::Arc;

use crate::abi::{
    DevicePointer, Memcpy2d, Memcpy2dSide, RawArray, TYPE_ARRAY, TYPE_DEVICE, TYPE_HOST,
};
use crate::{Error, Stream};

/// Where rows lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In an array.
    Array(RawArray),
    /// In memory of the device.
    Device {
        /// The first row.
        pointer: DevicePointer,
        /// Bytes from row to row.
        pitch: usize,
    },
    /// In memory of the process.
    Host {
        /// The first row.
        pointer: *mut u8,
        /// Bytes from row to row.
        pitch: usize,
    },
}

/// Rows of bytes that a stream copies from or to. Whoever implements it holds the memory.
///
/// # Safety
///
/// As long as `self` lives, all rows of [`place`](Self::place) are there, to read and to write.
pub unsafe trait Surface: Send + Sync {
    /// Where they are.
    fn place(&self) -> Place;

    /// Bytes of a row, without padding.
    fn row_bytes(&self) -> usize;

    /// How many.
    fn rows(&self) -> usize;
}

/// What is copied from, or to.
pub(crate) struct Block {
    pub(crate) place: Place,
    pub(crate) row_bytes: usize,
    pub(crate) rows: usize,
}

impl Block {
    pub(crate) fn of(surface: &dyn Surface) -> Self {
        Self { place: surface.place(), row_bytes: surface.row_bytes(), rows: surface.rows() }
    }
}

impl Stream {
    /// Copies all rows, after what the stream did before. Both are kept until that is done.
    ///
    /// # Errors
    ///
    /// [`Error::Unequal`], [`Error::Call`], [`Error::Lost`].
    pub fn copy<A, B>(&self, from: &Arc<A>, to: &Arc<B>) -> Result<(), Error>
    where
        A: Surface + 'static,
        B: Surface + 'static,
    {
        self.copy_block(Block::of(&**from), Block::of(&**to))?;
        self.keep(Arc::clone(from));
        self.keep(Arc::clone(to));
        Ok(())
    }

    /// Copies the rows of `to` from within those of `from`: from row `row` on, and in each from byte
    /// `column` on. As [`copy`](Self::copy) otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::Unequal`] where `from` ends before, [`Error::Call`], [`Error::Lost`].
    pub fn crop<A, B>(
        &self,
        from: &Arc<A>,
        (column, row): (usize, usize),
        to: &Arc<B>,
    ) -> Result<(), Error>
    where
        A: Surface + 'static,
        B: Surface + 'static,
    {
        let (width, height) = (to.row_bytes(), to.rows());
        let ends = (column.saturating_add(width), row.saturating_add(height));
        if ends.0 > from.row_bytes() || ends.1 > from.rows() {
            let from = (from.row_bytes(), from.rows());
            return Err(Error::Unequal { from, to: ends });
        }
        let mut source = side(from.place(), <*mut c_void>::cast_const);
        (source.x_in_bytes, source.y) = (column, row);
        let target = side(to.place(), |pointer| pointer);
        let copy = Memcpy2d { source, target, width_in_bytes: width, height };
        self.work(
            || format!("copy {height} rows of {width} bytes from row {row}, byte {column} on"),
            // SAFETY: the rows are there (`Surface`), as was just checked, and are kept below.
            |symbols, stream| unsafe { symbols.copy_2d(&copy, stream) },
        )?;
        self.keep(Arc::clone(from));
        self.keep(Arc::clone(to));
        Ok(())
    }

    /// As [`copy`](Self::copy); whoever calls it keeps both.
    pub(crate) fn copy_block(&self, from: Block, to: Block) -> Result<(), Error> {
        let (width, height) = (from.row_bytes, from.rows);
        if (width, height) != (to.row_bytes, to.rows) {
            let to = (to.row_bytes, to.rows);
            return Err(Error::Unequal { from: (width, height), to });
        }
        let copy = Memcpy2d {
            source: side(from.place, <*mut c_void>::cast_const),
            target: side(to.place, |pointer| pointer),
            width_in_bytes: width,
            height,
        };
        self.work(
            || format!("copy {height} rows of {width} bytes"),
            // SAFETY: the rows are there (`Surface`), and stay: the caller keeps them.
            |symbols, stream| unsafe { symbols.copy_2d(&copy, stream) },
        )
    }
}

/// The fields of one side, with a pointer of its kind.
fn side<P>(place: Place, pointer: impl Fn(*mut c_void) -> P) -> Memcpy2dSide<P> {
    let none = Memcpy2dSide {
        x_in_bytes: 0,
        y: 0,
        kind: TYPE_ARRAY,
        host: pointer(std::ptr::null_mut()),
        device: 0,
        array: RawArray::NULL,
        pitch: 0,
    };
    match place {
        Place::Array(array) => Memcpy2dSide { array, ..none },
        Place::Device { pointer, pitch } => {
            Memcpy2dSide { kind: TYPE_DEVICE, device: pointer, pitch, ..none }
        }
        Place::Host { pointer: host, pitch } => {
            Memcpy2dSide { kind: TYPE_HOST, host: pointer(host.cast()), pitch, ..none }
        }
    }
}
