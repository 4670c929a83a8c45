//! Memory of our own on the device, used again and again.

use std::sync::Arc;

use crate::abi::DevicePointer;
use crate::{Device, Error, Place, Surface};

/// Rows in memory of the device, each beginning where the device likes it (`cuMemAllocPitch`).
pub struct Pitched {
    device: Arc<Device>,
    pointer: DevicePointer,
    pitch: usize,
    row_bytes: usize,
    rows: usize,
}

/// The largest element that somebody reads at once, in bytes: 4, 8 or 16 ("cuMemAllocPitch").
const ELEMENT: u32 = 16;

impl Pitched {
    /// Allocates `rows` rows of `row_bytes`.
    ///
    /// # Errors
    ///
    /// [`Error::Call`], [`Error::Lost`].
    pub fn new(device: &Arc<Device>, row_bytes: usize, rows: usize) -> Result<Self, Error> {
        let (mut pointer, mut pitch) = (0, 0);
        device.call(
            || format!("allocate {rows} rows of {row_bytes} bytes on the GPU"),
            // SAFETY: both are writable.
            |symbols| unsafe {
                symbols.alloc_pitch(&mut pointer, &mut pitch, row_bytes, rows, ELEMENT)
            },
        )?;
        Ok(Self { device: Arc::clone(device), pointer, pitch, row_bytes, rows })
    }

    /// `CUdeviceptr` of the first row. Valid as long as `self`.
    pub fn pointer(&self) -> DevicePointer {
        self.pointer
    }

    /// Bytes from row to row.
    pub fn pitch(&self) -> usize {
        self.pitch
    }
}

// SAFETY: `cuMemAllocPitch` gave `rows` rows, which stay until our drop.
unsafe impl Surface for Pitched {
    fn place(&self) -> Place {
        Place::Device { pointer: self.pointer, pitch: self.pitch }
    }

    fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    fn rows(&self) -> usize {
        self.rows
    }
}

impl Drop for Pitched {
    fn drop(&mut self) {
        // SAFETY: ours; streams hold an `Arc` of what their work uses.
        self.device.free(|symbols| unsafe { symbols.free(self.pointer) });
    }
}

/// Surfaces of one size, at most so many, made when they are needed first.
pub struct Pool<S> {
    all: Vec<Arc<S>>,
    most: usize,
    make: Box<dyn Fn() -> Result<S, Error> + Send>,
}

impl<S> Pool<S> {
    /// An empty pool of at most `most` surfaces, which `make` makes.
    pub fn new(most: usize, make: impl Fn() -> Result<S, Error> + Send + 'static) -> Self {
        Self { all: Vec::new(), most, make: Box::new(make) }
    }

    /// One that nobody else holds, whose content is whatever it was; `None` when all are out. It is
    /// back when its last `Arc` is dropped, a stream's too.
    ///
    /// # Errors
    ///
    /// Why it could not be made.
    pub fn take(&mut self) -> Result<Option<Arc<S>>, Error> {
        self.fill(|_| Ok(()))
    }

    /// As [`take`](Self::take), after `fill` wrote to it.
    ///
    /// # Errors
    ///
    /// Why it could not be made, and those of `fill`.
    pub fn fill<E: From<Error>>(
        &mut self,
        fill: impl FnOnce(&mut S) -> Result<(), E>,
    ) -> Result<Option<Arc<S>>, E> {
        let mut free = self.all.iter_mut().position(|one| Arc::get_mut(one).is_some());
        if free.is_none() && self.all.len() < self.most {
            self.all.push(Arc::new((self.make)()?));
            free = Some(self.all.len() - 1);
        }
        let Some(one) = free.map(|index| &mut self.all[index]) else { return Ok(None) };
        Arc::get_mut(one).map_or(Ok(()), fill)?;
        Ok(Some(Arc::clone(one)))
    }

    /// How many there are, out or not.
    pub fn made(&self) -> usize {
        self.all.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_has_is_not_written_again() {
        let mut pool = Pool::new(2, || Ok(0_u8));
        let mut filled = |with| {
            let write = |one: &mut u8| {
                *one = with;
                Ok::<_, Error>(())
            };
            pool.fill(write).unwrap()
        };
        let first = filled(1).unwrap();
        drop(filled(2).unwrap());
        let second = filled(3).unwrap();
        assert!(filled(4).is_none(), "two are out");
        assert_eq!((*first, *second), (1, 3));
    }

    #[test]
    fn a_surface_comes_back_and_nothing_is_made_for_it_again() {
        let mut pool = Pool::new(2, || Ok(0_u8));
        for _ in 0..10 {
            let first = pool.take().unwrap().unwrap();
            let second = pool.take().unwrap().unwrap();
            assert!(pool.take().unwrap().is_none(), "two are out");
            assert!(!Arc::ptr_eq(&first, &second));
        }
        assert_eq!(pool.made(), 2);
    }
}
