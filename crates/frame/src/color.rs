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
    /// Where chroma samples lie that pixels share, if anybody said.
    pub siting: Option<Siting>,
}

/// Where the first chroma sample of a picture lies, where pixels share them: across, and down.
///
/// # References
///
/// `Chroma420SampleLocType` of ITU-T H.273 (8.7), figure 1; the numbers are those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Siting {
    /// On the first pixel across, between two rows. MPEG-2, H.264 and H.265 unless they say
    /// otherwise.
    Left = 0,
    /// In the middle of the pixels that share it. JPEG, MPEG-1.
    Centre = 1,
    /// On the first pixel. BT.2020 and BT.2100.
    TopLeft = 2,
    /// Between two pixels of the first row.
    Top = 3,
    /// On the first pixel of the second row.
    BottomLeft = 4,
    /// Between two pixels of the second row.
    Bottom = 5,
}

impl Siting {
    /// All of them, by their numbers.
    pub const ALL: [Self; 6] =
        [Self::Left, Self::Centre, Self::TopLeft, Self::Top, Self::BottomLeft, Self::Bottom];
}

impl Color {
    /// What applications render: sRGB codes (primaries 1, transfer 13, matrix 0, full range).
    pub const SRGB: Self =
        Self { primaries: 1, transfer: 13, matrix: 0, full_range: true, siting: None };
    /// BT.709 video in limited range (primaries 1, transfer 1, matrix 1).
    pub const BT709: Self =
        Self { primaries: 1, transfer: 1, matrix: 1, full_range: false, siting: None };

    /// Where chroma lies; where nobody said, [`Siting::TopLeft`] for the matrix of BT.2020 and
    /// [`Siting::Left`] otherwise.
    pub fn sited(&self) -> Siting {
        let usual = if self.matrix == 9 { Siting::TopLeft } else { Siting::Left };
        self.siting.unwrap_or(usual)
    }
}
