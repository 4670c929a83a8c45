//! What the passes should find and write, by the shortest way there is.
#![allow(dead_code, reason = "each program that includes this uses its own part")]

use std::os::fd::AsFd;

use zerohop_frame::{Color, Extent, Fourcc, Frame, MemoryHandle};
use zerohop_vulkan::{PixelFormat, PixelLayout};

/// The tiles in which two pictures differ by a bit that counts.
pub(crate) fn changed_tiles(
    old: &[u8],
    new: &[u8],
    extent: Extent,
    format: PixelFormat,
) -> Vec<usize> {
    let columns = extent.width.div_ceil(16) as usize;
    let mut tiles: Vec<usize> = old
        .chunks_exact(format.bytes())
        .zip(new.chunks_exact(format.bytes()))
        .enumerate()
        .filter(|(_, (old, new))| counted(old, format) != counted(new, format))
        .map(|(i, _)| {
            let (x, y) = (i % extent.width as usize, i / extent.width as usize);
            y / 16 * columns + x / 16
        })
        .collect();
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}

/// The bits of a pixel that count.
fn counted(pixel: &[u8], format: PixelFormat) -> u64 {
    let bits = pixel.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
    match format.layout() {
        PixelLayout::Packed { channels, .. } => {
            bits & channels.iter().fold(0, |all, it| all | u64::from(it.max()) << it.shift)
        }
        PixelLayout::Half { alpha } => {
            let halves = [0, 16, 32, 48].map(|at| (bits >> at) as u16);
            let used = halves.iter().take(if alpha { 4 } else { 3 });
            used.fold(0, |all, half| {
                let half = match half & 0x7fff {
                    0x7c01.. => 0x7e00,
                    ..0x400 => half & 0x8000,
                    _ => *half,
                };
                all << 16 | u64::from(half)
            })
        }
    }
}

/// A Y'CbCr picture without padding of rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Planes {
    pub(crate) extent: Extent,
    pub(crate) y: Vec<u16>,
    pub(crate) cb: Vec<u16>,
    pub(crate) cr: Vec<u16>,
}

impl Planes {
    /// From raw codes, in real numbers, to codes of 8 bits or of 10.
    pub(crate) fn by_definition(
        bits: u32,
        bytes: &[u8],
        source: Extent,
        format: PixelFormat,
        color: &Color,
    ) -> Self {
        let even = |side: u32| side.next_multiple_of(2).max(16);
        let extent = Extent { width: even(source.width), height: even(source.height) };
        let rgb = |x: u32, y: u32| {
            let (x, y) = (x.min(source.width - 1), y.min(source.height - 1));
            let at = (y * source.width + x) as usize * format.bytes();
            real(&bytes[at..at + format.bytes()], format, color)
        };
        let one = f64::from(1 << (bits - 8));
        let (mut luma, mut cb, mut cr) = (Vec::new(), Vec::new(), Vec::new());
        for y in 0..extent.height {
            for x in 0..extent.width {
                luma.push(((16.0 + 219.0 * weigh(rgb(x, y))) * one).round() as u16);
            }
        }
        for y in (0..extent.height).step_by(2) {
            for x in (0..extent.width).step_by(2) {
                let four = [rgb(x, y), rgb(x + 1, y), rgb(x, y + 1), rgb(x + 1, y + 1)];
                let mean = [0, 1, 2].map(|c| four.iter().map(|one| one[c]).sum::<f64>() / 4.0);
                let e = weigh(mean);
                cb.push(((128.0 + 224.0 * (mean[2] - e) / 1.8556) * one).round() as u16);
                cr.push(((128.0 + 224.0 * (mean[0] - e) / 1.5748) * one).round() as u16);
            }
        }
        Self { extent, y: luma, cb, cr }
    }

    /// The largest difference of any two codes.
    pub(crate) fn distance(&self, other: &Self) -> u16 {
        assert_eq!(self.extent, other.extent);
        let apart = |a: &[u16], b: &[u16]| {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
        };
        apart(&self.y, &other.y).max(apart(&self.cb, &other.cb)).max(apart(&self.cr, &other.cr))
    }
}

fn weigh(rgb: [f64; 3]) -> f64 {
    0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
}

/// R, G and B from 0 to 1.
fn real(pixel: &[u8], format: PixelFormat, color: &Color) -> [f64; 3] {
    let bits = pixel.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
    match format.layout() {
        PixelLayout::Packed { channels, .. } => [0, 1, 2].map(|c| {
            let one = channels[c];
            (bits >> one.shift & u64::from(one.max())) as f64 / f64::from(one.max())
        }),
        PixelLayout::Half { .. } => [0, 16, 32].map(|at| half((bits >> at) as u16, color)),
    }
}

fn half(bits: u16, color: &Color) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let value = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => 0.0,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    };
    let value = if bits & 0x8000 == 0 { value.min(1.0) } else { 0.0 };
    match color.transfer {
        8 if value <= 0.003_130_8 => value * 12.92,
        8 => 1.055 * value.powf(1.0 / 2.4) - 0.055,
        _ => value,
    }
}

/// Reads a converted picture as an encoder in another process would: through its descriptor.
pub(crate) fn planes_of(frame: &Frame) -> Planes {
    zerohop_vulkan::wait_on_cpu(frame.acquire()).expect("a fence that signals");
    let descriptor = frame.buffer().descriptor();
    let [MemoryHandle::Shm(fd)] = frame.buffer().memory() else { panic!("one memfd") };
    let deep = descriptor.fourcc == Fourcc::P010;
    let bytes = if deep { 2 } else { 1 };
    let rows = |plane: usize, width: u32, height: u32| {
        let plane = descriptor.planes[plane];
        let mut all = vec![0; (width * height) as usize * bytes];
        for (y, row) in all.chunks_exact_mut(width as usize * bytes).enumerate() {
            let at = u64::from(plane.offset) + u64::from(plane.stride) * y as u64;
            let read = rustix::io::pread(fd.as_fd(), &mut *row, at).expect("bytes of the picture");
            assert_eq!(read, row.len());
        }
        // The lower six bits of a code of ten are zero.
        let code = |two: &[u8]| u16::from_le_bytes([two[0], two[1]]).rotate_right(6);
        if deep {
            all.chunks_exact(2).map(code).collect()
        } else {
            all.into_iter().map(u16::from).collect()
        }
    };
    let Extent { width, height } = descriptor.extent;
    let y: Vec<u16> = rows(0, width, height);
    let (cb, cr) = if descriptor.fourcc == Fourcc::YUV420 {
        (rows(1, width / 2, height / 2), rows(2, width / 2, height / 2))
    } else {
        let both: Vec<u16> = rows(1, width, height / 2);
        let every = |first: usize| both.iter().skip(first).step_by(2).copied().collect();
        (every(0), every(1))
    };
    Planes { extent: descriptor.extent, y, cb, cr }
}
