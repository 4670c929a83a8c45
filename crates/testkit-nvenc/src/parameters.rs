//! What an encoder is initialized with, and changed to.

use zerohop_frame::{Color, Extent};
use zerohop_nvenc::sys::{
    self, NV_ENC_CONFIG, NV_ENC_INITIALIZE_PARAMS, NV_ENC_RECONFIGURE_PARAMS,
    NVENC_INFINITE_GOPLENGTH, bit, depth,
};
use zerohop_nvenc::{Codec, Structure, Version};
use zerohop_openh264::Rate;

use crate::behaviour::Behaviour;
use crate::check::{Answer, hold, refuse, word, zeros};
use crate::headers::Shape;
use crate::journal::say;
use crate::questions::codec;
use crate::session::{Begun, Session};
use crate::stream::Setting;

/// `NvEncInitializeEncoder`.
pub(crate) fn initialize(session: &mut Session, params: &NV_ENC_INITIALIZE_PARAMS) -> Answer {
    hold(session.begun.is_none(), "initialized again")?;
    let begun = check(session, params)?;
    let Setting { codec, shape, hertz, .. } = begun.setting;
    let Extent { width, height } = shape.extent;
    let Extent { width: most, height: high } = begun.most;
    let number = session.number;
    let Color { primaries, transfer, matrix, full_range, .. } = shape.color;
    say(&format!(
        "session {number} initialize {codec} {width}x{height} most {most}x{high} at {hertz} Hz {} \
         color {primaries}/{transfer}/{matrix}/{} bits {}",
        begun.rate,
        u8::from(full_range),
        if shape.ten_bits { 10 } else { 8 },
    ));
    session.begun = Some(begun);
    Ok(())
}

/// `NvEncReconfigureEncoder`.
pub(crate) fn reconfigure(session: &mut Session, params: &NV_ENC_RECONFIGURE_PARAMS) -> Answer {
    word(session.version, Structure::Reconfigure, params.version)?;
    let is_13 = session.version >= Version::V13_0;
    let mut inner = params.reInitEncodeParams;
    let flags = params.flags(is_13);
    // What lies there in 13.0 is no part of the older, longer structure.
    if is_13 {
        inner.reserved2[63] = 0;
    }
    let new = check(session, &inner)?;
    let number = session.number;
    let old = session.begun()?;
    let same = new.setting.codec == old.setting.codec
        && new.preset == old.preset
        && new.tuning == old.tuning
        && new.mode == old.mode
        && new.most == old.most;
    hold(same, "reconfigured to another codec, preset, rate control mode or largest size")?;
    let (before, after) = (old.setting.shape.extent, new.setting.shape.extent);
    let resized = before != after;
    let forced = flags & NV_ENC_RECONFIGURE_PARAMS::FORCE_IDR != 0;
    hold(!resized || forced, "another size without a key picture")?;
    if resized && !Behaviour::get().resizes {
        return refuse(sys::NV_ENC_ERR_UNSUPPORTED_PARAM, "no other size in place");
    }
    *old = new;
    session.forced |= forced;
    let setting = &session.begun()?.setting;
    say(&format!(
        "session {number} reconfigure {}x{} {:?}",
        after.width, after.height, setting.rate
    ));
    Ok(())
}

/// Refuses what an encoder cannot be.
fn check(session: &Session, params: &NV_ENC_INITIALIZE_PARAMS) -> Answer<Begun> {
    let version = session.version;
    word(version, Structure::Initialize, params.version)?;
    zeros("NV_ENC_INITIALIZE_PARAMS", &params.reserved1[4..])?;
    let codec = codec(params.encodeGUID)?;
    let asked = (codec, params.presetGUID, params.tuningInfo);
    hold(session.presets.contains(&asked), "a preset whose configuration was not asked for")?;
    hold(params.enablePTD == 1, "picture types are the caller's")?;
    hold(params.enableEncodeAsync == 0, "asynchronous, which Linux is not")?;
    hold(params.frameRateNum > 0 && params.frameRateDen == 1, "no frame rate")?;
    let extent = Extent { width: params.encodeWidth, height: params.encodeHeight };
    let most = Extent { width: params.maxEncodeWidth, height: params.maxEncodeHeight };
    let even = extent.width.is_multiple_of(2) && extent.height.is_multiple_of(2);
    hold(even, format!("an odd size, {}x{}", extent.width, extent.height))?;
    let (width, height) = Behaviour::get().most;
    let within = |one: Extent, of: Extent| one.width <= of.width && one.height <= of.height;
    let (wide, high) = Behaviour::get().least;
    let least = Extent { width: wide, height: high };
    hold(within(least, extent), "smaller than the chip can do")?;
    hold(within(extent, most), "larger than the largest size")?;
    hold(within(most, Extent { width, height }), "larger than the chip can do")?;
    hold(!params.encodeConfig.is_null(), "no configuration")?;
    // SAFETY: "Client must set a pointer to NV_ENC_CONFIG", which is read during the call.
    let config = unsafe { &*params.encodeConfig };
    let (shape, rate, refresh) = configuration(version, codec, extent, config)?;
    let mode = config.rcParams.rateControlMode;
    let words = words(params, config, refresh);
    let setting = Setting { codec, shape, hertz: params.frameRateNum, rate };
    let (preset, tuning) = (params.presetGUID, params.tuningInfo);
    Ok(Begun { setting, most, preset, tuning, mode, rate: words })
}

/// What decides the size of packets, and how pictures are refreshed.
fn words(params: &NV_ENC_INITIALIZE_PARAMS, config: &NV_ENC_CONFIG, refresh: (u32, u32)) -> String {
    let rc = &config.rcParams;
    let rate = match rc.rateControlMode {
        sys::NV_ENC_PARAMS_RC_CONSTQP => format!("constqp {}", rc.constQP.qpInterP),
        sys::NV_ENC_PARAMS_RC_VBR => format!("vbr {}", rc.averageBitRate),
        _ => format!("cbr {}", rc.averageBitRate),
    };
    let (most, buffer) = (rc.maxBitRate, rc.vbvBufferSize);
    let known = sys::GUIDS.iter().find(|(_, guid)| *guid == params.presetGUID);
    let preset = known.map_or("", |(name, _)| &name["NV_ENC_PRESET_P".len()..][..1]);
    format!(
        "rate {rate} most {most} buffer {buffer} preset p{preset} tuning {} refresh {}/{}",
        params.tuningInfo, refresh.0, refresh.1
    )
}

fn configuration(
    version: Version,
    codec: Codec,
    extent: Extent,
    config: &NV_ENC_CONFIG,
) -> Answer<(Shape, Rate, (u32, u32))> {
    word(version, Structure::Config, config.version)?;
    word(version, Structure::RcParams, config.rcParams.version)?;
    hold(config.gopLength == NVENC_INFINITE_GOPLENGTH, "key pictures by count")?;
    hold(config.frameIntervalP == 1, "pictures in another order")?;
    let ahead = config.rcParams.flags & bit::NV_ENC_RC_PARAMS::enableLookahead;
    hold(ahead == 0, "pictures held back to look ahead")?;
    let of = profiles(codec);
    hold(of.contains(&config.profileGUID), format!("a profile that is not of {codec}"))?;
    let (color, ten_bits, idr, refresh) = match codec {
        Codec::H264 => {
            // SAFETY: the configuration is one of this codec, and any bits are numbers.
            let h264 = unsafe { &config.encodeCodecConfig.h264Config };
            hold(h264.flags & bit::NV_ENC_CONFIG_H264::repeatSPSPPS != 0, "headers once only")?;
            hold(h264.chromaFormatIDC == 1, "chroma that is not 4:2:0")?;
            let bits = bits(version, 0, (h264.outputBitDepth, h264.inputBitDepth))?;
            hold(bits == 8, format!("H.264 of {bits} bits"))?;
            use bit::NV_ENC_CONFIG_H264 as flag;
            let told = h264.flags & flag::outputRecoveryPointSEI != 0;
            let numbers = (h264.intraRefreshPeriod, h264.intraRefreshCnt);
            let refresh = refresh(h264.flags & flag::enableIntraRefresh != 0, told, numbers)?;
            (vui(&h264.h264VUIParameters), false, h264.idrPeriod, refresh)
        }
        Codec::Hevc => {
            // SAFETY: as above.
            hevc(version, unsafe { &config.encodeCodecConfig.hevcConfig })?
        }
        Codec::Av1 => {
            // SAFETY: as above.
            av1(version, unsafe { &config.encodeCodecConfig.av1Config })?
        }
    };
    hold(idr == config.gopLength, "key pictures at another interval than the GOP")?;
    hold(refresh == (0, 0) || refresh.1 < refresh.0, format!("intra refresh of {refresh:?}"))?;
    let rate = match config.rcParams.rateControlMode {
        sys::NV_ENC_PARAMS_RC_CONSTQP => {
            Rate::Quantizer(config.rcParams.constQP.qpInterP.min(51) as u8)
        }
        _ => Rate::Bits(config.rcParams.averageBitRate),
    };
    hold(rate != Rate::Bits(0), "no bits")?;
    Ok((Shape { extent, color, ten_bits }, rate, refresh))
}

fn profiles(codec: Codec) -> Vec<sys::GUID> {
    match codec {
        Codec::H264 => vec![sys::NV_ENC_H264_PROFILE_HIGH_GUID],
        Codec::Hevc => {
            vec![sys::NV_ENC_HEVC_PROFILE_MAIN_GUID, sys::NV_ENC_HEVC_PROFILE_MAIN10_GUID]
        }
        Codec::Av1 => vec![sys::NV_ENC_AV1_PROFILE_MAIN_GUID],
    }
}

/// Period and length of intra refresh, which is switched on for that, and told of to decoders that join in
/// the middle.
fn refresh(enabled: bool, told: bool, (period, pictures): (u32, u32)) -> Answer<(u32, u32)> {
    hold(
        enabled == (period > 0),
        "a period of intra refresh, and it is off, or the other way round",
    )?;
    hold(!enabled || told, "intra refresh, and no decoder is told where it begins")?;
    Ok((period, pictures))
}

/// Colours, whether there are 10 bits, the IDR period, and intra refresh.
type Said = (Color, bool, u32, (u32, u32));

fn hevc(version: Version, hevc: &sys::NV_ENC_CONFIG_HEVC) -> Answer<Said> {
    use bit::NV_ENC_CONFIG_HEVC as flag;
    hold(hevc.flags & flag::repeatSPSPPS != 0, "headers once only")?;
    let chroma = (hevc.flags & flag::chromaFormatIDC) >> flag::chromaFormatIDC.trailing_zeros();
    hold(chroma == 1, "chroma that is not 4:2:0")?;
    let old = (hevc.flags & depth::HEVC_PIXEL) >> depth::HEVC_PIXEL.trailing_zeros();
    let bits = bits(version, old, (hevc.outputBitDepth, hevc.inputBitDepth))?;
    let told = version < Version::V12_0 || hevc.flags & flag::outputRecoveryPointSEI != 0;
    let numbers = (hevc.intraRefreshPeriod, hevc.intraRefreshCnt);
    let refresh = refresh(hevc.flags & flag::enableIntraRefresh != 0, told, numbers)?;
    Ok((vui(&hevc.hevcVUIParameters), bits == 10, hevc.idrPeriod, refresh))
}

fn av1(version: Version, av1: &sys::NV_ENC_CONFIG_AV1) -> Answer<Said> {
    use bit::NV_ENC_CONFIG_AV1 as flag;
    hold(av1.flags & flag::repeatSeqHdr != 0, "headers once only")?;
    let chroma = (av1.flags & flag::chromaFormatIDC) >> flag::chromaFormatIDC.trailing_zeros();
    hold(chroma == 1, "chroma that is not 4:2:0")?;
    let old = (av1.flags & depth::AV1_PIXEL) >> depth::AV1_PIXEL.trailing_zeros();
    let bits = bits(version, old, (av1.outputBitDepth, av1.inputBitDepth))?;
    let color = Color {
        primaries: av1.colorPrimaries as u8,
        transfer: av1.transferCharacteristics as u8,
        matrix: av1.matrixCoefficients as u8,
        full_range: av1.colorRange != 0,
        siting: None,
    };
    let numbers = (av1.intraRefreshPeriod, av1.intraRefreshCnt);
    let refresh = refresh(av1.flags & flag::enableIntraRefresh != 0, true, numbers)?;
    Ok((color, bits == 10, av1.idrPeriod, refresh))
}

/// Bits of a component, where the version has them; the other place must be empty.
fn bits(version: Version, old: u32, new: (u32, u32)) -> Answer<u32> {
    let (found, other) = if version >= Version::V13_0 {
        (new.0, old == 0 && (new.1 == 8 || new.1 == 10))
    } else {
        (old + 8, new == (0, 0))
    };
    hold((found == 8 || found == 10) && other, format!("bit depths {old} and {new:?}"))?;
    Ok(found)
}

fn vui(vui: &sys::NV_ENC_CONFIG_H264_VUI_PARAMETERS) -> Color {
    Color {
        primaries: vui.colourPrimaries as u8,
        transfer: vui.transferCharacteristics as u8,
        matrix: vui.colourMatrix as u8,
        full_range: vui.videoFullRangeFlag != 0,
        siting: None,
    }
}
