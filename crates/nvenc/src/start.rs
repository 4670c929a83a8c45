//! From a session to an encoder.

use std::sync::Arc;

use crate::config::{config, parameters};
use crate::core::{Core, call};
use crate::encoder::Encoder;
use crate::sys::NV_ENC_RECONFIGURE_PARAMS;
use crate::{Caps, Error, Format, Session, Settings, Structure, Version};

impl Session {
    /// Makes it an encoder of pictures that lie as `format`. `T` is what comes back with each packet.
    ///
    /// # Errors
    ///
    /// [`Error::Codec`], [`Error::Extent`], [`Error::Unsupported`] for what the chip cannot do;
    /// [`Error::Call`], [`Error::Thread`].
    pub fn start<T: Send + 'static>(
        self,
        settings: Settings,
        format: Format,
    ) -> Result<Encoder<T>, Error> {
        let caps = self.caps(settings.codec)?;
        caps.check(&settings)?;
        let core = self.into_core();
        let settings = bounded(settings, &caps);
        initialize(&core, &settings, &caps, format)?;
        Encoder::new(core, caps, settings, format)
    }
}

/// The settings with the largest size that is of use: none of its own where it cannot change.
fn bounded(settings: Settings, caps: &Caps) -> Settings {
    let mut most = settings.extent;
    if caps.resizes {
        most.width = settings.most.width.clamp(most.width, caps.most.width);
        most.height = settings.most.height.clamp(most.height, caps.most.height);
    }
    Settings { most, ..settings }
}

fn initialize(
    core: &Arc<Core>,
    settings: &Settings,
    caps: &Caps,
    format: Format,
) -> Result<(), Error> {
    let mut config = config(core, settings, caps, format)?;
    let mut params = parameters(core, settings, &mut config);
    let extent = settings.extent;
    let doing = || format!("start encoding {} {}x{}", settings.codec, extent.width, extent.height);
    // `params` points to `config`, which outlives the call.
    call!(core, doing, nvEncInitializeEncoder, &raw mut params)?;
    let (doing, stream) = (|| "tell the encoder its stream".to_owned(), core.stream_handle());
    // The handle's address is good as long as the encoder.
    call!(core, doing, nvEncSetIOCudaStreams, stream, stream)
}

/// Changes what an encoder does from its next picture on, which begins anew if `reset`.
pub(crate) fn reconfigure(
    core: &Core,
    settings: &Settings,
    caps: &Caps,
    (format, reset): (Format, bool),
) -> Result<(), Error> {
    let mut config = config(core, settings, caps, format)?;
    let mut params = NV_ENC_RECONFIGURE_PARAMS {
        version: core.word(Structure::Reconfigure),
        reInitEncodeParams: parameters(core, settings, &mut config),
        ..Default::default()
    };
    if reset {
        let flags = NV_ENC_RECONFIGURE_PARAMS::RESET_ENCODER | NV_ENC_RECONFIGURE_PARAMS::FORCE_IDR;
        params.set_flags(flags, core.api.version >= Version::V13_0);
    }
    let extent = settings.extent;
    let doing = || format!("change to {}x{}, {:?}", extent.width, extent.height, settings.rate);
    // `params` points to `config`, which outlives the call.
    call!(core, doing, nvEncReconfigureEncoder, &raw mut params)
}
