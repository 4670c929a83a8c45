//! Settings as the library's structures have them.

use zerohop_frame::Color;

use crate::core::{Core, call};
use crate::sys::{
    self, NV_ENC_CONFIG, NV_ENC_CONFIG_AV1, NV_ENC_CONFIG_H264, NV_ENC_CONFIG_H264_VUI_PARAMETERS,
    NV_ENC_CONFIG_HEVC, NV_ENC_INITIALIZE_PARAMS, NV_ENC_PRESET_CONFIG, NV_ENC_QP,
    NV_ENC_RC_PARAMS, NVENC_INFINITE_GOPLENGTH, bit, depth,
};
use crate::{Caps, Codec, Error, Format, Rate, Settings, Structure, Tuning, Version};

/// `videoFormat` of a stream that was never an analogue signal.
const UNSPECIFIED: u32 = 5;

/// The preset's configuration with what `settings` say over it. Key pictures come when they are
/// asked for, never by count.
pub(crate) fn config(
    core: &Core,
    settings: &Settings,
    caps: &Caps,
    format: Format,
) -> Result<NV_ENC_CONFIG, Error> {
    let mut config = preset(core, settings)?;
    config.gopLength = NVENC_INFINITE_GOPLENGTH;
    config.frameIntervalP = 1;
    config.frameFieldMode = sys::NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME;
    fill_rate(&mut config.rcParams, settings, caps);
    config.profileGUID = match (settings.codec, settings.ten_bits) {
        (Codec::H264, _) => sys::NV_ENC_H264_PROFILE_HIGH_GUID,
        (Codec::Hevc, false) => sys::NV_ENC_HEVC_PROFILE_MAIN_GUID,
        (Codec::Hevc, true) => sys::NV_ENC_HEVC_PROFILE_MAIN10_GUID,
        (Codec::Av1, _) => sys::NV_ENC_AV1_PROFILE_MAIN_GUID,
    };
    let depth = (core.api.version, bits(settings.ten_bits), bits(format.has_ten_bits()));
    let codec = &mut config.encodeCodecConfig;
    match settings.codec {
        Codec::H264 => {
            // SAFETY: the preset is one of H.264, and any bits are numbers.
            let h264 = unsafe { &mut codec.h264Config };
            fill_h264(h264, settings, depth);
        }
        Codec::Hevc => {
            // SAFETY: as above, of HEVC.
            let hevc = unsafe { &mut codec.hevcConfig };
            fill_hevc(hevc, settings, depth);
        }
        Codec::Av1 => {
            // SAFETY: as above, of AV1.
            let av1 = unsafe { &mut codec.av1Config };
            fill_av1(av1, settings, depth);
        }
    }
    Ok(config)
}

fn bits(ten: bool) -> u32 {
    if ten { 10 } else { 8 }
}

fn preset(core: &Core, settings: &Settings) -> Result<NV_ENC_CONFIG, Error> {
    let mut preset =
        NV_ENC_PRESET_CONFIG { version: core.word(Structure::PresetConfig), ..Default::default() };
    preset.presetCfg.version = core.word(Structure::Config);
    preset.presetCfg.rcParams.version = core.word(Structure::RcParams);
    let (codec, guid) = (settings.codec.guid(), settings.preset.guid());
    let tuning = settings.tuning.info();
    let doing = || format!("ask for preset p{} of {}", settings.preset.number(), settings.codec);
    call!(core, doing, nvEncGetEncodePresetConfigEx, codec, guid, tuning, &raw mut preset)?;
    Ok(preset.presetCfg)
}

fn fill_rate(params: &mut NV_ENC_RC_PARAMS, settings: &Settings, caps: &Caps) {
    params.rateControlMode = settings.rate.mode();
    params.multiPass = sys::NV_ENC_MULTI_PASS_DISABLED;
    // Each picture comes out when it is done; with lookahead some calls have none to give.
    params.flags &= !bit::NV_ENC_RC_PARAMS::enableLookahead;
    params.lookaheadDepth = 0;
    let buffer = match settings.rate {
        Rate::Quantizer(quantizer) => {
            let most = u32::from(quantizer.min(51));
            let qp = if settings.codec == Codec::Av1 { most * 5 } else { most };
            params.constQP = NV_ENC_QP { qpInterP: qp, qpInterB: qp, qpIntra: qp };
            None
        }
        Rate::Variable { bits, most, buffer } => {
            (params.averageBitRate, params.maxBitRate) = (bits, most.max(bits));
            buffer
        }
        Rate::Constant { bits, buffer } => {
            (params.averageBitRate, params.maxBitRate) = (bits, bits);
            let one = bits / settings.hertz.max(1);
            let low_delay = settings.tuning != Tuning::HighQuality && caps.sets_buffer;
            buffer.or(low_delay.then_some(one))
        }
    };
    if let Some(bits) = buffer {
        (params.vbvBufferSize, params.vbvInitialDelay) = (bits, bits);
    }
    if settings.tuning != Tuning::HighQuality {
        params.flags |= bit::NV_ENC_RC_PARAMS::zeroReorderDelay;
    }
}

fn fill_vui(vui: &mut NV_ENC_CONFIG_H264_VUI_PARAMETERS, color: Color) {
    vui.videoSignalTypePresentFlag = 1;
    vui.videoFormat = UNSPECIFIED;
    vui.videoFullRangeFlag = color.full_range.into();
    vui.colourDescriptionPresentFlag = 1;
    vui.colourPrimaries = color.primaries.into();
    vui.transferCharacteristics = color.transfer.into();
    vui.colourMatrix = color.matrix.into();
    // Where the chip puts the chroma of RGB its header does not say, and nobody else knows.
    let siting = color.siting.map(|siting| siting as u32);
    vui.chromaSampleLocationFlag = siting.is_some().into();
    vui.chromaSampleLocationTop = siting.unwrap_or(0);
    vui.chromaSampleLocationBot = siting.unwrap_or(0);
}

/// Period and length of intra refresh, and the flags that go with it, where it was asked for.
fn refresh(settings: &Settings, flags: u32) -> (u32, u32, u32) {
    settings.refresh.map_or((0, 0, 0), |refresh| (refresh.period, refresh.pictures, flags))
}

/// Version of the API, bits of a component of the stream and of the pictures.
type Depth = (Version, u32, u32);

fn fill_h264(h264: &mut NV_ENC_CONFIG_H264, settings: &Settings, (version, bits, input): Depth) {
    use bit::NV_ENC_CONFIG_H264 as flag;
    // Who joins in the middle is told after how many pictures all of them is there.
    let flags = flag::enableIntraRefresh | flag::outputRecoveryPointSEI;
    let (period, pictures, refresh) = refresh(settings, flags);
    h264.level = sys::NV_ENC_LEVEL_AUTOSELECT;
    h264.idrPeriod = NVENC_INFINITE_GOPLENGTH;
    h264.chromaFormatIDC = 1;
    // Each key picture brings its parameter sets along.
    h264.flags |= flag::repeatSPSPPS | refresh;
    (h264.intraRefreshPeriod, h264.intraRefreshCnt) = (period, pictures);
    if version >= Version::V13_0 {
        (h264.outputBitDepth, h264.inputBitDepth) = (bits, input);
    }
    fill_vui(&mut h264.h264VUIParameters, settings.color);
}

fn fill_hevc(hevc: &mut NV_ENC_CONFIG_HEVC, settings: &Settings, (version, bits, input): Depth) {
    use bit::NV_ENC_CONFIG_HEVC as flag;
    let tells = if version >= Version::V12_0 { flag::outputRecoveryPointSEI } else { 0 };
    let (period, pictures, refresh) = refresh(settings, flag::enableIntraRefresh | tells);
    hevc.level = sys::NV_ENC_LEVEL_AUTOSELECT;
    hevc.idrPeriod = NVENC_INFINITE_GOPLENGTH;
    hevc.flags &= !(flag::chromaFormatIDC | depth::HEVC_PIXEL);
    hevc.flags |= flag::repeatSPSPPS | refresh | 1 << flag::chromaFormatIDC.trailing_zeros();
    (hevc.intraRefreshPeriod, hevc.intraRefreshCnt) = (period, pictures);
    if version >= Version::V13_0 {
        (hevc.outputBitDepth, hevc.inputBitDepth) = (bits, input);
    } else {
        hevc.flags |= (bits - 8) << depth::HEVC_PIXEL.trailing_zeros();
    }
    fill_vui(&mut hevc.hevcVUIParameters, settings.color);
}

fn fill_av1(av1: &mut NV_ENC_CONFIG_AV1, settings: &Settings, (version, bits, input): Depth) {
    use bit::NV_ENC_CONFIG_AV1 as flag;
    let (period, pictures, refresh) = refresh(settings, flag::enableIntraRefresh);
    av1.level = sys::NV_ENC_LEVEL_AV1_AUTOSELECT;
    av1.idrPeriod = NVENC_INFINITE_GOPLENGTH;
    av1.flags &= !flag::chromaFormatIDC;
    av1.flags |= flag::repeatSeqHdr | refresh | 1 << flag::chromaFormatIDC.trailing_zeros();
    (av1.intraRefreshPeriod, av1.intraRefreshCnt) = (period, pictures);
    if version >= Version::V13_0 {
        (av1.outputBitDepth, av1.inputBitDepth) = (bits, input);
    } else {
        av1.flags &= !(depth::AV1_PIXEL | depth::AV1_INPUT);
        av1.flags |= (bits - 8) << depth::AV1_PIXEL.trailing_zeros();
        av1.flags |= (input - 8) << depth::AV1_INPUT.trailing_zeros();
    }
    av1.colorPrimaries = settings.color.primaries.into();
    av1.transferCharacteristics = settings.color.transfer.into();
    av1.matrixCoefficients = settings.color.matrix.into();
    av1.colorRange = settings.color.full_range.into();
}

/// What initializes an encoder, and reconfigures it. `config` is read during the call.
pub(crate) fn parameters(
    core: &Core,
    settings: &Settings,
    config: &mut NV_ENC_CONFIG,
) -> NV_ENC_INITIALIZE_PARAMS {
    config.version = core.word(Structure::Config);
    config.rcParams.version = core.word(Structure::RcParams);
    NV_ENC_INITIALIZE_PARAMS {
        version: core.word(Structure::Initialize),
        encodeGUID: settings.codec.guid(),
        presetGUID: settings.preset.guid(),
        encodeWidth: settings.extent.width,
        encodeHeight: settings.extent.height,
        darWidth: settings.extent.width,
        darHeight: settings.extent.height,
        frameRateNum: settings.hertz.max(1),
        frameRateDen: 1,
        enablePTD: 1,
        encodeConfig: config,
        maxEncodeWidth: settings.most.width,
        maxEncodeHeight: settings.most.height,
        tuningInfo: settings.tuning.info(),
        ..Default::default()
    }
}
