//! Luma and colour by their definition, in real numbers.

use zerohop_frame::{Color, Extent};

use crate::picture::Picture;

/// The sample of a plane at a real place, mixed linearly from those around it; the edge goes on.
fn mix(width: usize, height: usize, x: f64, y: f64, code: impl Fn(usize, usize) -> f64) -> f64 {
    let clamp = |at: f64, count: usize| at.clamp(0.0, (count - 1) as f64);
    let (x, y) = (clamp(x, width), clamp(y, height));
    let (left, top) = (x.floor(), y.floor());
    let at = |dx: f64, dy: f64| {
        let column = (left + dx).min((width - 1) as f64) as usize;
        let row = (top + dy).min((height - 1) as f64) as usize;
        code(column, row)
    };
    let (fx, fy) = (x - left, y - top);
    let upper = at(0.0, 0.0) * (1.0 - fx) + at(1.0, 0.0) * fx;
    let lower = at(0.0, 1.0) * (1.0 - fx) + at(1.0, 1.0) * fx;
    upper * (1.0 - fy) + lower * fy
}

/// KR and KB of ITU-T H.273, table 4.
pub(crate) fn weights(matrix: u8) -> (f64, f64) {
    match matrix {
        1 => (0.2126, 0.0722),
        5 | 6 => (0.299, 0.114),
        9 => (0.2627, 0.0593),
        other => panic!("no weights of matrix {other}"),
    }
}

/// Where chroma sample 0 lies, in pixels from pixel 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sited {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// Y', Cb and Cr of pixel `x`, `y`: from 0 to 1, and from -0.5 to 0.5.
fn numbers(picture: &Picture, sited: Sited, x: u32, y: u32) -> [f64; 3] {
    let format = picture.format;
    let step = 2_f64.powi(format.bits as i32 - 8);
    let (black, luma, chroma) = if picture.color().full_range {
        let most = 2_f64.powi(format.bits as i32) - 1.0;
        (0.0, most, most)
    } else {
        (16.0 * step, 219.0 * step, 224.0 * step)
    };
    let middle = 2_f64.powi(format.bits as i32 - 1);
    let [_, cb, cr] = &picture.components;
    let (across, down) = (f64::from(format.shared.0), f64::from(format.shared.1));
    let place = |at: u32, first: f64, shared: f64| {
        if shared == 1.0 { f64::from(at) } else { (f64::from(at) - first) / shared }
    };
    let (cx, cy) = (place(x, sited.x, across), place(y, sited.y, down));
    let read = |plane: &crate::picture::Component| {
        let code = |column, row| f64::from(plane.at(column, row));
        (mix(plane.width, plane.height, cx, cy, code) - middle) / chroma
    };
    let code = f64::from(picture.components[0].at(x as usize, y as usize));
    [(code - black) / luma, read(cb), read(cr)]
}

/// R', G' and B' of a pixel, from 0 to 255.
pub(crate) fn rgb(picture: &Picture, sited: Sited, x: u32, y: u32) -> [f64; 3] {
    let [luma, cb, cr] = numbers(picture, sited, x, y);
    let (kr, kb) = weights(picture.color().matrix);
    let r = luma + 2.0 * (1.0 - kr) * cr;
    let b = luma + 2.0 * (1.0 - kb) * cb;
    let g = (luma - kr * r - kb * b) / (1.0 - kr - kb);
    [r, g, b].map(|value| (value * 255.0).clamp(0.0, 255.0))
}

/// The luma of a pixel in 8 bits.
pub(crate) fn luma(picture: &Picture, x: u32, y: u32) -> f64 {
    let bits = picture.format.bits as i32;
    let code = f64::from(picture.components[0].at(x as usize, y as usize));
    let eight = if picture.color().full_range {
        code * 255.0 / (2_f64.powi(bits) - 1.0)
    } else {
        code / 2_f64.powi(bits - 8)
    };
    eight.min(255.0)
}

/// All colours of the tests.
pub(crate) fn colors() -> Vec<Color> {
    let of = |matrix, full_range| Color { matrix, full_range, ..Color::BT709 };
    let each = [1, 6, 9].map(|matrix| [of(matrix, false), of(matrix, true)]);
    each.into_iter().flatten().collect()
}

/// Every pixel of a picture.
pub(crate) fn pixels(extent: Extent) -> impl Iterator<Item = (u32, u32)> {
    (0..extent.height).flat_map(move |y| (0..extent.width).map(move |x| (x, y)))
}
