//! What a caller may ask.

use zerohop_nvenc::sys::{
    self, GUID, NV_ENC_CAPS_PARAM, NV_ENC_CONFIG, NV_ENC_PRESET_CONFIG, NV_ENC_QP,
};
use zerohop_nvenc::{Codec, Structure, Version};

use crate::behaviour::Behaviour;
use crate::check::{Answer, hold, refuse, word, wrong, zeros};
use crate::session::Session;

/// The codec that `guid` names, if the chip has it.
pub(crate) fn codec(guid: GUID) -> Answer<Codec> {
    let found = Behaviour::get().codecs.iter().find(|codec| codec.guid() == guid);
    match found {
        Some(codec) => Ok(*codec),
        None => wrong(sys::NV_ENC_ERR_UNSUPPORTED_PARAM, format!("the chip has no {guid:?}")),
    }
}

/// What it reads.
pub(crate) fn formats() -> Vec<u32> {
    let ycbcr = [sys::NV_ENC_BUFFER_FORMAT_NV12, sys::NV_ENC_BUFFER_FORMAT_YUV420_10BIT];
    let rgb = [
        sys::NV_ENC_BUFFER_FORMAT_ARGB,
        sys::NV_ENC_BUFFER_FORMAT_ABGR,
        sys::NV_ENC_BUFFER_FORMAT_ARGB10,
        sys::NV_ENC_BUFFER_FORMAT_ABGR10,
    ];
    let rgb = rgb.into_iter().filter(|_| Behaviour::get().rgb);
    ycbcr.into_iter().chain(rgb).collect()
}

/// `NvEncGetEncodeCaps`.
pub(crate) fn caps(session: &Session, guid: GUID, question: &NV_ENC_CAPS_PARAM) -> Answer<i32> {
    word(session.version, Structure::Caps, question.version)?;
    zeros("NV_ENC_CAPS_PARAM", &question.reserved)?;
    let codec = codec(guid)?;
    let behaviour = Behaviour::get();
    let ((wide, high), (width, height)) = (behaviour.least, behaviour.most);
    let answer = match question.capsToQuery {
        sys::NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES => {
            sys::NV_ENC_PARAMS_RC_VBR | sys::NV_ENC_PARAMS_RC_CBR
        }
        sys::NV_ENC_CAPS_WIDTH_MAX => width,
        sys::NV_ENC_CAPS_HEIGHT_MAX => height,
        sys::NV_ENC_CAPS_WIDTH_MIN => wide,
        sys::NV_ENC_CAPS_HEIGHT_MIN => high,
        sys::NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE => behaviour.resizes.into(),
        sys::NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE
        | sys::NV_ENC_CAPS_SUPPORT_INTRA_REFRESH
        | sys::NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE
        | sys::NV_ENC_CAPS_NUM_ENCODER_ENGINES => 1,
        sys::NV_ENC_CAPS_SUPPORT_10BIT_ENCODE => (codec != Codec::H264).into(),
        sys::NV_ENC_CAPS_ASYNC_ENCODE_SUPPORT => 0,
        other => return wrong(sys::NV_ENC_ERR_INVALID_PARAM, format!("a caps number {other}")),
    };
    Ok(answer.cast_signed())
}

/// `NvEncGetEncodePresetConfigEx`.
pub(crate) fn preset(
    session: &mut Session,
    (guid, preset, tuning): (GUID, GUID, u32),
    answer: &mut NV_ENC_PRESET_CONFIG,
) -> Answer {
    let codec = codec(guid)?;
    word(session.version, Structure::PresetConfig, answer.version)?;
    word(session.version, Structure::Config, answer.presetCfg.version)?;
    let known = sys::GUIDS.iter().any(|(name, guid)| name.contains("PRESET") && *guid == preset);
    hold(known, format!("preset {preset:?}"))?;
    let tuned = (sys::NV_ENC_TUNING_INFO_HIGH_QUALITY..=sys::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY)
        .contains(&tuning);
    if !tuned {
        return refuse(sys::NV_ENC_ERR_UNSUPPORTED_PARAM, "another tuning");
    }
    session.presets.push((codec, preset, tuning));
    let version = answer.presetCfg.version;
    answer.presetCfg = NV_ENC_CONFIG { version, ..defaults(session.version, codec) };
    Ok(())
}

/// What presets of drivers look like: VBR, with a key picture now and then.
fn defaults(version: Version, codec: Codec) -> NV_ENC_CONFIG {
    let mut config = NV_ENC_CONFIG::default();
    (config.gopLength, config.frameIntervalP) = (30, 1);
    config.frameFieldMode = sys::NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME;
    config.rcParams.version = version.word(Structure::RcParams);
    config.rcParams.rateControlMode = sys::NV_ENC_PARAMS_RC_VBR;
    config.rcParams.averageBitRate = 5_000_000;
    config.rcParams.constQP = NV_ENC_QP { qpInterP: 28, qpInterB: 31, qpIntra: 25 };
    match codec {
        Codec::H264 => {
            let mut h264 = sys::NV_ENC_CONFIG_H264::default();
            (h264.idrPeriod, h264.chromaFormatIDC) = (30, 1);
            config.encodeCodecConfig.h264Config = h264;
        }
        Codec::Hevc => {
            let flags = 1 << sys::bit::NV_ENC_CONFIG_HEVC::chromaFormatIDC.trailing_zeros();
            config.encodeCodecConfig.hevcConfig =
                sys::NV_ENC_CONFIG_HEVC { idrPeriod: 30, flags, ..Default::default() };
        }
        Codec::Av1 => {
            let flags = 1 << sys::bit::NV_ENC_CONFIG_AV1::chromaFormatIDC.trailing_zeros();
            config.encodeCodecConfig.av1Config =
                sys::NV_ENC_CONFIG_AV1 { idrPeriod: 30, flags, ..Default::default() };
        }
    }
    config
}
