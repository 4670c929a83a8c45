//! External memory, buffers over it, and memory of our own.

use std::os::fd::{AsRawFd as _, FromRawFd as _, IntoRawFd as _, OwnedFd};
use std::sync::Arc;

use zerohop_cuda::abi::{BufferDesc, DevicePointer, MEMORY_OPAQUE_FD, MemoryHandleDesc, RawMemory};

use crate::call::{Needs, call, get, put};
use crate::names::{INVALID_HANDLE, INVALID_VALUE, OUT_OF_MEMORY};
use crate::objects::{Object, Range};
use crate::pages::Pages;
use crate::state::State;

/// Bytes that rows of our own begin at multiples of, as on a GPU.
const PITCH: usize = 512;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuImportExternalMemory(
    out: *mut RawMemory,
    desc: *const MemoryHandleDesc,
) -> u32 {
    const NAME: &str = "cuImportExternalMemory";
    call(NAME, Needs::Context, |state| {
        // SAFETY: the caller's.
        let desc = unsafe { get(desc) }?;
        if desc.kind != MEMORY_OPAQUE_FD || desc.flags > 1 || desc.reserved != [0; 16] {
            let what = format!("handle type {}, flags {:#x}", desc.kind, desc.flags);
            return Err(state.complain(NAME, what, INVALID_VALUE));
        }
        // SAFETY: of this type the handle is a descriptor.
        let raw = unsafe { desc.handle.fd };
        let size = usize::try_from(desc.size).map_err(|_| INVALID_VALUE)?;
        let pages = import(raw, size).ok_or(INVALID_HANDLE)?;
        let handle = state.add(Object::Memory { pages: Arc::new(pages), size });
        // SAFETY: the caller's.
        unsafe { put(out, RawMemory(std::ptr::without_provenance_mut(handle))) }
    })
}

/// Takes the descriptor if it holds that much memory of llvmpipe's, and leaves it if not.
fn import(raw: i32, size: usize) -> Option<Pages> {
    // SAFETY: the caller says that it is open; it stays the caller's until we return `Some`.
    let fd = unsafe { OwnedFd::from_raw_fd(raw) };
    let pages = fd.try_clone().ok().and_then(Pages::of);
    let fits = |pages: &Pages| size > 0 && pages.length() >= pages.header() + size;
    let Some(pages) = pages.filter(fits) else {
        let _ = fd.into_raw_fd();
        return None;
    };
    debug_assert_eq!(fd.as_raw_fd(), raw);
    drop(fd);
    Some(pages)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDestroyExternalMemory(memory: RawMemory) -> u32 {
    const NAME: &str = "cuDestroyExternalMemory";
    call(NAME, Needs::Context, |state| {
        let handle = memory.0.addr();
        if !matches!(state.objects.get(&handle), Some(Object::Memory { .. })) {
            return Err(state.complain(NAME, "no such memory", INVALID_HANDLE));
        }
        let arrays = state.objects.values();
        let arrays =
            arrays.filter(|it| matches!(it, Object::Levels { memory, .. } if *memory == handle));
        let buffers = state.memory.values().filter(|range| range.memory == Some(handle));
        let views = arrays.count() + buffers.count();
        if views > 0 {
            state.complain(NAME, format!("{views} arrays and buffers over it are left"), 0);
        }
        state.remove(handle);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuExternalMemoryGetMappedBuffer(
    out: *mut DevicePointer,
    memory: RawMemory,
    desc: *const BufferDesc,
) -> u32 {
    const NAME: &str = "cuExternalMemoryGetMappedBuffer";
    call(NAME, Needs::Context, |state| {
        // SAFETY: the caller's.
        let desc = unsafe { get(desc) }?;
        let handle = memory.0.addr();
        let Some(Object::Memory { pages, size }) = state.objects.get(&handle) else {
            return Err(state.complain(NAME, "no such memory", INVALID_HANDLE));
        };
        let end = desc.offset.checked_add(desc.size).ok_or(INVALID_VALUE)?;
        if end > *size as u64 || desc.size == 0 || desc.flags != 0 || desc.reserved != [0; 16] {
            let what = format!("bytes {} to {end} of {size}", desc.offset);
            return Err(state.complain(NAME, what, INVALID_VALUE));
        }
        let address = pages.address() + pages.header() + desc.offset as usize;
        let (length, user) = (desc.size as usize, Arc::new(Some(Arc::clone(pages))));
        keep(state, address, Range { length, user, memory: Some(handle) });
        // SAFETY: the caller's.
        unsafe { put(out, address as DevicePointer) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAllocPitch_v2(
    out: *mut DevicePointer,
    pitch: *mut usize,
    width: usize,
    height: usize,
    element: u32,
) -> u32 {
    const NAME: &str = "cuMemAllocPitch_v2";
    call(NAME, Needs::Context, |state| {
        if !matches!(element, 4 | 8 | 16) || width == 0 || height == 0 {
            let what = format!("{height} rows of {width} bytes in elements of {element}");
            return Err(state.complain(NAME, what, INVALID_VALUE));
        }
        let row = width.checked_next_multiple_of(PITCH).ok_or(OUT_OF_MEMORY)?;
        let length = row.checked_mul(height).ok_or(OUT_OF_MEMORY)?;
        let pointer = allocate(state, length)?;
        // SAFETY: the caller's.
        unsafe { put(pitch, row) }?;
        // SAFETY: the caller's.
        unsafe { put(out, pointer) }
    })
}

/// Memory of the device: so many bytes.
pub(super) fn allocate(state: &mut State, length: usize) -> Result<DevicePointer, u32> {
    let pages = Arc::new(Pages::new(length).ok_or(OUT_OF_MEMORY)?);
    let address = pages.address();
    keep(state, address, Range { length, user: Arc::new(Some(pages)), memory: None });
    Ok(address as DevicePointer)
}

fn keep(state: &mut State, address: usize, range: Range) {
    state.born(range.kind());
    state.memory.insert(address, range);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemFree_v2(pointer: DevicePointer) -> u32 {
    const NAME: &str = "cuMemFree_v2";
    call(NAME, Needs::Context, |state| {
        let Some(range) = state.memory.remove(&(pointer as usize)) else {
            return Err(state.complain(NAME, "no such memory", INVALID_VALUE));
        };
        state.died(range.kind());
        if Arc::strong_count(&range.user) > 1 {
            state.complain(NAME, "work in flight uses it", 0);
        }
        Ok(())
    })
}
