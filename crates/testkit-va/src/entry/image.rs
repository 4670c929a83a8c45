//! Images: a surface's samples for the CPU, in place or as a copy.

use std::ffi::{c_int, c_uint, c_void};

use super::{list, out, with};
use crate::abi::{DriverContext, Id, Image, ImageFormat, NV12, Status, buffer};
use crate::driver::Driver;
use crate::error::Error;

/// Puts the functions into the table.
pub(super) fn fill(table: &mut [*const c_void]) {
    table[23] = formats as *const c_void;
    table[24] = create as *const c_void;
    table[25] = derive as *const c_void;
    table[26] = destroy as *const c_void;
    table[28] = get as *const c_void;
}

/// NV12, least significant byte first.
fn nv12() -> ImageFormat {
    ImageFormat { fourcc: NV12, byte_order: 1, bits_per_pixel: 12, ..ImageFormat::default() }
}

unsafe extern "C" fn formats(
    context: *mut DriverContext,
    to: *mut ImageFormat,
    count: *mut c_int,
) -> Status {
    let body = |_: &mut Driver| {
        // SAFETY: libva's list, with room for `max_image_formats`.
        unsafe { list(to, 1) }.fill(nv12());
        // SAFETY: libva's place.
        *unsafe { out(count) }? = 1;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn create(
    context: *mut DriverContext,
    format: *mut ImageFormat,
    width: c_int,
    height: c_int,
    to: *mut Image,
) -> Status {
    let body = |driver: &mut Driver| {
        // SAFETY: libva's place.
        if unsafe { out(format) }?.fourcc != NV12 {
            return Err(Error::InvalidImageFormat);
        }
        let range = |size: c_int| u16::try_from(size).ok().filter(|size| (1..=8192).contains(size));
        let (width, height) = (range(width), range(height));
        let (Some(width), Some(height)) = (width, height) else { return Err(Error::Resolution) };
        let pitch = u32::from(width).next_multiple_of(2);
        let luma = pitch * u32::from(height);
        let data_size = luma + pitch * u32::from(height).div_ceil(2);
        let bytes = vec![0; data_size as usize].into_boxed_slice();
        let image = Image {
            width,
            height,
            data_size,
            pitches: [pitch, pitch, 0],
            offsets: [0, luma, 0],
            buffer: driver.create_buffer(buffer::IMAGE, data_size as usize, bytes),
            ..blank(driver)
        };
        driver.images.insert(image.id, image);
        // SAFETY: libva's place.
        *unsafe { out(to) }? = image;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

fn blank(driver: &mut Driver) -> Image {
    Image { id: driver.number(), format: nv12(), planes: 2, ..Image::default() }
}

unsafe extern "C" fn derive(context: *mut DriverContext, surface: Id, to: *mut Image) -> Status {
    let body = |driver: &mut Driver| {
        let from = driver.surface(surface)?;
        let (_, data_size) = from.whole().ok_or(Error::OperationFailed)?;
        let (width, height, [luma, chroma]) = (from.width, from.height, from.planes);
        let buffer = driver.create_buffer(buffer::IMAGE, data_size as usize, Box::default());
        if let Some(buffer) = driver.buffers.get_mut(&buffer) {
            buffer.of_surface = Some(surface);
        }
        let image = Image {
            width: width as u16,
            height: height as u16,
            data_size,
            pitches: [luma.pitch, chroma.pitch, 0],
            offsets: [luma.offset, chroma.offset, 0],
            buffer,
            ..blank(driver)
        };
        driver.images.insert(image.id, image);
        // SAFETY: libva's place.
        *unsafe { out(to) }? = image;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn destroy(context: *mut DriverContext, id: Id) -> Status {
    let body = |driver: &mut Driver| {
        let image = driver.images.remove(&id).ok_or(Error::InvalidImage)?;
        driver.buffers.remove(&image.buffer);
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn get(
    context: *mut DriverContext,
    surface: Id,
    x: c_int,
    y: c_int,
    width: c_uint,
    height: c_uint,
    id: Id,
) -> Status {
    let body = |driver: &mut Driver| {
        let image = *driver.images.get(&id).ok_or(Error::InvalidImage)?;
        let size = (u32::from(image.width), u32::from(image.height));
        if (x, y) != (0, 0) || width > size.0 || height > size.1 {
            return Err(Error::InvalidParameter);
        }
        let target = driver.buffers.get_mut(&image.buffer).ok_or(Error::InvalidBuffer)?;
        let from = driver.surfaces.get_mut(&surface).ok_or(Error::InvalidSurface)?;
        if width > from.width || height > from.height || target.of_surface.is_some() {
            return Err(Error::InvalidParameter);
        }
        for (plane, rows) in [(0, height), (1, height.div_ceil(2))] {
            for row in 0..rows {
                let start = (image.offsets[plane] + image.pitches[plane] * row) as usize;
                let samples = from.row(plane, row);
                let length = samples.len().min(width.next_multiple_of(2) as usize);
                target.bytes[start..start + length].copy_from_slice(&samples[..length]);
            }
        }
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}
