//! Copies of rows.

use std::any::Any;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use zerohop_cuda::abi::{Memcpy2d, Memcpy2dSide, RawStream, TYPE_ARRAY, TYPE_DEVICE, TYPE_HOST};

use crate::call::{Needs, call, get};
use crate::entry::stream::give;
use crate::names::{INVALID_HANDLE, INVALID_VALUE};
use crate::objects::{Moment, Object, Range};
use crate::plan::Plan;
use crate::state::State;

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpy2DAsync_v2(copy: *const Memcpy2d, stream: RawStream) -> u32 {
    const NAME: &str = "cuMemcpy2DAsync_v2";
    let (done, mut waits) = (Arc::<Moment>::default(), false);
    let told = Arc::clone(&done);
    let code = call(NAME, Needs::Context, |state| {
        // SAFETY: the caller's.
        let Memcpy2d { source, target, width_in_bytes: width, height } = unsafe { get(copy) }?;
        let from = side(state, (width, height), source, |host| host.cast_mut())?;
        let to = side(state, (width, height), target, |host| host)?;
        waits = from.pageable || to.pageable;
        state.report.copied += (width * height) as u64;
        give(state, NAME, stream, move || {
            copy_rows(&from, &to, (width, height));
            told.reach();
        })
    });
    if code == 0 && waits {
        done.wait();
    }
    code
}

/// Rows that are there for as long as this is.
struct Rows {
    first: *mut u8,
    pitch: usize,
    /// Memory of the process that may go once the call is over.
    pageable: bool,
    _user: Arc<dyn Any + Send + Sync>,
}

// SAFETY: the rows are bytes that stay as long as their user; streams order who touches them.
unsafe impl Send for Rows {}

fn copy_rows(from: &Rows, to: &Rows, (width, height): (usize, usize)) {
    for row in 0..height {
        let source = from.first.wrapping_add(row * from.pitch);
        let target = to.first.wrapping_add(row * to.pitch);
        // SAFETY: `side` checked that both rows are whole. They may overlap if the caller is wrong.
        unsafe { ptr::copy(source, target, width) };
    }
}

/// One side of a copy of `width` bytes in `height` rows, checked.
fn side<P: Copy>(
    state: &mut State,
    (width, height): (usize, usize),
    side: Memcpy2dSide<P>,
    host: impl Fn(P) -> *mut c_void,
) -> Result<Rows, u32> {
    const NAME: &str = "cuMemcpy2DAsync_v2";
    if width == 0 || height == 0 {
        let what = format!("{height} rows of {width}");
        return Err(state.complain(NAME, what, INVALID_VALUE));
    }
    let begin = (side.x_in_bytes, side.y);
    if side.kind == TYPE_ARRAY {
        return array(state, (width, height), begin, side.array.0.addr());
    }
    let (ranges, first) = match side.kind {
        TYPE_DEVICE => (&state.memory, side.device as usize),
        TYPE_HOST => (&state.pinned, host(side.host).addr()),
        _ => return Err(INVALID_VALUE),
    };
    let (end, last) = (begin.0.saturating_add(width), begin.1.saturating_add(height - 1));
    let needs = side.pitch.checked_mul(last).and_then(|before| before.checked_add(end));
    let needs = needs.filter(|_| side.pitch >= end).ok_or(INVALID_VALUE)?;
    let held = within(ranges, first, needs);
    let pageable = held.is_none() && side.kind == TYPE_HOST && Plan::get().pageable;
    let Some(user) = held.or_else(|| pageable.then(|| Arc::new(()) as _)) else {
        let memory = if side.kind == TYPE_HOST { "locked" } else { "allocated" };
        let what = format!("{needs} bytes at {first:#x} are not {memory}");
        return Err(state.complain(NAME, what, INVALID_VALUE));
    };
    let first = ptr::with_exposed_provenance_mut(first + begin.1 * side.pitch + begin.0);
    Ok(Rows { first, pitch: side.pitch, pageable, _user: user })
}

fn array(
    state: &mut State,
    (width, height): (usize, usize),
    (x, y): (usize, usize),
    handle: usize,
) -> Result<Rows, u32> {
    const NAME: &str = "cuMemcpy2DAsync_v2";
    let Some(Object::Array(image)) = state.objects.get(&handle) else {
        return Err(state.complain(NAME, "no such array", INVALID_HANDLE));
    };
    let (image, layout) = (Arc::clone(image), image.layout);
    let (end, last) = (x.saturating_add(width), y.saturating_add(height));
    if end > layout.row_bytes || last > layout.rows {
        let what = format!("{height} rows of {width} bytes from {x}, {y} of {layout:?}");
        return Err(state.complain(NAME, what, INVALID_VALUE));
    }
    let first = image.pages.as_ptr().wrapping_add(image.offset + layout.pitch * y + x);
    debug_assert!(image.offset + layout.pitch * (last - 1) + end <= image.pages.length());
    Ok(Rows { first, pitch: layout.pitch, pageable: false, _user: image })
}

/// Who holds `length` bytes from `first` on.
fn within(
    ranges: &BTreeMap<usize, Range>,
    first: usize,
    length: usize,
) -> Option<Arc<dyn Any + Send + Sync>> {
    let (start, range) = ranges.range(..=first).next_back()?;
    let left = range.length.checked_sub(first - start)?;
    (length <= left).then(|| Arc::clone(&range.user) as _)
}
