//! Textures of OpenGL: who may use them when, and their pixels while they are mapped.

use std::ptr;
use std::sync::Arc;

use zerohop_cuda::abi::{GRAPHICS_READ_ONLY, RawArray, RawGraphics, RawStream};

use crate::call::{Needs, call, get, put};
use crate::entry::stream::give;
use crate::gl::Gl;
use crate::layout::Layout;
use crate::names::{ALREADY_MAPPED, INVALID_HANDLE, INVALID_VALUE, NOT_MAPPED, OUT_OF_MEMORY};
use crate::objects::{Image, Object};
use crate::pages::Pages;
use crate::state::State;

/// `CUDA_ERROR_INVALID_GRAPHICS_CONTEXT`.
const NO_GL: u32 = 219;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphicsGLRegisterImage(
    out: *mut RawGraphics,
    texture: u32,
    target: u32,
    flags: u32,
) -> u32 {
    const NAME: &str = "cuGraphicsGLRegisterImage";
    call(NAME, Needs::Context, |state| {
        let Some(gl) = Gl::current() else {
            return Err(state.complain(NAME, "no context of OpenGL is current", NO_GL));
        };
        if flags & !GRAPHICS_READ_ONLY != 0 {
            return Err(state.complain(NAME, format!("flags {flags:#x}"), INVALID_VALUE));
        }
        let size = gl.size_of(texture, target).ok_or(INVALID_VALUE)?;
        let handle = state.add(Object::Texture { name: texture, size, mapped: None });
        // SAFETY: the caller's.
        unsafe { put(out, RawGraphics(ptr::without_provenance_mut(handle))) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphicsUnregisterResource(resource: RawGraphics) -> u32 {
    const NAME: &str = "cuGraphicsUnregisterResource";
    call(NAME, Needs::Context, |state| {
        let (.., mapped) = texture(state, NAME, resource.0.addr())?;
        if mapped.is_some() {
            state.complain(NAME, "it is mapped", 0);
        }
        state.remove(resource.0.addr());
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphicsMapResources(
    count: u32,
    resources: *mut RawGraphics,
    stream: RawStream,
) -> u32 {
    const NAME: &str = "cuGraphicsMapResources";
    call(NAME, Needs::Context, |state| {
        // SAFETY: the caller's.
        let handle = unsafe { one(state, NAME, count, resources) }?;
        let (name, size, mapped) = texture(state, NAME, handle)?;
        if mapped.is_some() {
            return Err(state.complain(NAME, "it is mapped already", ALREADY_MAPPED));
        }
        let Some(gl) = Gl::current() else {
            return Err(state.complain(NAME, "no context of OpenGL is current", NO_GL));
        };
        let image = gl.read(name, size).and_then(|pixels| snapshot(&pixels, size));
        let array = state.add(Object::Array(Arc::new(image.ok_or(OUT_OF_MEMORY)?)));
        state.objects.insert(handle, Object::Texture { name, size, mapped: Some(array) });
        give(state, NAME, stream, || ())
    })
}

/// The pixels as an array.
fn snapshot(pixels: &[u8], (width, rows): (usize, usize)) -> Option<Image> {
    let pages = Pages::new(pixels.len())?;
    // SAFETY: as many bytes were just mapped, and nobody else knows them.
    unsafe { ptr::copy_nonoverlapping(pixels.as_ptr(), pages.as_ptr(), pixels.len()) };
    let layout = Layout { row_bytes: width * 4, rows, pitch: width * 4 };
    Some(Image { pages: Arc::new(pages), offset: 0, layout })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphicsUnmapResources(
    count: u32,
    resources: *mut RawGraphics,
    stream: RawStream,
) -> u32 {
    const NAME: &str = "cuGraphicsUnmapResources";
    call(NAME, Needs::Context, |state| {
        // SAFETY: the caller's.
        let handle = unsafe { one(state, NAME, count, resources) }?;
        let (name, size, mapped) = texture(state, NAME, handle)?;
        let array = mapped.ok_or_else(|| state.complain(NAME, "it is not mapped", NOT_MAPPED))?;
        if Gl::current().is_none() {
            return Err(state.complain(NAME, "no context of OpenGL is current", NO_GL));
        }
        // Work that reads it was given to a stream before, and keeps what it needs.
        state.remove(array);
        state.objects.insert(handle, Object::Texture { name, size, mapped: None });
        give(state, NAME, stream, || ())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuGraphicsSubResourceGetMappedArray(
    out: *mut RawArray,
    resource: RawGraphics,
    index: u32,
    level: u32,
) -> u32 {
    const NAME: &str = "cuGraphicsSubResourceGetMappedArray";
    call(NAME, Needs::Context, |state| {
        let (.., mapped) = texture(state, NAME, resource.0.addr())?;
        let array = mapped.ok_or_else(|| state.complain(NAME, "it is not mapped", NOT_MAPPED))?;
        if (index, level) != (0, 0) {
            return Err(state.complain(NAME, format!("level {level} of {index}"), INVALID_VALUE));
        }
        // SAFETY: the caller's.
        unsafe { put(out, RawArray(ptr::without_provenance_mut(array))) }
    })
}

/// The one resource of a call.
///
/// # Safety
///
/// `resources` is null or readable.
unsafe fn one(
    state: &mut State,
    name: &str,
    count: u32,
    resources: *mut RawGraphics,
) -> Result<usize, u32> {
    if count != 1 {
        return Err(state.complain(name, format!("{count} resources"), INVALID_VALUE));
    }
    // SAFETY: the caller's.
    Ok(unsafe { get(resources.cast_const()) }?.0.addr())
}

type Texture = (u32, (usize, usize), Option<usize>);

fn texture(state: &mut State, call: &str, handle: usize) -> Result<Texture, u32> {
    match state.objects.get(&handle) {
        Some(Object::Texture { name, size, mapped }) => Ok((*name, *size, *mapped)),
        _ => Err(state.complain(call, "no such texture", INVALID_HANDLE)),
    }
}
