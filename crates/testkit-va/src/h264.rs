//! H.264: what libva took apart is put together again, for a decoder that wants a stream.
//!
//! libva hands over slices with parsed headers; a decoder wants the parameter sets, which are written
//! anew from what libva tells of them (`h264_sets`). OpenH264 decodes the constrained baseline, and gives
//! each picture out at once; of profiles with B slices it decodes some pictures wrongly, and these are
//! FFmpeg's.

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource as _;

use crate::abi::{MatricesH264, PictureParametersH264, SliceParametersH264, profile};
use crate::bits::BitReader;
use crate::error::Error;
#[cfg(feature = "ffmpeg")]
use crate::ffmpeg::Ffmpeg;
use crate::format::Planar;
use crate::h264_sets::{Active, sets};
use crate::surface::Surface;

/// `nal_unit_type` of a slice of an IDR picture.
const IDR: u8 = 5;
/// Slice types, modulo 5.
const P: u32 = 0;
const B: u32 = 1;
const I: u32 = 2;
/// Bytes of a slice in which its header's beginning must be.
const HEADER: usize = 64;

/// A stream.
pub(crate) struct H264 {
    by: By,
    sets: Vec<u8>,
    /// Numbers of references minus 1 that hold where a slice does not say others.
    active: Active,
}

/// What decodes it.
enum By {
    OpenH264(Box<Decoder>),
    #[cfg(feature = "ffmpeg")]
    Ffmpeg(Ffmpeg),
}

/// A picture, as the reader's program handed it over.
pub(crate) struct Picture<'a> {
    pub(crate) parameters: PictureParametersH264,
    pub(crate) matrices: Option<MatricesH264>,
    /// Parameters and NAL units.
    pub(crate) slices: Vec<(SliceParametersH264, &'a [u8])>,
}

impl H264 {
    /// Before the first picture.
    pub(crate) fn new(profile: i32) -> Result<Self, Error> {
        Ok(Self { by: By::of(profile)?, sets: Vec::new(), active: [0; 2] })
    }

    /// Decodes a picture, or a field of one, into `surface`.
    pub(crate) fn decode(&mut self, picture: &Picture<'_>, to: &mut Surface) -> Result<(), Error> {
        let headers: Vec<_> =
            picture.slices.iter().map(|slice| Header::read(&picture.parameters, slice)).collect();
        let high = !matches!(self.by, By::OpenH264(_));
        if headers.iter().any(|header| !(matches!(header.kind, P | I) || high && header.kind == B))
        {
            return Err(Error::Decoding);
        }
        for (list, active) in self.active.iter_mut().enumerate() {
            *active = headers.iter().find_map(|header| header.active[list]).unwrap_or(*active);
        }
        let set = headers.first().ok_or(Error::Decoding)?.picture_set;
        let sets = sets(picture, set, self.active, high)?;
        let mut stream = Vec::new();
        if sets != self.sets {
            stream.extend_from_slice(&sets);
            self.sets = sets;
        }
        for (_, nal) in &picture.slices {
            stream.extend_from_slice(&[0, 0, 0, 1]);
            stream.extend_from_slice(nal);
        }
        match &mut self.by {
            By::OpenH264(decoder) => open_h264(decoder, &stream, to),
            #[cfg(feature = "ffmpeg")]
            By::Ffmpeg(decoder) => decoder.decode(&stream, to),
        }
    }
}

impl By {
    fn of(id: i32) -> Result<Self, Error> {
        if id != profile::H264_CONSTRAINED_BASELINE {
            #[cfg(feature = "ffmpeg")]
            return Ok(Self::Ffmpeg(Ffmpeg::h264()?));
            #[cfg(not(feature = "ffmpeg"))]
            return Err(Error::UnsupportedProfile);
        }
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        let decoder = Decoder::with_api_config(OpenH264API::from_source(), config);
        decoder.map(|it| Self::OpenH264(Box::new(it))).map_err(|_| Error::AllocationFailed)
    }
}

fn open_h264(decoder: &mut Decoder, stream: &[u8], to: &mut Surface) -> Result<(), Error> {
    match decoder.decode(stream) {
        Ok(Some(decoded)) => {
            let (y, u, v) = decoded.strides();
            let planes = [decoded.y(), decoded.u(), decoded.v()];
            to.put(&Planar { planes, strides: [y, u, v], bits: 8, shared: (2, 2) })
        }
        Ok(None) => Err(Error::Decoding),
        Err(err) => {
            eprintln!("zerohop-va: OpenH264: {err}");
            Err(Error::Decoding)
        }
    }
}

/// What of a slice's header libva does not tell.
struct Header {
    picture_set: u32,
    kind: u32,
    /// Numbers of references minus 1 of the picture set, where the header does not override them.
    active: [Option<u32>; 2],
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
        let field = bits(4, 1) == 0 && reader.take(1) == 1;
        if field {
            let _bottom = reader.take(1);
        }
        if nal.first().is_some_and(|header| header & 0x1f == IDR) {
            let _idr_pic_id = reader.unsigned();
        }
        if bits(12, 2) == 0 {
            let _order = reader.take(bits(14, 4) + 4);
            if picture.picture >> 7 & 1 == 1 && !field {
                let _delta_bottom = reader.unsigned();
            }
        }
        if picture.picture >> 9 & 1 == 1 {
            let _redundant = reader.unsigned();
        }
        if kind == B {
            let _direct_spatial = reader.take(1);
        }
        let defaults = matches!(kind, P | B) && reader.take(1) == 0;
        let first = defaults.then_some(parameters.l0_active_minus1.into());
        let second = (defaults && kind == B).then_some(parameters.l1_active_minus1.into());
        Self { picture_set, kind, active: [first, second] }
    }
}
