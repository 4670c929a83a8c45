//! Images: a surface's samples for the CPU, in place or as a copy.

use std::ffi::{c_int, c_uint, c_void};

use super::{list, out, with};
use crate::abi::{DriverContext, Id, Image, ImageFormat, Status, buffer};
use crate::driver::Driver;
use crate::error::Error;
use crate::format::{self, Format};

/// Puts the functions into the table.
pub(super) fn fill(table: &mut [*const c_void]) {
    table[23] = formats as *const c_void;
    table[24] = create as *const c_void;
    table[25] = derive as *const c_void;
    table[26] = destroy as *const c_void;
    table[28] = get as *const c_void;
}

/// Least significant byte first.
fn described(format: &Format) -> ImageFormat {
    let (fourcc, bits_per_pixel) = (format.fourcc, format.bits_per_pixel());
    ImageFormat { fourcc, byte_order: 1, bits_per_pixel, ..ImageFormat::default() }
}

unsafe extern "C" fn formats(
    context: *mut DriverContext,
    to: *mut ImageFormat,
    count: *mut c_int,
) -> Status {
    let body = |_: &mut Driver| {
        // SAFETY: libva's list, with room for `max_image_formats`.
        let to = unsafe { list(to, format::ALL.len()) };
        to.iter_mut().zip(format::ALL).for_each(|(to, one)| *to = described(one));
        // SAFETY: libva's place.
        *unsafe { out(count) }? = format::ALL.len() as c_int;
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
        let format = Format::named(unsafe { out(format) }?.fourcc);
        let format = format.ok_or(Error::InvalidImageFormat)?;
        let range = |size: c_int| u16::try_from(size).ok().filter(|size| (1..=8192).contains(size));
        let (width, height) = (range(width), range(height));
        let (Some(width), Some(height)) = (width, height) else { return Err(Error::Resolution) };
        let (mut pitches, mut offsets, mut data_size) = ([0; 3], [0; 3], 0);
        for plane in 0..format.planes.len() {
            pitches[plane] = format.row(plane, width.into());
            offsets[plane] = data_size;
            data_size += pitches[plane] * format.rows(plane, height.into());
        }
        let bytes = vec![0; data_size as usize].into_boxed_slice();
        let image = Image {
            width,
            height,
            data_size,
            pitches,
            offsets,
            buffer: driver.create_buffer(buffer::IMAGE, data_size as usize, bytes),
            ..blank(driver, format)
        };
        driver.images.insert(image.id, image);
        // SAFETY: libva's place.
        *unsafe { out(to) }? = image;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

fn blank(driver: &mut Driver, format: &Format) -> Image {
    let planes = format.planes.len() as u32;
    Image { id: driver.number(), format: described(format), planes, ..Image::default() }
}

unsafe extern "C" fn derive(context: *mut DriverContext, surface: Id, to: *mut Image) -> Status {
    let body = |driver: &mut Driver| {
        let from = driver.surface(surface)?;
        let (_, data_size) = from.whole().ok_or(Error::OperationFailed)?;
        let (width, height, format) = (from.width, from.height, from.format);
        let (mut pitches, mut offsets) = ([0; 3], [0; 3]);
        for (at, plane) in from.planes.iter().enumerate() {
            (pitches[at], offsets[at]) = (plane.pitch, plane.offset);
        }
        let buffer = driver.create_buffer(buffer::IMAGE, data_size as usize, Box::default());
        if let Some(buffer) = driver.buffers.get_mut(&buffer) {
            buffer.of_surface = Some(surface);
        }
        let image = Image {
            width: width as u16,
            height: height as u16,
            data_size,
            pitches,
            offsets,
            buffer,
            ..blank(driver, format)
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
        let format = from.format;
        let other = image.format.fourcc != format.fourcc || target.of_surface.is_some();
        if width > from.width || height > from.height || other {
            return Err(Error::InvalidParameter);
        }
        for plane in 0..format.planes.len() {
            for row in 0..format.rows(plane, height) {
                let start = (image.offsets[plane] + image.pitches[plane] * row) as usize;
                let samples = from.row(plane, row);
                let length = samples.len().min(format.row(plane, width) as usize);
                target.bytes[start..start + length].copy_from_slice(&samples[..length]);
            }
        }
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}
