//! From half floats to codes.

use zerohop_frame::Color;
use zerohop_vulkan::{Channel, PixelFormat, PixelLayout};

/// The largest code.
const MAX: u16 = 1023;
/// The half float 1.0.
const ONE: u16 = 0x3c00;
/// The least half float that is a normal number: 2^-14.
const NORMAL: u16 = 0x400;
/// `TransferCharacteristics` 8 of ITU-T H.273: linear light.
const LINEAR: u8 = 8;

/// The largest codes of R, G and B, once half floats are codes.
pub(crate) fn maxima(format: PixelFormat) -> [u32; 3] {
    match format.layout() {
        PixelLayout::Packed { channels: [r, g, b, _], .. } => [r, g, b].map(Channel::max),
        PixelLayout::Half { .. } => [MAX.into(); 3],
    }
}

/// The 10-bit code of every half float from 0.0 to 1.0. What is below, or no number, is 0; what is
/// above is [`MAX`].
#[derive(Clone)]
pub(crate) struct Curve(Vec<u16>);

impl Curve {
    /// For pictures of `color`: linear light becomes sRGB codes (IEC 61966-2-1), everything else
    /// is taken for codes already.
    pub(crate) fn of(color: &Color) -> Self {
        let linear = color.transfer == LINEAR;
        let code = |bits: u16| {
            // A device may lose what is closer to zero than a normal number.
            let value = if bits < NORMAL { 0.0 } else { half(bits) };
            let value = if linear { srgb(value) } else { value };
            (value * f64::from(MAX)).round() as u16
        };
        Self((0..=ONE).map(code).collect())
    }

    /// The code of the half float with these bits.
    #[inline(always)]
    pub(crate) fn code(&self, bits: u16) -> u16 {
        match self.0.get(usize::from(bits)) {
            Some(code) => *code,
            None if bits <= 0x7c00 => MAX,
            None => 0,
        }
    }

    /// Two codes in a word, the lower one first, as the shader reads them.
    pub(crate) fn words(&self) -> Vec<u32> {
        let pair =
            |pair: &[u16]| u32::from(pair[0]) | u32::from(pair.get(1).copied().unwrap_or(0)) << 16;
        self.0.chunks(2).map(pair).collect()
    }
}

/// The value of a normal half float that is not negative and at most one.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10), f64::from(bits & 0x3ff));
    (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15)
}

/// The sRGB code of linear light.
fn srgb(light: f64) -> f64 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_and_what_lies_beyond() {
        for color in [Color::SRGB, Color { transfer: LINEAR, ..Color::SRGB }] {
            let curve = Curve::of(&color);
            let codes = [0, ONE, ONE + 1, 0x7c00, 0x7c01, 0x8000, 0xbc00, 0xffff];
            assert_eq!(codes.map(|bits| curve.code(bits)), [0, 1023, 1023, 1023, 0, 0, 0, 0]);
        }
    }

    #[test]
    fn linear_light_is_bent_and_codes_are_not() {
        let half = 0x3800; // 0.5
        assert_eq!(Curve::of(&Color::SRGB).code(half), 512);
        let linear = Curve::of(&Color { transfer: LINEAR, ..Color::SRGB });
        assert_eq!(linear.code(half), 752); // 0.7354 of 1023
        assert_eq!(linear.words()[0x3800 / 2] & 0xffff, 752);
    }
}
