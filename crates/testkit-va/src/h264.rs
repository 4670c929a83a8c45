//! H.264 by OpenH264's decoder: what libva took apart is put together again.
//!
//! libva hands over slices with parsed headers; a decoder wants the parameter sets, which are
//! written anew from what libva tells of them. OpenH264 gives out each baseline picture at once, in
//! decoding order, as libva's surfaces are filled. Other profiles are refused: of those with B
//! slices it decodes some pictures wrongly.

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource as _;

use crate::abi::{PictureParametersH264, SliceParametersH264};
use crate::bits::{BitReader, BitWriter};
use crate::error::Error;
use crate::surface::Surface;

/// NAL unit types, with `nal_ref_idc` 3.
const SEQUENCE_SET: u8 = 0x67;
const PICTURE_SET: u8 = 0x68;
/// `nal_unit_type` of a slice of an IDR picture.
const IDR: u8 = 5;
/// Slice types, modulo 5.
const P: u32 = 0;
const I: u32 = 2;
/// Bytes of a slice in which its header's beginning must be.
const HEADER: usize = 64;

/// A stream.
pub(crate) struct H264 {
    decoder: Decoder,
    sets: Vec<u8>,
    /// Number of references minus 1 that holds where a slice does not say another.
    active: u32,
}

/// A picture, as the reader's program handed it over.
pub(crate) struct Picture<'a> {
    pub(crate) parameters: PictureParametersH264,
    /// Parameters and NAL units.
    pub(crate) slices: Vec<(SliceParametersH264, &'a [u8])>,
}

impl H264 {
    /// Before the first picture.
    pub(crate) fn new() -> Result<Self, Error> {
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        let decoder = Decoder::with_api_config(OpenH264API::from_source(), config);
        let decoder = decoder.map_err(|_| Error::AllocationFailed)?;
        Ok(Self { decoder, sets: Vec::new(), active: 0 })
    }

    /// Decodes a picture into `surface`.
    pub(crate) fn decode(&mut self, picture: &Picture<'_>, to: &mut Surface) -> Result<(), Error> {
        let headers: Vec<_> =
            picture.slices.iter().map(|slice| Header::read(&picture.parameters, slice)).collect();
        if headers.iter().any(|header| !matches!(header.kind, P | I)) {
            return Err(Error::Decoding);
        }
        self.active = headers.iter().find_map(|header| header.active).unwrap_or(self.active);
        let set = headers.first().ok_or(Error::Decoding)?.picture_set;
        let sets = sets(picture, set, self.active)?;
        let mut stream = Vec::new();
        if sets != self.sets {
            stream.extend_from_slice(&sets);
            self.sets = sets;
        }
        for (_, nal) in &picture.slices {
            stream.extend_from_slice(&[0, 0, 0, 1]);
            stream.extend_from_slice(nal);
        }
        match self.decoder.decode(&stream) {
            Ok(Some(decoded)) => {
                let strides = decoded.strides();
                let planes = [decoded.y(), decoded.u(), decoded.v()];
                to.put(planes, [strides.0, strides.1, strides.2]);
                Ok(())
            }
            Ok(None) => Err(Error::Decoding),
            Err(err) => {
                eprintln!("zerohop-va: OpenH264: {err}");
                Err(Error::Decoding)
            }
        }
    }
}

/// Parameter sets for a picture, as NAL units of a byte stream.
fn sets(picture: &Picture<'_>, id: u32, active: u32) -> Result<Vec<u8>, Error> {
    let parameters = &picture.parameters;
    let bit = |word: u32, at: u32, count: u32| word >> at & ((1 << count) - 1);
    let sequence = |at, count| bit(parameters.sequence, at, count);
    let frames_only = sequence(4, 1) == 1;
    let transform8 = parameters.picture >> 4 & 1 == 1;
    let eight_bits = parameters.bit_depths_minus8 == [0, 0];
    if sequence(0, 2) != 1 || !eight_bits || !frames_only || transform8 {
        return Err(Error::Decoding);
    }
    let mut set = BitWriter::default();
    // profile_idc 66, constraint_set1_flag, level_idc 52.
    set.put(24, 0x42_40_34);
    set.unsigned(0);
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
    set.unsigned(parameters.height_in_mbs_minus1.into());
    // frame_mbs_only_flag, direct_8x8_inference_flag, no cropping, no VUI.
    set.put(4, 0b1000 | sequence(6, 1) << 2);
    let mut stream = set.into_nal(SEQUENCE_SET);
    stream.extend(picture_set(picture, id, active));
    Ok(stream)
}

fn picture_set(picture: &Picture<'_>, id: u32, active: u32) -> Vec<u8> {
    let parameters = &picture.parameters;
    let flag = |at: u32| parameters.picture >> at & 1;
    let mut set = BitWriter::default();
    set.unsigned(id);
    set.unsigned(0);
    set.put(2, flag(0) << 1 | flag(7));
    set.unsigned(0);
    set.unsigned(active);
    set.unsigned(0);
    set.put(1, flag(1));
    set.put(2, parameters.picture >> 2 & 3);
    set.signed(parameters.init_qp_minus26.into());
    set.signed(parameters.init_qs_minus26.into());
    set.signed(parameters.chroma_qp_offset.into());
    set.put(3, flag(8) << 2 | flag(6) << 1 | flag(9));
    set.into_nal(PICTURE_SET)
}

/// What of a slice's header libva does not tell.
struct Header {
    picture_set: u32,
    kind: u32,
    /// Number of references minus 1 of the picture set, where the header does not override it.
    active: Option<u32>,
}

impl Header {
    /// # References
    ///
    /// ITU-T H.264, 7.3.3.
    fn read(picture: &PictureParametersH264, slice: &(SliceParametersH264, &[u8])) -> Self {
        let (parameters, nal) = slice;
        let bits = |at: u32, count: u32| picture.sequence >> at & ((1 << count) - 1);
        let mut reader = BitReader::new(nal, HEADER);
        let _first_mb = reader.unsigned();
        let kind = reader.unsigned() % 5;
        let picture_set = reader.unsigned();
        let _frame_num = reader.take(bits(8, 4) + 4);
        if nal.first().is_some_and(|header| header & 0x1f == IDR) {
            let _idr_pic_id = reader.unsigned();
        }
        if bits(12, 2) == 0 {
            let _order = reader.take(bits(14, 4) + 4);
            if picture.picture >> 7 & 1 == 1 {
                let _delta_bottom = reader.unsigned();
            }
        }
        if picture.picture >> 9 & 1 == 1 {
            let _redundant = reader.unsigned();
        }
        let overrides = kind == P && reader.take(1) == 1;
        let active = (kind == P && !overrides).then_some(parameters.l0_active_minus1.into());
        Self { picture_set, kind, active }
    }
}
