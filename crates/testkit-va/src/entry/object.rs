//! What is made and used: surfaces, contexts, buffers, pictures.

use std::ffi::{c_int, c_uint, c_void};

use super::{list, out, with};
use crate::abi::{
    COMPOSED_LAYERS, DriverContext, Id, MEMORY_PRIME_2, PrimeSurface, SURFACE_READY, Status,
    SurfaceAttribute, surface_attribute,
};
use crate::driver::Driver;
use crate::error::Error;
use crate::format::Format;

/// The most bytes of one buffer.
const MOST: usize = 256 << 20;

/// Puts the functions into the table.
pub(super) fn fill(table: &mut [*const c_void]) {
    table[7] = create_surfaces as *const c_void;
    table[8] = destroy_surfaces as *const c_void;
    table[9] = create_context as *const c_void;
    table[10] = destroy_context as *const c_void;
    table[11] = create_buffer as *const c_void;
    table[13] = map_buffer as *const c_void;
    table[14] = unmap_buffer as *const c_void;
    table[15] = destroy_buffer as *const c_void;
    table[16] = begin as *const c_void;
    table[17] = render as *const c_void;
    table[18] = end as *const c_void;
    table[19] = sync as *const c_void;
    table[20] = status as *const c_void;
    table[45] = create_surfaces_2 as *const c_void;
    table[55] = export as *const c_void;
    table[56] = sync_2 as *const c_void;
}

unsafe extern "C" fn create_surfaces(
    context: *mut DriverContext,
    width: c_int,
    height: c_int,
    format: c_int,
    count: c_int,
    to: *mut Id,
) -> Status {
    let (width, height) = (width.unsigned_abs(), height.unsigned_abs());
    let none = std::ptr::null_mut();
    let (format, count) = (format.cast_unsigned(), count.max(0).cast_unsigned());
    // SAFETY: as libva calls this one.
    unsafe { create_surfaces_2(context, format, width, height, to, count, none, 0) }
}

unsafe extern "C" fn create_surfaces_2(
    context: *mut DriverContext,
    format: c_uint,
    width: c_uint,
    height: c_uint,
    to: *mut Id,
    count: c_uint,
    attributes: *mut SurfaceAttribute,
    attribute_count: c_uint,
) -> Status {
    // SAFETY: libva's list.
    let to = unsafe { list(to, count) };
    // SAFETY: libva's list.
    let attributes = unsafe { list(attributes, attribute_count) };
    let body = |driver: &mut Driver| {
        let named = |one: &&SurfaceAttribute| one.kind == surface_attribute::PIXEL_FORMAT;
        let format = match attributes.iter().find(named) {
            Some(named) => Format::named(named.value as u32).filter(|it| it.target & format != 0),
            None => Format::of_target(format),
        };
        let format = format.ok_or(Error::UnsupportedFormat)?;
        for to in to {
            *to = driver.create_surface(width, height, format)?;
        }
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn destroy_surfaces(
    context: *mut DriverContext,
    surfaces: *mut Id,
    count: c_int,
) -> Status {
    // SAFETY: libva's list.
    let surfaces = unsafe { list(surfaces, count) };
    let body = |driver: &mut Driver| {
        let gone = surfaces.iter().filter(|id| driver.surfaces.remove(id).is_none()).count();
        if gone == 0 { Ok(()) } else { Err(Error::InvalidSurface) }
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn create_context(
    context: *mut DriverContext,
    config: Id,
    _width: c_int,
    _height: c_int,
    _flag: c_int,
    _targets: *mut Id,
    _count: c_int,
    to: *mut Id,
) -> Status {
    let body = |driver: &mut Driver| {
        // SAFETY: libva's place.
        *unsafe { out(to) }? = driver.create_context(config)?;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn destroy_context(context: *mut DriverContext, id: Id) -> Status {
    let body =
        |driver: &mut Driver| driver.contexts.remove(&id).map(drop).ok_or(Error::InvalidContext);
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn create_buffer(
    context: *mut DriverContext,
    _stream: Id,
    kind: c_uint,
    size: c_uint,
    count: c_uint,
    data: *mut c_void,
    to: *mut Id,
) -> Status {
    let body = |driver: &mut Driver| {
        let bytes = (size as usize).checked_mul(count as usize).filter(|bytes| *bytes <= MOST);
        let bytes = bytes.ok_or(Error::InvalidParameter)?;
        // SAFETY: libva's caller gives null, or as many bytes as it says.
        let given: &[u8] = unsafe { list(data.cast(), bytes) };
        let bytes = if given.is_empty() { vec![0; bytes] } else { given.to_vec() };
        let id = driver.create_buffer(kind, size as usize, bytes.into_boxed_slice());
        // SAFETY: libva's place.
        *unsafe { out(to) }? = id;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn map_buffer(
    context: *mut DriverContext,
    id: Id,
    to: *mut *mut c_void,
) -> Status {
    let body = |driver: &mut Driver| {
        let buffer = driver.buffers.get_mut(&id).ok_or(Error::InvalidBuffer)?;
        let pointer = match buffer.of_surface {
            None => buffer.bytes.as_mut_ptr(),
            Some(surface) => driver.surface(surface)?.whole().ok_or(Error::InvalidBuffer)?.0,
        };
        // SAFETY: libva's place.
        *unsafe { out(to) }? = pointer.cast();
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn unmap_buffer(context: *mut DriverContext, id: Id) -> Status {
    let body = |driver: &mut Driver| {
        if driver.buffers.contains_key(&id) { Ok(()) } else { Err(Error::InvalidBuffer) }
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn destroy_buffer(context: *mut DriverContext, id: Id) -> Status {
    let body =
        |driver: &mut Driver| driver.buffers.remove(&id).map(drop).ok_or(Error::InvalidBuffer);
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn begin(context: *mut DriverContext, stream: Id, target: Id) -> Status {
    // SAFETY: libva's context.
    unsafe { with(context, |driver| driver.begin(stream, target)) }
}

unsafe extern "C" fn render(
    context: *mut DriverContext,
    stream: Id,
    buffers: *mut Id,
    count: c_int,
) -> Status {
    // SAFETY: libva's list.
    let buffers = unsafe { list(buffers, count) };
    // SAFETY: libva's context.
    unsafe { with(context, |driver| driver.render(stream, buffers)) }
}

unsafe extern "C" fn end(context: *mut DriverContext, stream: Id) -> Status {
    // SAFETY: libva's context.
    unsafe { with(context, |driver| driver.end(stream)) }
}

unsafe extern "C" fn sync(context: *mut DriverContext, surface: Id) -> Status {
    // SAFETY: libva's context.
    unsafe { with(context, |driver| driver.surface(surface)?.outcome) }
}

unsafe extern "C" fn sync_2(context: *mut DriverContext, surface: Id, _nanoseconds: u64) -> Status {
    // SAFETY: as libva calls this one.
    unsafe { sync(context, surface) }
}

unsafe extern "C" fn status(context: *mut DriverContext, surface: Id, to: *mut u32) -> Status {
    let body = |driver: &mut Driver| {
        let _ = driver.surface(surface)?;
        // SAFETY: libva's place.
        *unsafe { out(to) }? = SURFACE_READY;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn export(
    context: *mut DriverContext,
    surface: Id,
    memory: u32,
    flags: u32,
    to: *mut c_void,
) -> Status {
    let body = |driver: &mut Driver| {
        if memory != MEMORY_PRIME_2 {
            return Err(Error::MemoryType);
        }
        // SAFETY: with this memory type, the caller's place for such a description.
        let to = unsafe { out(to.cast::<PrimeSurface>()) }?;
        *to = driver.export(surface, flags & COMPOSED_LAYERS != 0)?;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}
