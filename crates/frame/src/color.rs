//! What the numbers of a picture mean as colour.

/// Colour description by the code points of ITU-T H.273 (ISO/IEC 23091-2), as bitstreams carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color {
    /// `ColourPrimaries` (H.273 table 2).
    pub primaries: u8,
    /// `TransferCharacteristics` (H.273 table 3).
    pub transfer: u8,
    /// `MatrixCoefficients` (H.273 table 4); 0 for RGB.
    pub matrix: u8,
    /// `VideoFullRangeFlag`: whether luma uses all codes (0..=255), not 16..=235.
    pub full_range: bool,
}

impl Color {
    /// What applications render: sRGB codes (primaries 1, transfer 13, matrix 0, full range).
    pub const SRGB: Self = Self { primaries: 1, transfer: 13, matrix: 0, full_range: true };
    /// BT.709 video in limited range (primaries 1, transfer 1, matrix 1).
    pub const BT709: Self = Self { primaries: 1, transfer: 1, matrix: 1, full_range: false };
}
