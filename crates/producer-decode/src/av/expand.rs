//! Pixels that are no codes of their own, made into codes: palettes, and bits.

use std::ptr::NonNull;

use ffmpeg_sys_next::AVPixelFormat::{self, *};

use super::Picture;

/// What pictures in the format with the number `format` are made into before anybody reads them, if
/// they have to be.
pub(crate) fn expanded(format: i32) -> Option<AVPixelFormat> {
    if format == AV_PIX_FMT_PAL8 as i32 {
        return Some(AV_PIX_FMT_BGRA);
    }
    let bits = [AV_PIX_FMT_MONOWHITE as i32, AV_PIX_FMT_MONOBLACK as i32];
    bits.contains(&format).then_some(AV_PIX_FMT_GRAY8)
}

/// Makes the pixels of `from` into those of `to`, which has memory for the [`expanded`] format.
/// `None` when a plane is missing.
///
/// # References
///
/// `libavutil/pixfmt.h`: the palette is in `data[1]`, 256 words 0xAARRGGBB; of bits the highest comes
/// first, and 0 is white in `MONOWHITE`.
pub(super) fn expand(from: &Picture, to: &mut Picture) -> Option<()> {
    let (width, height) = (from.raw().width.unsigned_abs(), from.raw().height.unsigned_abs());
    let (width, height) = (width as usize, height as usize);
    let palette = from.raw().format == AV_PIX_FMT_PAL8 as i32;
    let white = from.raw().format == AV_PIX_FMT_MONOWHITE as i32;
    let row = if palette { width } else { width.div_ceil(8) };
    let colours = if palette { Some(words(from)?) } else { None };
    for y in 0..height {
        let source = start(from.raw().data[0], from.raw().linesize[0], y)?;
        // SAFETY: FFmpeg's rows have that many bytes.
        let source = unsafe { std::slice::from_raw_parts(source, row) };
        let target = start(to.raw().data[0], to.raw().linesize[0], y)?;
        let bytes = if palette { width * 4 } else { width };
        // SAFETY: the rows of the surface have that many bytes, and nobody else has it yet.
        let target = unsafe { std::slice::from_raw_parts_mut(target, bytes) };
        match &colours {
            Some(colours) => {
                for (pixel, index) in target.chunks_exact_mut(4).zip(source) {
                    pixel.copy_from_slice(&colours[usize::from(*index)].to_le_bytes());
                }
            }
            None => {
                for (x, pixel) in target.iter_mut().enumerate() {
                    let bit = source[x / 8] >> (7 - x % 8) & 1 == 1;
                    *pixel = if bit == white { 0 } else { 255 };
                }
            }
        }
    }
    Some(())
}

/// The palette.
fn words(picture: &Picture) -> Option<[u32; 256]> {
    let palette = NonNull::new(picture.raw().data[1])?.cast::<[u32; 256]>();
    // SAFETY: a picture with a palette has 256 words there (`AVPALETTE_SIZE`).
    Some(unsafe { palette.read_unaligned() })
}

/// Where a row begins.
fn start(first: *mut u8, stride: i32, row: usize) -> Option<*mut u8> {
    let first = NonNull::new(first)?;
    Some(first.as_ptr().wrapping_offset(stride as isize * row as isize))
}
