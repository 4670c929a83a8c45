//! What the stream says about its colours.

use openh264::encoder::{ColorPrimaries, MatrixCoefficients, TransferCharacteristics, VuiConfig};
use zerohop_frame::Color;

use crate::Error;

/// The video usability information for `color`.
///
/// # Errors
///
/// [`Error::Color`] for code points that OpenH264 has no name for.
///
/// # References
///
/// ITU-T H.264 E.2.1 (`colour_primaries`, `transfer_characteristics`, `matrix_coefficients`), whose
/// numbers are those of H.273.
pub(crate) fn of(color: Color) -> Result<VuiConfig, Error> {
    let codes = primaries(color.primaries).zip(transfer(color.transfer)).zip(matrix(color.matrix));
    let ((primaries, transfer), matrix) = codes.ok_or(Error::Color(color))?;
    Ok(VuiConfig::new()
        .color_primaries(primaries)
        .transfer_characteristics(transfer)
        .matrix_coefficients(matrix)
        .full_range(color.full_range))
}

fn primaries(code: u8) -> Option<ColorPrimaries> {
    use ColorPrimaries::{Bt470BG, Bt470M, Bt709, Bt2020, Film, Smpte170M, Smpte240M, Unspecified};
    let known = [Bt709, Unspecified, Bt470M, Bt470BG, Smpte170M, Smpte240M, Film, Bt2020];
    known.into_iter().find(|known| known.as_u8() == code)
}

fn transfer(code: u8) -> Option<TransferCharacteristics> {
    use TransferCharacteristics::{
        Bt470Bg, Bt470M, Bt709, Bt2020_10, Bt2020_12, Hlg, Linear, Smpte170M, Smpte240M, Smpte2084,
        Srgb, Unspecified,
    };
    let known = [
        Bt709,
        Unspecified,
        Bt470M,
        Bt470Bg,
        Smpte170M,
        Smpte240M,
        Linear,
        Srgb,
        Bt2020_10,
        Bt2020_12,
        Smpte2084,
        Hlg,
    ];
    known.into_iter().find(|known| known.as_u8() == code)
}

/// Without `Identity`, which is for 4:4:4 pictures.
fn matrix(code: u8) -> Option<MatrixCoefficients> {
    use MatrixCoefficients::{
        Bt470Bg, Bt709, Bt2020Cl, Bt2020Ncl, Fcc, Smpte170M, Smpte240M, Unspecified, Ycgco,
    };
    let known =
        [Bt709, Unspecified, Fcc, Bt470Bg, Smpte170M, Smpte240M, Ycgco, Bt2020Ncl, Bt2020Cl];
    known.into_iter().find(|known| known.as_u8() == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_point_is_its_own_number() {
        let video = Color { primaries: 9, transfer: 16, matrix: 9, full_range: true };
        let wanted = VuiConfig::new()
            .color_primaries(ColorPrimaries::Bt2020)
            .transfer_characteristics(TransferCharacteristics::Smpte2084)
            .matrix_coefficients(MatrixCoefficients::Bt2020Ncl)
            .full_range(true);
        assert_eq!(of(video).unwrap(), wanted);
        assert_eq!(of(Color::BT709).unwrap(), VuiConfig::bt709());
    }

    #[test]
    fn rgb_has_no_code_in_a_subsampled_stream() {
        let err = of(Color::SRGB).unwrap_err();
        assert_eq!(err.to_string(), "no bitstream code for primaries 1, transfer 13, matrix 0");
    }
}
