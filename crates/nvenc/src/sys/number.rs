//! Enumerators and bits.

macro_rules! numbers {
    ($($name:ident = $value:expr;)*) => {
        $(pub const $name: u32 = $value;)*

        /// All of them by name, for the comparison with the header.
        pub const NUMBERS: &[(&str, u32)] = &[$((stringify!($name), $name)),*];
    };
}

numbers! {
    NVENC_INFINITE_GOPLENGTH = 0xffff_ffff;
    NV_ENC_DEVICE_TYPE_CUDA = 1;
    NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR = 1;
    NV_ENC_INPUT_RESOURCE_TYPE_CUDAARRAY = 2;
    NV_ENC_INPUT_IMAGE = 0;
    NV_ENC_PIC_STRUCT_FRAME = 1;
    NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME = 1;
    NV_ENC_PIC_TYPE_P = 0;
    NV_ENC_PIC_TYPE_I = 2;
    NV_ENC_PIC_TYPE_IDR = 3;
    NV_ENC_PIC_TYPE_INTRA_REFRESH = 6;
    NV_ENC_PIC_FLAG_FORCEINTRA = 1;
    NV_ENC_PIC_FLAG_FORCEIDR = 2;
    NV_ENC_PIC_FLAG_OUTPUT_SPSPPS = 4;
    NV_ENC_PIC_FLAG_EOS = 8;
    NV_ENC_PARAMS_RC_CONSTQP = 0;
    NV_ENC_PARAMS_RC_VBR = 1;
    NV_ENC_PARAMS_RC_CBR = 2;
    NV_ENC_MULTI_PASS_DISABLED = 0;
    NV_ENC_TWO_PASS_QUARTER_RESOLUTION = 1;
    NV_ENC_TWO_PASS_FULL_RESOLUTION = 2;
    NV_ENC_TUNING_INFO_HIGH_QUALITY = 1;
    NV_ENC_TUNING_INFO_LOW_LATENCY = 2;
    NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY = 3;
    NV_ENC_BUFFER_FORMAT_UNDEFINED = 0;
    NV_ENC_BUFFER_FORMAT_NV12 = 0x1;
    NV_ENC_BUFFER_FORMAT_YUV420_10BIT = 0x1_0000;
    NV_ENC_BUFFER_FORMAT_ARGB = 0x100_0000;
    NV_ENC_BUFFER_FORMAT_ARGB10 = 0x200_0000;
    NV_ENC_BUFFER_FORMAT_ABGR = 0x1000_0000;
    NV_ENC_BUFFER_FORMAT_ABGR10 = 0x2000_0000;
    NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES = 1;
    NV_ENC_CAPS_WIDTH_MAX = 16;
    NV_ENC_CAPS_HEIGHT_MAX = 17;
    NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE = 19;
    NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE = 20;
    NV_ENC_CAPS_SUPPORT_INTRA_REFRESH = 25;
    NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE = 26;
    NV_ENC_CAPS_ASYNC_ENCODE_SUPPORT = 30;
    NV_ENC_CAPS_SUPPORT_10BIT_ENCODE = 39;
    NV_ENC_CAPS_WIDTH_MIN = 45;
    NV_ENC_CAPS_HEIGHT_MIN = 46;
    NV_ENC_CAPS_NUM_ENCODER_ENGINES = 49;
    NV_ENC_LEVEL_AUTOSELECT = 0;
    NV_ENC_LEVEL_AV1_AUTOSELECT = 24;
    NV_ENC_SUCCESS = 0;
    NV_ENC_ERR_NO_ENCODE_DEVICE = 1;
    NV_ENC_ERR_UNSUPPORTED_DEVICE = 2;
    NV_ENC_ERR_INVALID_ENCODERDEVICE = 3;
    NV_ENC_ERR_INVALID_DEVICE = 4;
    NV_ENC_ERR_DEVICE_NOT_EXIST = 5;
    NV_ENC_ERR_INVALID_PTR = 6;
    NV_ENC_ERR_INVALID_EVENT = 7;
    NV_ENC_ERR_INVALID_PARAM = 8;
    NV_ENC_ERR_INVALID_CALL = 9;
    NV_ENC_ERR_OUT_OF_MEMORY = 10;
    NV_ENC_ERR_ENCODER_NOT_INITIALIZED = 11;
    NV_ENC_ERR_UNSUPPORTED_PARAM = 12;
    NV_ENC_ERR_LOCK_BUSY = 13;
    NV_ENC_ERR_NOT_ENOUGH_BUFFER = 14;
    NV_ENC_ERR_INVALID_VERSION = 15;
    NV_ENC_ERR_MAP_FAILED = 16;
    NV_ENC_ERR_NEED_MORE_INPUT = 17;
    NV_ENC_ERR_ENCODER_BUSY = 18;
    NV_ENC_ERR_EVENT_NOT_REGISTERD = 19;
    NV_ENC_ERR_GENERIC = 20;
    NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY = 21;
    NV_ENC_ERR_UNIMPLEMENTED = 22;
    NV_ENC_ERR_RESOURCE_REGISTER_FAILED = 23;
    NV_ENC_ERR_RESOURCE_NOT_REGISTERED = 24;
    NV_ENC_ERR_RESOURCE_NOT_MAPPED = 25;
}

macro_rules! bits {
    ($($structure:ident.$word:ident { $($field:ident = $bits:expr),* $(,)? })*) => {
        /// The bit fields that we use: structure, the field of ours that holds them, name, bits.
        pub const BITS: &[(&str, usize, &str, u32)] = &[$($((
            stringify!($structure),
            std::mem::offset_of!(super::$structure, $word),
            stringify!($field),
            bit::$structure::$field,
        )),*),*];

        /// Bit fields, in a module for each structure.
        pub mod bit {
            $(#[allow(non_snake_case, non_upper_case_globals, reason = "names of the header")]
            pub mod $structure {
                $(pub const $field: u32 = $bits;)*
            })*
        }
    };
}

bits! {
    NV_ENC_RC_PARAMS.flags {
        enableMinQP = 1, enableMaxQP = 2, enableAQ = 8, enableLookahead = 0x20, zeroReorderDelay = 0x200,
    }
    NV_ENC_CONFIG_H264.flags {
        outputAUD = 0x40, outputRecoveryPointSEI = 0x200, enableIntraRefresh = 0x400,
        repeatSPSPPS = 0x1000,
        enableFillerDataInsertion = 0x2_0000,
    }
    NV_ENC_CONFIG_HEVC.flags {
        outputAUD = 0x10, repeatSPSPPS = 0x80, enableIntraRefresh = 0x100,
        chromaFormatIDC = 0x600, enableFillerDataInsertion = 0x4000,
        // From 12.0 on.
        outputRecoveryPointSEI = 0x4_0000,
    }
    NV_ENC_CONFIG_AV1.flags {
        repeatSeqHdr = 0x20, enableIntraRefresh = 0x40, chromaFormatIDC = 0x180,
        enableBitstreamPadding = 0x200,
    }
    NV_ENC_LOCK_BITSTREAM.flags { doNotWait = 1 }
}

/// Bits per sample before 13.0, in the `flags` of the codec's configuration.
pub mod depth {
    /// `pixelBitDepthMinus8` of HEVC.
    pub const HEVC_PIXEL: u32 = 7 << 11;
    /// `pixelBitDepthMinus8` of AV1.
    pub const AV1_PIXEL: u32 = 7 << 15;
    /// `inputPixelBitDepthMinus8` of AV1.
    pub const AV1_INPUT: u32 = 7 << 12;
}
