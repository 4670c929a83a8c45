//! The last way: the CPU copies the picture into memory that CUDA reads.

use std::sync::Arc;

use zerohop_cuda::{Device, Pinned, Pool};
use zerohop_frame::Frame;
use zerohop_kernel::{MappingMut, Memfd};
use zerohop_vulkan::{Copies, Image, Queue, read_back};

use crate::Error;

/// How many pictures may be on their way.
const MOST: usize = 3;

/// Locked memory for pictures of one size.
pub(crate) struct Host {
    device: Arc<Device>,
    pool: Option<((usize, usize), Pool<Pinned>)>,
}

impl Host {
    pub(crate) fn new(device: &Arc<Device>) -> Self {
        Self { device: Arc::clone(device), pool: None }
    }

    pub(crate) fn copy(
        &mut self,
        queue: &Arc<Queue>,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(Arc<Pinned>, Copies), Error> {
        let read = read_back(queue, frame, image)?;
        // Planes follow each other, so several are one long row.
        let size = match image.planes() {
            [plane] => (plane.row_bytes(), plane.extent().height as usize),
            _ => (read.bytes.len(), 1),
        };
        let pinned = self.take(size)?;
        let os = |doing| move |source| Error::Os { doing, source };
        let memfd = Memfd::try_from(pinned.share()?);
        let memfd = memfd.map_err(|err| Error::Os {
            doing: "look at locked memory",
            source: std::io::Error::other(err),
        })?;
        let mut mapping = MappingMut::new(&memfd).map_err(os("map locked memory"))?;
        let room = mapping.as_mut_slice();
        let bytes = read.bytes.len().min(room.len());
        room[..bytes].copy_from_slice(&read.bytes[..bytes]);
        let Copies { cpu_bytes, gpu } = read.copies;
        Ok((pinned, Copies { cpu_bytes: cpu_bytes + bytes as u64, gpu }))
    }

    fn take(&mut self, size: (usize, usize)) -> Result<Arc<Pinned>, Error> {
        let device = &self.device;
        let make = || {
            let device = Arc::clone(device);
            Pool::new(MOST, move || Pinned::new(&device, size.0, size.1))
        };
        let pool = match &mut self.pool {
            Some((of, pool)) if *of == size => pool,
            other => &mut other.insert((size, make())).1,
        };
        pool.take()?.ok_or(Error::Busy(MOST))
    }
}
