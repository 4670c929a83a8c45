//! Arrays over external memory.

use std::sync::Arc;

use zerohop_cuda::abi::{
    COLOR_ATTACHMENT, MipmappedArrayDesc, RawArray, RawMemory, RawMipmappedArray, SURFACE_LDST,
};

use crate::call::{Needs, call, get, put};
use crate::layout::Layout;
use crate::names::{INVALID_HANDLE, INVALID_VALUE};
use crate::objects::{Image, Object};

#[unsafe(no_mangle)]
unsafe extern "C" fn cuExternalMemoryGetMappedMipmappedArray(
    out: *mut RawMipmappedArray,
    memory: RawMemory,
    desc: *const MipmappedArrayDesc,
) -> u32 {
    const NAME: &str = "cuExternalMemoryGetMappedMipmappedArray";
    call(NAME, Needs::Context, |state| {
        // SAFETY: the caller's.
        let desc = unsafe { get(desc) }?;
        let handle = memory.0.addr();
        let Some(Object::Memory { pages, size }) = state.objects.get(&handle) else {
            return Err(state.complain(NAME, "no such memory", INVALID_HANDLE));
        };
        let layout = Layout::of(&desc.array).filter(|_| {
            let known =
                desc.array.flags & !(SURFACE_LDST | COLOR_ATTACHMENT) == 0 && desc.levels == 1;
            known && desc.reserved == [0; 16]
        });
        let needs = layout.and_then(|it| it.size()?.checked_add(desc.offset as usize));
        let (Some(layout), Some(needs)) = (layout, needs) else {
            let what = format!("{:?} with {} levels", desc.array, desc.levels);
            return Err(state.complain(NAME, what, INVALID_VALUE));
        };
        if needs > *size {
            let what = format!("{:?} needs {needs} bytes of {size}", desc.array);
            return Err(state.complain(NAME, what, INVALID_VALUE));
        }
        let offset = pages.header() + desc.offset as usize;
        let image = Image { pages: Arc::clone(pages), offset, layout };
        let level = state.add(Object::Array(Arc::new(image)));
        let levels = state.add(Object::Levels { memory: handle, level });
        // SAFETY: the caller's.
        unsafe { put(out, RawMipmappedArray(std::ptr::without_provenance_mut(levels))) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMipmappedArrayGetLevel(
    out: *mut RawArray,
    levels: RawMipmappedArray,
    index: u32,
) -> u32 {
    const NAME: &str = "cuMipmappedArrayGetLevel";
    call(NAME, Needs::Context, |state| {
        let Some(Object::Levels { level, .. }) = state.objects.get(&levels.0.addr()) else {
            return Err(state.complain(NAME, "no such array", INVALID_HANDLE));
        };
        let level = *level;
        if index != 0 {
            return Err(state.complain(NAME, format!("level {index} of 1"), INVALID_VALUE));
        }
        // SAFETY: the caller's.
        unsafe { put(out, RawArray(std::ptr::without_provenance_mut(level))) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMipmappedArrayDestroy(levels: RawMipmappedArray) -> u32 {
    const NAME: &str = "cuMipmappedArrayDestroy";
    call(NAME, Needs::Context, |state| {
        let handle = levels.0.addr();
        let Some(Object::Levels { memory, level }) = state.objects.get(&handle) else {
            return Err(state.complain(NAME, "no such array", INVALID_HANDLE));
        };
        let (memory, level) = (*memory, *level);
        if !state.objects.contains_key(&memory) {
            state.complain(NAME, "its memory has gone before it", 0);
        }
        if let Some(Object::Array(image)) = state.objects.get(&level)
            && Arc::strong_count(image) > 1
        {
            state.complain(NAME, "work in flight uses it", 0);
        }
        state.remove(level);
        state.remove(handle);
        Ok(())
    })
}
