//! How a stream is encoded.

use super::{GUID, zeroed};

/// `NV_ENC_QP`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NV_ENC_QP {
    pub qpInterP: u32,
    pub qpInterB: u32,
    pub qpIntra: u32,
}

/// `NV_ENC_RC_PARAMS`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_RC_PARAMS {
    pub version: u32,
    pub rateControlMode: u32,
    pub constQP: NV_ENC_QP,
    pub averageBitRate: u32,
    pub maxBitRate: u32,
    pub vbvBufferSize: u32,
    pub vbvInitialDelay: u32,
    /// [`bit::NV_ENC_RC_PARAMS`](super::bit::NV_ENC_RC_PARAMS).
    pub flags: u32,
    pub minQP: NV_ENC_QP,
    pub maxQP: NV_ENC_QP,
    pub initialRCQP: NV_ENC_QP,
    pub temporallayerIdxMask: u32,
    pub temporalLayerQP: [u8; 8],
    pub targetQuality: u8,
    pub targetQualityLSB: u8,
    pub lookaheadDepth: u16,
    pub lowDelayKeyFrameScale: u8,
    pub reserved1: [i8; 3],
    pub qpMapMode: u32,
    pub multiPass: u32,
    pub reserved2: [u32; 6],
}

/// `NV_ENC_CONFIG_H264_VUI_PARAMETERS`, and the one of HEVC, which is the same.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_CONFIG_H264_VUI_PARAMETERS {
    pub overscanInfoPresentFlag: u32,
    pub overscanInfo: u32,
    pub videoSignalTypePresentFlag: u32,
    pub videoFormat: u32,
    pub videoFullRangeFlag: u32,
    pub colourDescriptionPresentFlag: u32,
    pub colourPrimaries: u32,
    pub transferCharacteristics: u32,
    pub colourMatrix: u32,
    pub chromaSampleLocationFlag: u32,
    pub chromaSampleLocationTop: u32,
    pub chromaSampleLocationBot: u32,
    pub bitstreamRestrictionFlag: u32,
    pub reserved: [u32; 15],
}

/// `NV_ENC_CONFIG_H264`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_CONFIG_H264 {
    /// [`bit::NV_ENC_CONFIG_H264`](super::bit::NV_ENC_CONFIG_H264).
    pub flags: u32,
    pub level: u32,
    pub idrPeriod: u32,
    pub separateColourPlaneFlag: u32,
    pub disableDeblockingFilterIDC: u32,
    pub numTemporalLayers: u32,
    pub spsId: u32,
    pub ppsId: u32,
    pub adaptiveTransformMode: u32,
    pub fmoMode: u32,
    pub bdirectMode: u32,
    pub entropyCodingMode: u32,
    pub stereoMode: u32,
    pub intraRefreshPeriod: u32,
    pub intraRefreshCnt: u32,
    pub maxNumRefFrames: u32,
    pub sliceMode: u32,
    pub sliceModeData: u32,
    pub h264VUIParameters: NV_ENC_CONFIG_H264_VUI_PARAMETERS,
    pub ltrNumFrames: u32,
    pub ltrTrustMode: u32,
    pub chromaFormatIDC: u32,
    pub maxTemporalLayers: u32,
    pub useBFramesAsRef: u32,
    pub numRefL0: u32,
    pub numRefL1: u32,
    /// From 13.0 on; must be 0 before.
    pub outputBitDepth: u32,
    /// From 13.0 on; must be 0 before.
    pub inputBitDepth: u32,
    pub reserved1: [u32; 265],
    pub reserved2: [usize; 64],
}

/// `NV_ENC_CONFIG_HEVC`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_CONFIG_HEVC {
    pub level: u32,
    pub tier: u32,
    pub minCUSize: u32,
    pub maxCUSize: u32,
    /// [`bit::NV_ENC_CONFIG_HEVC`](super::bit::NV_ENC_CONFIG_HEVC).
    pub flags: u32,
    pub idrPeriod: u32,
    pub intraRefreshPeriod: u32,
    pub intraRefreshCnt: u32,
    pub maxNumRefFramesInDPB: u32,
    pub ltrNumFrames: u32,
    pub vpsId: u32,
    pub spsId: u32,
    pub ppsId: u32,
    pub sliceMode: u32,
    pub sliceModeData: u32,
    pub maxTemporalLayersMinus1: u32,
    pub hevcVUIParameters: NV_ENC_CONFIG_H264_VUI_PARAMETERS,
    pub ltrTrustMode: u32,
    pub useBFramesAsRef: u32,
    pub numRefL0: u32,
    pub numRefL1: u32,
    pub tfLevel: u32,
    pub disableDeblockingFilterIDC: u32,
    /// From 13.0 on; must be 0 before.
    pub outputBitDepth: u32,
    /// From 13.0 on; must be 0 before.
    pub inputBitDepth: u32,
    pub reserved1: [u32; 210],
    pub reserved2: [usize; 64],
}

/// `NV_ENC_CONFIG_AV1`, from 12.0 on.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_CONFIG_AV1 {
    pub level: u32,
    pub tier: u32,
    pub minPartSize: u32,
    pub maxPartSize: u32,
    /// [`bit::NV_ENC_CONFIG_AV1`](super::bit::NV_ENC_CONFIG_AV1).
    pub flags: u32,
    pub idrPeriod: u32,
    pub intraRefreshPeriod: u32,
    pub intraRefreshCnt: u32,
    pub maxNumRefFramesInDPB: u32,
    pub numTileColumns: u32,
    pub numTileRows: u32,
    pub reserved: u32,
    pub tileWidths: usize,
    pub tileHeights: usize,
    pub maxTemporalLayersMinus1: u32,
    pub colorPrimaries: u32,
    pub transferCharacteristics: u32,
    pub matrixCoefficients: u32,
    pub colorRange: u32,
    pub chromaSamplePosition: u32,
    pub useBFramesAsRef: u32,
    pub filmGrainParams: usize,
    pub numFwdRefs: u32,
    pub numBwdRefs: u32,
    /// From 13.0 on; must be 0 before.
    pub outputBitDepth: u32,
    /// From 13.0 on; must be 0 before.
    pub inputBitDepth: u32,
    pub reserved1: [u32; 233],
    pub reserved2: [usize; 62],
}

/// `NV_ENC_CODEC_CONFIG`.
#[repr(C)]
#[derive(Clone, Copy)]
pub union NV_ENC_CODEC_CONFIG {
    pub h264Config: NV_ENC_CONFIG_H264,
    pub hevcConfig: NV_ENC_CONFIG_HEVC,
    pub av1Config: NV_ENC_CONFIG_AV1,
}

/// `NV_ENC_CONFIG`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_CONFIG {
    pub version: u32,
    pub profileGUID: GUID,
    pub gopLength: u32,
    pub frameIntervalP: i32,
    pub monoChromeEncoding: u32,
    pub frameFieldMode: u32,
    pub mvPrecision: u32,
    pub rcParams: NV_ENC_RC_PARAMS,
    pub encodeCodecConfig: NV_ENC_CODEC_CONFIG,
    pub reserved: [u32; 278],
    pub reserved2: [usize; 64],
}

/// `NV_ENC_PRESET_CONFIG`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NV_ENC_PRESET_CONFIG {
    pub version: u32,
    pub reserved: u32,
    pub presetCfg: NV_ENC_CONFIG,
    pub reserved1: [u32; 256],
    pub reserved2: [usize; 64],
}

zeroed!(
    NV_ENC_CONFIG,
    NV_ENC_PRESET_CONFIG,
    NV_ENC_CONFIG_H264,
    NV_ENC_CONFIG_HEVC,
    NV_ENC_CONFIG_AV1
);
