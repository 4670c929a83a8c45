//! The parameter sets of H.264, from what libva tells of them.
//!
//! # References
//!
//! ITU-T H.264, 7.3.2.1.1 (sequence), 7.3.2.2 (picture), 7.3.2.1.1.1 (scaling lists), 8.5.6 (their order).

use crate::abi::MatricesH264;
use crate::bits::BitWriter;
use crate::error::Error;
use crate::h264::Picture;

/// NAL unit types, with `nal_ref_idc` 3.
const SEQUENCE_SET: u8 = 0x67;
const PICTURE_SET: u8 = 0x68;

/// Numbers of references minus 1, of both lists.
pub(crate) type Active = [u32; 2];

/// Parameter sets for a picture, as NAL units of a byte stream: of the high profile, which decodes all
/// below it too, or else of the baseline.
pub(crate) fn sets(
    picture: &Picture<'_>,
    id: u32,
    active: Active,
    high: bool,
) -> Result<Vec<u8>, Error> {
    let parameters = &picture.parameters;
    let sequence = |at: u32, count: u32| parameters.sequence >> at & ((1 << count) - 1);
    let frames_only = sequence(4, 1) == 1;
    let transform8 = parameters.picture >> 4 & 1 == 1;
    let eight_bits = parameters.bit_depths_minus8 == [0, 0];
    if sequence(0, 2) != 1 || !eight_bits || !high && (!frames_only || transform8) {
        return Err(Error::Decoding);
    }
    let mut set = BitWriter::default();
    // profile_idc, constraint_set1_flag of the baseline, level_idc 52.
    set.put(24, if high { 0x64_00_34 } else { 0x42_40_34 });
    set.unsigned(0);
    if high {
        // 4:2:0, 8 bits, no bypass, no scaling lists: those of pictures hold.
        set.unsigned(1);
        set.unsigned(0);
        set.unsigned(0);
        set.put(2, 0);
    }
    set.unsigned(sequence(8, 4));
    match sequence(12, 2) {
        0 => {
            set.unsigned(0);
            set.unsigned(sequence(14, 4));
        }
        2 => set.unsigned(2),
        // libva does not tell the offsets of type 1.
        _ => return Err(Error::Decoding),
    }
    set.unsigned(parameters.num_ref_frames.into());
    set.put(1, sequence(3, 1));
    set.unsigned(parameters.width_in_mbs_minus1.into());
    let rows = u32::from(parameters.height_in_mbs_minus1) + 1;
    set.unsigned(if frames_only { rows } else { rows.div_ceil(2) } - 1);
    set.put(1, u32::from(frames_only));
    if !frames_only {
        // mb_adaptive_frame_field_flag
        set.put(1, sequence(5, 1));
    }
    // direct_8x8_inference_flag, no cropping, no VUI.
    set.put(3, sequence(6, 1) << 2);
    let mut stream = set.into_nal(SEQUENCE_SET);
    stream.extend(picture_set(picture, id, active, high));
    Ok(stream)
}

fn picture_set(picture: &Picture<'_>, id: u32, active: Active, high: bool) -> Vec<u8> {
    let parameters = &picture.parameters;
    let flag = |at: u32| parameters.picture >> at & 1;
    let mut set = BitWriter::default();
    set.unsigned(id);
    set.unsigned(0);
    set.put(2, flag(0) << 1 | flag(7));
    set.unsigned(0);
    set.unsigned(active[0]);
    set.unsigned(active[1]);
    set.put(1, flag(1));
    set.put(2, parameters.picture >> 2 & 3);
    set.signed(parameters.init_qp_minus26.into());
    set.signed(parameters.init_qs_minus26.into());
    set.signed(parameters.chroma_qp_offset.into());
    set.put(3, flag(8) << 2 | flag(6) << 1 | flag(9));
    if high {
        // transform_8x8_mode_flag, pic_scaling_matrix_present_flag
        set.put(2, flag(4) << 1 | u32::from(picture.matrices.is_some()));
        if let Some(matrices) = &picture.matrices {
            scaling(&mut set, matrices, flag(4) == 1);
        }
        set.signed(parameters.second_chroma_qp_offset.into());
    }
    set.into_nal(PICTURE_SET)
}

/// All scaling lists, as the difference of each number to the one before.
fn scaling(set: &mut BitWriter, matrices: &MatricesH264, transform8: bool) {
    for matrix in &matrices.small {
        list(set, matrix, 4);
    }
    if transform8 {
        for matrix in &matrices.large {
            list(set, matrix, 8);
        }
    }
}

fn list(set: &mut BitWriter, matrix: &[u8], side: usize) {
    set.put(1, 1);
    let mut last = 8_u8;
    for place in zigzag(side) {
        let next = matrix[place];
        // Modulo 256 (7.4.2.1.1.1).
        set.signed(i32::from(next.wrapping_sub(last).cast_signed()));
        last = next;
    }
}

/// The places of a square in the order of its diagonals, up and down in turns.
fn zigzag(side: usize) -> impl Iterator<Item = usize> {
    (0..2 * side - 1).flat_map(move |diagonal| {
        let first = diagonal.saturating_sub(side - 1);
        let rows: Vec<usize> = (first..=diagonal.min(side - 1)).collect();
        let upwards = diagonal % 2 == 0;
        let ordered: Vec<usize> = if upwards { rows.into_iter().rev().collect() } else { rows };
        ordered.into_iter().map(move |row| row * side + diagonal - row)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_go_along_the_diagonals() {
        let places: Vec<_> = zigzag(4).collect();
        assert_eq!(places, [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15]);
        let mut large: Vec<_> = zigzag(8).collect();
        assert_eq!(large[..8], [0, 1, 8, 16, 9, 2, 3, 10]);
        large.sort_unstable();
        assert!(large.into_iter().eq(0..64));
    }
}
