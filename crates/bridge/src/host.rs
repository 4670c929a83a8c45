//! The last way: the CPU copies the picture into memory that CUDA reads.

use std::sync::Arc;

use zerohop_cuda::{Device, Pinned, Pool};
use zerohop_frame::Frame;
use zerohop_vulkan::{Copies, Image, Queue, Reader};

use crate::Error;

/// How many pictures may be on their way.
const MOST: usize = 3;

/// Locked memory for pictures of one size, and what reads them into it.
pub(crate) struct Host {
    device: Arc<Device>,
    reader: Reader,
    pool: Option<((usize, usize), Pool<Pinned>)>,
}

impl Host {
    pub(crate) fn new(queue: &Arc<Queue>, device: &Arc<Device>) -> Self {
        Self { device: Arc::clone(device), reader: Reader::new(queue), pool: None }
    }

    pub(crate) fn copy(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(Arc<Pinned>, Copies), Error> {
        // Planes follow each other, so several are one long row.
        let size = match image.planes() {
            [plane] => (plane.row_bytes(), plane.extent().height as usize),
            _ => (usize::try_from(image.bytes()).unwrap_or(usize::MAX), 1),
        };
        let Self { device, reader, pool } = self;
        let mut copies = Copies::default();
        let pinned = pool_of(size, device, pool).fill(|pinned| {
            let room = &mut pinned.bytes_mut()[..size.0 * size.1];
            copies = reader.read_into(frame, image, room)?;
            Ok::<_, Error>(())
        })?;
        Ok((pinned.ok_or(Error::Busy(MOST))?, copies))
    }
}

/// The pool of memory of that size, which replaces one of another.
fn pool_of<'a>(
    size: (usize, usize),
    device: &Arc<Device>,
    pool: &'a mut Option<((usize, usize), Pool<Pinned>)>,
) -> &'a mut Pool<Pinned> {
    let make = || {
        let device = Arc::clone(device);
        Pool::new(MOST, move || Pinned::new(&device, size.0, size.1))
    };
    let kept = pool.take().filter(|(of, _)| *of == size);
    &mut pool.insert(kept.unwrap_or_else(|| (size, make()))).1
}
