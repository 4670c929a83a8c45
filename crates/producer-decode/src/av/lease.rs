//! `get_buffer2`: the decoder writes its pictures into our surfaces.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use ffmpeg_sys_next as ffi;

use super::AvError;
use crate::formats;
use crate::pool::{Layout, Pool, Surface};

/// Puts surfaces of `pool` where the decoder writes. `pool` must live longer than `context`.
pub(super) fn lend_from(pool: &Arc<Pool>, context: &mut ffi::AVCodecContext) {
    context.opaque = Arc::as_ptr(pool).cast_mut().cast();
    context.get_buffer2 = Some(get_buffer);
    #[cfg(before_ffmpeg_6)]
    {
        context.thread_safe_callbacks = 1;
    }
}

/// # Safety
///
/// FFmpeg calls it, with a context of [`lend_from`] and a frame whose size and format it has set.
unsafe extern "C" fn get_buffer(
    context: *mut ffi::AVCodecContext,
    frame: *mut ffi::AVFrame,
    flags: i32,
) -> i32 {
    // SAFETY: see above. Nobody else uses the frame meanwhile.
    let raw = unsafe { &mut *frame };
    // SAFETY: see above. Other threads only read.
    let decoder = unsafe { &*context };
    // SAFETY: a codec is a constant of the library.
    let capabilities = unsafe { (*decoder.codec).capabilities };
    let direct = capabilities & ffi::AV_CODEC_CAP_DR1 as i32 != 0;
    let known = formats::of_frame(raw.format).map(|(format, _)| format);
    let (Some(format), true) = (known, direct) else {
        // SAFETY: it is made to be called from here.
        return unsafe { ffi::avcodec_default_get_buffer2(context, frame, flags) };
    };
    // SAFETY: `lend_from` put it there, and it outlives the context.
    let pool = unsafe { &*decoder.opaque.cast_const().cast::<Pool>() };
    let (mut width, mut height, mut aligned) = (raw.width, raw.height, [0; 8]);
    // SAFETY: the last three are where it writes, and the array has the 8 places that it fills.
    unsafe {
        ffi::avcodec_align_dimensions2(
            context,
            &raw mut width,
            &raw mut height,
            aligned.as_mut_ptr(),
        );
    }
    lay_out(format, (width, height), aligned)
        .and_then(|layout| lease(pool, &layout, raw))
        .map_or_else(|err| err.0, |()| 0)
}

/// Rows and planes for a picture of `size`, with rows that begin where `aligned` wants them. As
/// FFmpeg's own pool does it (`update_frame_pool` in `libavcodec/get_buffer.c`).
fn lay_out(
    format: ffi::AVPixelFormat,
    (mut width, height): (i32, i32),
    aligned: [i32; 8],
) -> Result<Layout, AvError> {
    let (mut strides, mut sizes) = ([0_i32; 4], [0_usize; 4]);
    loop {
        // SAFETY: it fills the four places.
        super::check(unsafe { ffi::av_image_fill_linesizes(strides.as_mut_ptr(), format, width) })?;
        let fits = |(stride, align): (&i32, &i32)| stride % align.max(&64) == 0;
        if strides.iter().zip(&aligned).all(fits) {
            break;
        }
        // To the next width with one more zero at its end.
        width += width & !(width - 1);
    }
    let wide = strides.map(|stride| stride as isize);
    // SAFETY: it fills the four places.
    super::check(unsafe {
        ffi::av_image_fill_plane_sizes(sizes.as_mut_ptr(), format, height, wide.as_ptr())
    })?;
    let planes = strides.iter().zip(sizes).take_while(|(_, size)| *size > 0);
    let planes = planes.map(|(stride, size)| (*stride as usize, size)).collect();
    Ok(Layout { format: format as i32, planes })
}

/// What a buffer of FFmpeg's keeps while it refers to a surface.
struct Lease {
    pool: Arc<Pool>,
    base: usize,
}

/// Puts a surface of `layout` into `frame`, to be given back with the last reference to it.
fn lease(pool: &Pool, layout: &Layout, frame: &mut ffi::AVFrame) -> Result<(), AvError> {
    let surface = pool.lend(layout).map_err(|_| AvError::NO_MEMORY)?;
    // SAFETY: `lend_from` got it from an `Arc`, which is alive as long as the context is.
    unsafe { Arc::increment_strong_count(pool) };
    // SAFETY: the count that it takes over is the one that was just added.
    let pool = unsafe { Arc::from_raw(ptr::from_ref(pool)) };
    let lease = Box::new(Lease { pool, base: surface.base() as usize });
    let (base, size, opaque) = (surface.base(), surface.size(), Box::into_raw(lease));
    // SAFETY: the memory is there until the surface is given back, which `free` does.
    let buffer = unsafe { ffi::av_buffer_create(base, size, Some(free), opaque.cast(), 0) };
    if buffer.is_null() {
        // SAFETY: nobody has it but us.
        unsafe { free(opaque.cast(), base) };
        return Err(AvError::NO_MEMORY);
    }
    frame.buf[0] = buffer;
    point(frame, &surface);
    Ok(())
}

/// Where the planes are.
fn point(frame: &mut ffi::AVFrame, surface: &Surface) {
    for (plane, (place, (stride, _))) in
        surface.places.iter().zip(&surface.layout.planes).enumerate()
    {
        frame.data[plane] = surface.base().wrapping_add(*place);
        // It came from an `i32`.
        frame.linesize[plane] = *stride as i32;
    }
    frame.extended_data = frame.data.as_mut_ptr();
}

/// # Safety
///
/// `opaque` is the box of a [`Lease`] that nobody uses after this.
unsafe extern "C" fn free(opaque: *mut c_void, _: *mut u8) {
    // SAFETY: see above.
    let lease = unsafe { Box::from_raw(opaque.cast::<Lease>()) };
    lease.pool.give_back(lease.base);
}

/// Puts a surface into a frame that has none, for a picture of its size and format.
pub(crate) fn surface_for(pool: &Arc<Pool>, frame: &mut ffi::AVFrame) -> Result<(), AvError> {
    let (format, _) = formats::of_frame(frame.format).ok_or(AvError::UNSUPPORTED)?;
    let layout = lay_out(format, (frame.width, frame.height), [64; 8])?;
    lease(pool, &layout, frame)
}
