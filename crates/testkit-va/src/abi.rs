//! The words of libva 1.x, laid out as its headers have them.
//!
//! # References
//!
//! `va/va.h`, `va/va_backend.h`, `va/va_drmcommon.h`, `va/va_dec_jpeg.h`.

use std::ffi::{c_char, c_int, c_uint, c_ulong, c_void};
use std::mem::offset_of;

const _: () = assert!(size_of::<ConfigAttribute>() == 8);
const _: () = assert!(size_of::<SurfaceAttribute>() == 24);
const _: () = assert!(size_of::<ImageFormat>() == 48);
const _: () = assert!(size_of::<Image>() == 120);
const _: () = assert!(size_of::<PrimeSurface>() == 312);
const _: () = assert!(size_of::<PictureParametersH264>() == 672);
const _: () = assert!(offset_of!(SliceParametersH264, l1_active_minus1) == 19);
const _: () = assert!(offset_of!(PictureParametersJpeg, count) == 1024);
const _: () = assert!(offset_of!(SliceParametersJpeg, restart_interval) == 34);
const _: () = assert!(size_of::<HuffmanJpeg>() == 420 - 2);
const _: () = assert!(offset_of!(DriverContext, vendor) == 88);

/// `VAStatus`.
pub(crate) type Status = c_int;
/// `VAGenericID`, by whatever name.
pub(crate) type Id = c_uint;

/// `VAProfile`.
pub(crate) mod profile {
    pub(crate) const H264_MAIN: i32 = 6;
    pub(crate) const H264_HIGH: i32 = 7;
    pub(crate) const JPEG_BASELINE: i32 = 12;
    pub(crate) const H264_CONSTRAINED_BASELINE: i32 = 13;
    pub(crate) const VP9_0: i32 = 19;
    pub(crate) const VP9_2: i32 = 21;
}

/// `VAEntrypointVLD`.
pub(crate) const VLD: i32 = 1;

/// `VABufferType`.
pub(crate) mod buffer {
    pub(crate) const PICTURE: u32 = 0;
    pub(crate) const IQ_MATRIX: u32 = 1;
    pub(crate) const SLICE: u32 = 4;
    pub(crate) const SLICE_DATA: u32 = 5;
    pub(crate) const IMAGE: u32 = 9;
    pub(crate) const HUFFMAN: u32 = 12;
}

/// `VASurfaceAttribType`.
pub(crate) mod surface_attribute {
    pub(crate) const PIXEL_FORMAT: u32 = 1;
    pub(crate) const MIN_WIDTH: u32 = 2;
    pub(crate) const MAX_WIDTH: u32 = 3;
    pub(crate) const MIN_HEIGHT: u32 = 4;
    pub(crate) const MAX_HEIGHT: u32 = 5;
    pub(crate) const MEMORY_TYPE: u32 = 6;
}

/// `VAConfigAttribRTFormat`.
pub(crate) const RT_FORMAT: u32 = 0;
/// `VA_ATTRIB_NOT_SUPPORTED`.
pub(crate) const NOT_SUPPORTED: u32 = 0x8000_0000;
/// `VA_SURFACE_ATTRIB_MEM_TYPE_VA`.
pub(crate) const MEMORY_VA: u32 = 1;
/// `VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2`.
pub(crate) const MEMORY_PRIME_2: u32 = 0x4000_0000;
/// `VA_EXPORT_SURFACE_COMPOSED_LAYERS`.
pub(crate) const COMPOSED_LAYERS: u32 = 8;
/// `VASurfaceReady`.
pub(crate) const SURFACE_READY: u32 = 4;

/// `VAConfigAttrib`.
#[repr(C)]
pub(crate) struct ConfigAttribute {
    pub(crate) kind: u32,
    pub(crate) value: u32,
}

/// `VASurfaceAttrib` with an integer in it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SurfaceAttribute {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) value_kind: u32,
    pub(crate) _pad: u32,
    pub(crate) value: u64,
}

/// `VAImageFormat`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct ImageFormat {
    pub(crate) fourcc: u32,
    pub(crate) byte_order: u32,
    pub(crate) bits_per_pixel: u32,
    pub(crate) depth: u32,
    pub(crate) masks: [u32; 4],
    pub(crate) reserved: [u32; 4],
}

/// `VAImage`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Image {
    pub(crate) id: Id,
    pub(crate) format: ImageFormat,
    pub(crate) buffer: Id,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) data_size: u32,
    pub(crate) planes: u32,
    pub(crate) pitches: [u32; 3],
    pub(crate) offsets: [u32; 3],
    pub(crate) palette: [i32; 2],
    pub(crate) component_order: [i8; 4],
    pub(crate) reserved: [u32; 4],
}

/// One object of a [`PrimeSurface`].
#[repr(C)]
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct PrimeObject {
    pub(crate) fd: c_int,
    pub(crate) size: u32,
    pub(crate) modifier: u64,
}

/// One layer of a [`PrimeSurface`].
#[repr(C)]
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct PrimeLayer {
    pub(crate) format: u32,
    pub(crate) planes: u32,
    pub(crate) objects: [u32; 4],
    pub(crate) offsets: [u32; 4],
    pub(crate) pitches: [u32; 4],
}

/// `VADRMPRIMESurfaceDescriptor`.
#[repr(C)]
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct PrimeSurface {
    pub(crate) fourcc: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) object_count: u32,
    pub(crate) objects: [PrimeObject; 4],
    pub(crate) layer_count: u32,
    pub(crate) layers: [PrimeLayer; 4],
}

/// `VAPictureH264`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct PictureH264 {
    pub(crate) words: [u32; 9],
}

/// `VAPictureParameterBufferH264`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct PictureParametersH264 {
    pub(crate) current: PictureH264,
    pub(crate) references: [PictureH264; 16],
    pub(crate) width_in_mbs_minus1: u16,
    pub(crate) height_in_mbs_minus1: u16,
    pub(crate) bit_depths_minus8: [u8; 2],
    pub(crate) num_ref_frames: u8,
    pub(crate) sequence: u32,
    pub(crate) slice_groups: [u8; 4],
    pub(crate) init_qp_minus26: i8,
    pub(crate) init_qs_minus26: i8,
    pub(crate) chroma_qp_offset: i8,
    pub(crate) second_chroma_qp_offset: i8,
    pub(crate) picture: u32,
    pub(crate) frame_num: u16,
    pub(crate) reserved: [u32; 8],
}

/// `VASliceParameterBufferH264`, as far as we read it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct SliceParametersH264 {
    pub(crate) size: u32,
    pub(crate) offset: u32,
    pub(crate) flag: u32,
    pub(crate) bit_offset: u16,
    pub(crate) first_mb: u16,
    pub(crate) kind: u8,
    pub(crate) direct_spatial: u8,
    pub(crate) l0_active_minus1: u8,
    pub(crate) l1_active_minus1: u8,
}

/// `VAIQMatrixBufferH264`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct MatricesH264 {
    /// Six of 4x4, row by row.
    pub(crate) small: [[u8; 16]; 6],
    /// Two of 8x8, row by row: of intra and of other luma.
    pub(crate) large: [[u8; 64]; 2],
}

/// What the parameters of every slice begin with.
#[cfg(feature = "ffmpeg")]
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SliceParameters {
    pub(crate) size: u32,
    pub(crate) offset: u32,
    pub(crate) flag: u32,
}

/// `VAPictureParameterBufferJPEGBaseline`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct PictureParametersJpeg {
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// Id, horizontal and vertical sampling factor, quantiser table.
    pub(crate) components: [[u8; 4]; 255],
    pub(crate) count: u8,
}

/// `VAIQMatrixBufferJPEGBaseline`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct MatricesJpeg {
    pub(crate) load: [u8; 4],
    pub(crate) tables: [[u8; 64]; 4],
}

/// One pair of a [`HuffmanJpeg`].
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct HuffmanTables {
    pub(crate) dc_codes: [u8; 16],
    pub(crate) dc_values: [u8; 12],
    pub(crate) ac_codes: [u8; 16],
    pub(crate) ac_values: [u8; 162],
    pub(crate) pad: [u8; 2],
}

/// `VAHuffmanTableBufferJPEGBaseline`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct HuffmanJpeg {
    pub(crate) load: [u8; 2],
    pub(crate) tables: [HuffmanTables; 2],
}

/// `VASliceParameterBufferJPEGBaseline`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct SliceParametersJpeg {
    pub(crate) size: u32,
    pub(crate) offset: u32,
    pub(crate) flag: u32,
    pub(crate) position: [u32; 2],
    /// Component, DC table, AC table.
    pub(crate) components: [[u8; 3]; 4],
    pub(crate) count: u8,
    pub(crate) restart_interval: u16,
    pub(crate) mcus: u32,
}

/// `VADriverContext`, as far as a driver writes it.
#[repr(C)]
pub(crate) struct DriverContext {
    pub(crate) driver: *mut c_void,
    pub(crate) table: *mut *const c_void,
    pub(crate) tables: [*mut c_void; 3],
    pub(crate) native_display: *mut c_void,
    pub(crate) x11_screen: c_int,
    pub(crate) version: [c_int; 2],
    pub(crate) max_profiles: c_int,
    pub(crate) max_entrypoints: c_int,
    pub(crate) max_attributes: c_int,
    pub(crate) max_image_formats: c_int,
    pub(crate) max_subpicture_formats: c_int,
    pub(crate) max_display_attributes: c_int,
    pub(crate) vendor: *const c_char,
    pub(crate) handle: *mut c_void,
    pub(crate) drm_state: *mut c_void,
    pub(crate) glx: *mut c_void,
    pub(crate) display_type: c_ulong,
}
