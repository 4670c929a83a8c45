//! One `ISVCEncoder`.

use std::ffi::c_int;
use std::ptr::{self, NonNull};
use std::slice;
use std::time::Duration;

use openh264_sys2 as sys;
use sys::API as _;
use sys::source::APILoader;

use zerohop_frame::Extent;

use crate::{Error, Settings};

/// The three planes of a 4:2:0 picture, Y, Cb and Cr, and the bytes from row to row of the first
/// and of the other two.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Y, Cb, Cr.
    pub planes: [&'a [u8]; 3],
    /// Of Y, and of Cb and Cr. At least as long as a row.
    pub strides: [u32; 2],
}

/// A compressed picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// Annex B: each NAL unit after `00 00 00 01`.
    pub data: Vec<u8>,
    /// Whether it is an IDR picture, with its parameter sets.
    pub key: bool,
}

/// An encoder for pictures of one size.
pub struct Encoder {
    raw: NonNull<sys::ISVCEncoder>,
    table: sys::ISVCEncoderVtbl,
    extent: Extent,
}

// SAFETY: `codec_api.h` binds an encoder to no thread; `&mut self` keeps calls apart.
unsafe impl Send for Encoder {}

/// An entry of the table, which every build of OpenH264 fills (`CWelsH264SVCEncoder`).
macro_rules! entry {
    ($encoder:expr, $name:ident) => {
        $encoder.table.$name.ok_or(Error::Call { doing: stringify!($name), code: 0 })
    };
}

impl Encoder {
    /// An encoder as `settings` have it. Silent: OpenH264 writes nothing to the standard error.
    ///
    /// # Errors
    ///
    /// [`Error::Size`]; [`Error::Call`] when OpenH264 refuses the settings.
    ///
    /// # References
    ///
    /// `codec_api.h`, `ISVCEncoder`.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        check(settings.extent)?;
        let mut raw = ptr::null_mut();
        // SAFETY: writes a new encoder to `raw`, or nothing.
        let code = unsafe { APILoader.WelsCreateSVCEncoder(&raw mut raw) };
        let made = NonNull::new(raw).ok_or(Error::Call { doing: "make an encoder", code })?;
        // SAFETY: an `ISVCEncoder` begins with the pointer to its table (`codec_api.h`).
        let table = unsafe { made.read() };
        // SAFETY: the table is a constant of the library.
        let table = unsafe { table.read() };
        let mut encoder = Self { raw: made, table, extent: settings.extent };
        encoder.silence()?;
        encoder.initialize(settings)?;
        Ok(encoder)
    }

    fn silence(&mut self) -> Result<(), Error> {
        let mut level: c_int = sys::WELS_LOG_QUIET;
        let set = entry!(self, SetOption)?;
        let option = sys::ENCODER_OPTION_TRACE_LEVEL;
        // SAFETY: this option reads an `int`, during the call only.
        let code = unsafe { set(self.raw.as_ptr(), option, (&raw mut level).cast()) };
        done("silence the encoder", code)
    }

    fn initialize(&mut self, settings: &Settings) -> Result<(), Error> {
        let mut all = sys::SEncParamExt::default();
        let propose = entry!(self, GetDefaultParams)?;
        // SAFETY: writes to `all` during the call only.
        let code = unsafe { propose(self.raw.as_ptr(), &raw mut all) };
        done("ask for default settings", code)?;
        settings.fill(&mut all);
        let initialize = entry!(self, InitializeExt)?;
        // SAFETY: reads `all` during the call only; `raw` is new.
        let code = unsafe { initialize(self.raw.as_ptr(), &raw const all) };
        done("take the settings", code)
    }

    /// Makes the next picture a key picture.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn force_key(&mut self) -> Result<(), Error> {
        let force = entry!(self, ForceIntraFrame)?;
        // SAFETY: the encoder is initialized.
        done("ask for a key picture", unsafe { force(self.raw.as_ptr(), true) })
    }

    /// Compresses a picture, shown at `timestamp` on any clock.
    ///
    /// # Errors
    ///
    /// [`Error::Plane`]; [`Error::Call`], such as 3 for a packet larger than OpenH264 has room for.
    /// After a failed call the encoder is of no use.
    pub fn encode(&mut self, picture: &Picture<'_>, timestamp: Duration) -> Result<Coded, Error> {
        self.check(picture)?;
        let [luma, chroma] = picture.strides.map(u32::cast_signed);
        let [y, u, v] = picture.planes.map(|plane| plane.as_ptr().cast_mut());
        let source = sys::SSourcePicture {
            iColorFormat: sys::videoFormatI420,
            iStride: [luma, chroma, chroma, 0],
            pData: [y, u, v, ptr::null_mut()],
            iPicWidth: self.extent.width.cast_signed(),
            iPicHeight: self.extent.height.cast_signed(),
            uiTimeStamp: i64::try_from(timestamp.as_millis()).unwrap_or_default(),
            ..Default::default()
        };
        let mut info = sys::SFrameBSInfo::default();
        let encode = entry!(self, EncodeFrame)?;
        // SAFETY: reads the planes during the call only, and only the bytes that `check` found
        // (`wels_preprocess.cpp` copies them into a picture of its own); writes to `info`.
        let code = unsafe { encode(self.raw.as_ptr(), &raw const source, &raw mut info) };
        done("encode a picture", code)?;
        let data = collect(&info);
        if data.is_empty() {
            return Err(Error::Nothing);
        }
        Ok(Coded { data, key: info.eFrameType == sys::videoFrameTypeIDR })
    }

    /// Whether each plane reaches to the last pixel of its last row.
    fn check(&self, picture: &Picture<'_>) -> Result<(), Error> {
        for (plane, bytes) in picture.planes.iter().enumerate() {
            let (part, stride) = if plane == 0 { (1, 0) } else { (2, 1) };
            let (width, height) = (self.extent.width / part, self.extent.height / part);
            let stride = picture.strides[stride].max(width) as usize;
            let needed = stride * (height as usize - 1) + width as usize;
            let short = picture.strides.iter().any(|&stride| stride > i32::MAX.cast_unsigned());
            if short || bytes.len() < needed || picture.strides[usize::from(plane > 0)] < width {
                return Err(Error::Plane { plane, length: bytes.len(), needed });
            }
        }
        Ok(())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if let Some(uninitialize) = self.table.Uninitialize {
            // SAFETY: the encoder exists; whether it is initialized does not matter to it.
            let _ = unsafe { uninitialize(self.raw.as_ptr()) };
        }
        // SAFETY: made by `WelsCreateSVCEncoder`, and ours alone.
        unsafe { APILoader.WelsDestroySVCEncoder(self.raw.as_ptr()) };
    }
}

/// The bytes of all layers, which lie in the encoder until its next call.
fn collect(info: &sys::SFrameBSInfo) -> Vec<u8> {
    let mut data = Vec::new();
    let layers = usize::try_from(info.iLayerNum).unwrap_or_default();
    for layer in info.sLayerInfo.iter().take(layers) {
        let units = usize::try_from(layer.iNalCount).unwrap_or_default();
        if units == 0 {
            continue;
        }
        // SAFETY: the encoder set `iNalCount` lengths at `pNalLengthInByte` (`SLayerBSInfo`).
        let lengths = unsafe { slice::from_raw_parts(layer.pNalLengthInByte, units) };
        let length =
            lengths.iter().map(|&length| usize::try_from(length).unwrap_or_default()).sum();
        // SAFETY: the units lie one after the other at `pBsBuf` (`SLayerBSInfo`).
        data.extend_from_slice(unsafe { slice::from_raw_parts(layer.pBsBuf, length) });
    }
    data
}

/// The sizes that OpenH264 takes (`CWelsH264SVCEncoder::EncodeFrame`; level 5.2).
fn check(extent: Extent) -> Result<(), Error> {
    let Extent { width, height } = extent;
    let (long, short) = (width.max(height), width.min(height));
    let even = width.is_multiple_of(2) && height.is_multiple_of(2);
    let fits = even && short >= 16 && long <= 3840 && short <= 2160;
    if fits { Ok(()) } else { Err(Error::Size(extent)) }
}

fn done(doing: &'static str, code: c_int) -> Result<(), Error> {
    if code == 0 { Ok(()) } else { Err(Error::Call { doing, code }) }
}
