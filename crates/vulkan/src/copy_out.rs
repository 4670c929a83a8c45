//! Copies of pictures in buffers.

use std::sync::Arc;

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{MAX_PLANES, PlaneLayout};

use crate::body::Body;
use crate::{Buffer, Image, Place, Plane, Recording};

impl Image {
    /// Where [`Recording::copy_out`] puts each plane, and how many bytes it needs. In bytes from the
    /// start of the buffer: planes one after the other, rows without padding, each plane from a
    /// multiple of 16 bytes on, where every copy may begin (VUID-vkCmdCopyImageToBuffer-dstOffset-07975
    /// and 07978).
    pub fn tight(&self) -> (ArrayVec<Place, MAX_PLANES>, u64) {
        places(self.planes(), |_, plane| row(plane))
    }

    /// As [`tight`](Self::tight), but rows of linear memory as far apart as they lie there, unless
    /// that is mostly padding: then a copy is one region for each plane. NVIDIA's driver takes 3 us
    /// for every region (H200, 580.159), which for one a row is more than the copy itself.
    pub fn padded(&self) -> (ArrayVec<Place, MAX_PLANES>, u64) {
        let Body::Buffers(objects) = &self.body else { return self.tight() };
        places(self.planes(), |index, plane| {
            let (stride, row) = (objects.layouts[index].stride, row(plane));
            if stride < row.saturating_mul(2) { stride } else { row }
        })
    }
}

/// Bytes of a row without padding.
fn row(plane: &Plane) -> u32 {
    u32::try_from(plane.row_bytes()).unwrap_or(u32::MAX)
}

/// Planes one after the other, with rows so far apart.
pub(crate) fn places(
    planes: &[Plane],
    stride: impl Fn(usize, &Plane) -> u32,
) -> (ArrayVec<Place, MAX_PLANES>, u64) {
    let mut end = 0_u64;
    let place = |(index, plane): (usize, &Plane)| {
        let (start, stride) = (end.next_multiple_of(16), stride(index, plane));
        end = start + u64::from(stride) * u64::from(plane.extent().height);
        Place { offset: u32::try_from(start).unwrap_or(u32::MAX), stride }
    };
    (planes.iter().enumerate().map(place).collect(), end)
}

impl Recording {
    /// Copies the picture, rows without padding, to `buffer`: each plane to the place that
    /// [`Image::tight`] says, the first one to the start.
    ///
    /// # Panics
    ///
    /// As [`copy_out_to`](Self::copy_out_to).
    pub fn copy_out(&mut self, image: &Arc<Image>, buffer: &Arc<Buffer>) {
        self.copy_out_to(image, buffer, &image.tight().0);
    }

    /// Copies the picture to `buffer`, each plane to its place, as [`Image::tight`] or
    /// [`Image::padded`] gives them.
    ///
    /// # Panics
    ///
    /// When `image` was not opened by [`read`](Self::read), or the buffer is too small, or one that
    /// others have too and was not opened by [`write`](Self::write).
    pub fn copy_out_to(&mut self, image: &Arc<Image>, buffer: &Arc<Buffer>, places: &[Place]) {
        assert!(self.slot().images.iter().any(|one| Arc::ptr_eq(one, image)), "an open image");
        self.check_open([buffer]);
        for (plane, at) in image.planes().iter().zip(places) {
            let before = u64::from(at.stride) * u64::from(plane.extent().height.saturating_sub(1));
            let end = u64::from(at.offset) + before + plane.row_bytes() as u64;
            assert!(at.stride >= row(plane) && end <= buffer.size(), "room for {end} bytes");
        }
        match &image.body {
            Body::Buffers(objects) => {
                for ((plane, to), (at, lines)) in
                    image.planes().iter().zip(places).zip(objects.planes())
                {
                    let regions = regions(plane, at, *to);
                    let (from, to) = (lines.buffer().raw(), buffer.raw());
                    let (device, commands) = (self.device().raw(), self.commands());
                    // SAFETY: recording; the picture is opened by `read`, the buffer is kept below.
                    unsafe { device.cmd_copy_buffer(commands, from, to, &regions) };
                }
            }
            _ => self.copy_images(image, buffer, places),
        }
        self.slot_mut().keep.push(Arc::<Buffer>::clone(buffer));
    }

    fn copy_images(&self, image: &Image, buffer: &Buffer, places: &[Place]) {
        let (device, commands) = (self.device().raw(), self.commands());
        let (to, layout) = (buffer.raw(), vk::ImageLayout::GENERAL);
        for (from, region) in image.copy_regions(places) {
            let regions = [region];
            // SAFETY: recording; the image is opened by `read` and the buffer is kept.
            unsafe { device.cmd_copy_image_to_buffer(commands, from, layout, to, &regions) };
        }
    }
}

/// The rows of a plane that lie as `at` says, to lie as `to` says.
fn regions(plane: &Plane, at: &PlaneLayout, to: Place) -> Vec<vk::BufferCopy> {
    let (row, height) = (plane.row_bytes() as u64, u64::from(plane.extent().height));
    let (stride, apart) = (u64::from(at.stride), u64::from(to.stride));
    let region = |y: u64| {
        vk::BufferCopy::default()
            .src_offset(u64::from(at.offset) + y * stride)
            .dst_offset(u64::from(to.offset) + y * apart)
    };
    if stride == apart {
        return vec![region(0).size(stride * height.saturating_sub(1) + row)];
    }
    (0..height).map(|y| region(y).size(row)).collect()
}

#[cfg(test)]
mod tests {
    use zerohop_frame::{Extent, Fourcc};

    use super::*;
    use crate::PixelFormat;

    fn plane(width: u32, height: u32) -> Plane {
        let format = PixelFormat::of(Fourcc::XRGB8888).unwrap();
        Plane::new(format, Extent { width, height })
    }

    #[test]
    fn rows_that_stay_as_far_apart_are_one_region() {
        let at = PlaneLayout { object: 0, offset: 64, stride: 256 };
        let same = regions(&plane(5, 3), &at, Place { offset: 16, stride: 256 });
        assert_eq!((same.len(), same[0].src_offset, same[0].dst_offset), (1, 64, 16));
        assert_eq!(same[0].size, 2 * 256 + 20, "nothing behind the last row");
        let packed = regions(&plane(5, 3), &at, Place { offset: 0, stride: 20 });
        let starts: Vec<_> = packed.iter().map(|one| (one.src_offset, one.dst_offset)).collect();
        assert_eq!(starts, [(64, 0), (320, 20), (576, 40)]);
    }

    #[test]
    fn planes_begin_where_every_copy_may() {
        let planes = [plane(5, 3), plane(1, 1)];
        let (tight, bytes) = places(&planes, |_, plane| row(plane));
        assert_eq!((tight[1], bytes), (Place { offset: 64, stride: 4 }, 68));
        let (padded, bytes) = places(&planes, |_, _| 256);
        assert_eq!((padded[1].offset, bytes), (768, 1024));
    }
}
