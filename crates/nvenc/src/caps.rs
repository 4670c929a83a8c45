//! What a chip can do, asked before it is promised.

use zerohop_frame::Extent;

use crate::core::{Core, call};
use crate::sys::{self, NV_ENC_CAPS_PARAM};
use crate::{Codec, Error, Format, Rate, Settings, Structure};

/// What a chip can do for one codec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Which codec.
    pub codec: Codec,
    /// The smallest pictures.
    pub least: Extent,
    /// The largest pictures.
    pub most: Extent,
    /// What it reads.
    pub formats: Vec<Format>,
    /// Rate control modes: a bit for each of `NV_ENC_PARAMS_RC_MODE`; 0 (`constqp`) is always there.
    pub rates: u32,
    /// Whether the size can change in place.
    pub resizes: bool,
    /// Whether the bit rate can change in place.
    pub changes_rate: bool,
    /// Whether it refreshes pictures piece by piece.
    pub refreshes: bool,
    /// Whether the size of the buffer between it and the link can be set.
    pub sets_buffer: bool,
    /// Whether it makes streams of 10 bits.
    pub ten_bits: bool,
    /// Encoders on the chip.
    pub engines: u32,
}

impl Caps {
    pub(crate) fn of(core: &Core, codec: Codec) -> Result<Self, Error> {
        let ask = |what| ask(core, codec, what);
        let is = |what| Ok::<_, Error>(ask(what)? != 0);
        let extent =
            |width, height| Ok::<_, Error>(Extent { width: ask(width)?, height: ask(height)? });
        Ok(Self {
            codec,
            least: extent(sys::NV_ENC_CAPS_WIDTH_MIN, sys::NV_ENC_CAPS_HEIGHT_MIN)?,
            most: extent(sys::NV_ENC_CAPS_WIDTH_MAX, sys::NV_ENC_CAPS_HEIGHT_MAX)?,
            formats: formats(core, codec)?,
            rates: ask(sys::NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES)?,
            resizes: is(sys::NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE)?,
            changes_rate: is(sys::NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE)?,
            refreshes: is(sys::NV_ENC_CAPS_SUPPORT_INTRA_REFRESH)?,
            sets_buffer: is(sys::NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE)?,
            ten_bits: is(sys::NV_ENC_CAPS_SUPPORT_10BIT_ENCODE)?,
            engines: ask(sys::NV_ENC_CAPS_NUM_ENCODER_ENGINES)?,
        })
    }

    /// Whether it reads pictures of `format`.
    pub fn reads(&self, format: Format) -> bool {
        self.formats.contains(&format)
    }

    /// Refuses what the chip cannot do.
    ///
    /// # Errors
    ///
    /// [`Error::Extent`], [`Error::Unsupported`].
    pub fn check(&self, settings: &Settings) -> Result<(), Error> {
        let Self { codec, least, most, .. } = *self;
        let extent = settings.extent;
        let fits = (least.width..=most.width).contains(&extent.width)
            && (least.height..=most.height).contains(&extent.height);
        if !fits {
            return Err(Error::Extent { codec, extent, least, most });
        }
        let mode = settings.rate.mode();
        let buffer = matches!(
            settings.rate,
            Rate::Variable { buffer: Some(_), .. } | Rate::Constant { buffer: Some(_), .. }
        );
        let missing = if mode != 0 && self.rates & mode == 0 {
            Some("such rate control")
        } else if buffer && !self.sets_buffer {
            Some("buffer size of one's own")
        } else if settings.refresh.is_some() && !self.refreshes {
            Some("intra refresh")
        } else if settings.ten_bits && !(self.ten_bits && codec != Codec::H264) {
            Some("10 bits")
        } else {
            None
        };
        missing.map_or(Ok(()), |what| Err(Error::Unsupported { what, codec }))
    }
}

fn ask(core: &Core, codec: Codec, what: u32) -> Result<u32, Error> {
    let version = core.word(Structure::Caps);
    let mut question = NV_ENC_CAPS_PARAM { version, capsToQuery: what, ..Default::default() };
    let mut answer = 0;
    let doing = || format!("ask what the chip can do for {codec} ({what})");
    call!(core, doing, nvEncGetEncodeCaps, codec.guid(), &raw mut question, &raw mut answer)?;
    Ok(u32::try_from(answer).unwrap_or(0))
}

fn formats(core: &Core, codec: Codec) -> Result<Vec<Format>, Error> {
    let doing = || format!("ask what pictures the chip reads for {codec}");
    let (guid, mut count) = (codec.guid(), 0);
    call!(core, doing, nvEncGetInputFormatCount, guid, &raw mut count)?;
    let mut all = vec![0; count as usize];
    let mut filled = 0;
    // The library writes `count` numbers at most.
    call!(core, doing, nvEncGetInputFormats, guid, all.as_mut_ptr(), count, &raw mut filled)?;
    all.truncate(filled as usize);
    Ok(all.into_iter().map(Format).collect())
}
