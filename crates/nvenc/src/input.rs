//! Surfaces that the encoder knows.

use std::ffi::c_void;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use zerohop_cuda::{Place, Surface};
use zerohop_frame::Extent;

use crate::core::{Core, call};
use crate::sys::{self, NV_ENC_INPUT_IMAGE, NV_ENC_MAP_INPUT_RESOURCE, NV_ENC_REGISTER_RESOURCE};
use crate::{Error, Format, Structure};

/// A surface that was registered with one encoder, once for all of its pictures.
pub struct Input {
    core: Arc<Core>,
    raw: *mut c_void,
    extent: Extent,
    format: Format,
    pitch: u32,
    /// The memory, which is there as long as the registration.
    _surface: Arc<dyn Surface>,
}

// SAFETY: the library's name for a resource; what `core` says of threads holds for it.
unsafe impl Send for Input {}
// SAFETY: as above.
unsafe impl Sync for Input {}

impl Input {
    /// Registers `surface`, on which a picture of `extent` lies as `format`.
    pub(crate) fn register(
        core: &Arc<Core>,
        surface: Arc<dyn Surface>,
        extent: Extent,
        format: Format,
    ) -> Result<Arc<Self>, Error> {
        let (kind, handle, pitch) = resource(&*surface, extent, format)?;
        let mut params = NV_ENC_REGISTER_RESOURCE {
            version: core.word(Structure::RegisterResource),
            resourceType: kind,
            width: extent.width,
            height: extent.height,
            pitch,
            resourceToRegister: handle,
            bufferFormat: format.0,
            bufferUsage: NV_ENC_INPUT_IMAGE,
            ..Default::default()
        };
        let Extent { width, height } = extent;
        let doing = || format!("register {format} {width}x{height} with the encoder");
        // The handle is of memory that `surface` keeps, and we keep that.
        call!(core, doing, nvEncRegisterResource, &raw mut params)?;
        let (core, raw) = (Arc::clone(core), params.registeredResource);
        Ok(Arc::new(Self { core, raw, extent, format, pitch, _surface: surface }))
    }

    /// Size of the picture.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// How it lies.
    pub fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn pitch(&self) -> u32 {
        self.pitch
    }

    pub(crate) fn is_of(&self, core: &Arc<Core>) -> bool {
        Arc::ptr_eq(&self.core, core)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { extent, format, pitch, .. } = self;
        write!(f, "{format} {}x{}, rows {pitch} apart", extent.width, extent.height)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // Where that fails the encoder is lost, and its registrations with it.
        let doing = || "forget a surface".to_owned();
        let _ = call!(&self.core, doing, nvEncUnregisterResource, self.raw);
    }
}

/// Kind, handle and pitch of a surface, as the library wants them: of an array the bytes of a row.
///
/// # References
///
/// `nvEncodeAPI.h`, `NV_ENC_REGISTER_RESOURCE::pitch`, `resourceToRegister`.
fn resource(
    surface: &dyn Surface,
    extent: Extent,
    format: Format,
) -> Result<(u32, *mut c_void, u32), Error> {
    let (rows, bytes) = format.rows(extent);
    let (kind, handle, pitch) = match surface.place() {
        Place::Array(array) => (sys::NV_ENC_INPUT_RESOURCE_TYPE_CUDAARRAY, array.0, bytes),
        Place::Device { pointer, pitch } => (
            sys::NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR,
            ptr::with_exposed_provenance_mut(pointer as usize),
            pitch,
        ),
        Place::Host { .. } => (0, ptr::null_mut(), 0),
    };
    let (there, row_bytes) = (surface.rows(), surface.row_bytes());
    let narrow = u32::try_from(pitch).ok().filter(|pitch| pitch.is_multiple_of(4));
    match narrow {
        Some(pitch) if rows <= there && bytes <= row_bytes && !handle.is_null() => {
            Ok((kind, handle, pitch))
        }
        _ => Err(Error::Surface { extent, format, rows: there, row_bytes, pitch }),
    }
}

/// An input while one picture of it is being read.
pub(crate) struct Mapped {
    input: Arc<Input>,
    raw: *mut c_void,
    pub(crate) format: u32,
}

// SAFETY: as for `Input`.
unsafe impl Send for Mapped {}

impl Mapped {
    pub(crate) fn new(input: &Arc<Input>) -> Result<Self, Error> {
        let core = &input.core;
        let mut params = NV_ENC_MAP_INPUT_RESOURCE {
            version: core.word(Structure::MapInputResource),
            registeredResource: input.raw,
            ..Default::default()
        };
        let doing = || format!("map {input:?} for the encoder");
        call!(core, doing, nvEncMapInputResource, &raw mut params)?;
        let (raw, format) = (params.mappedResource, params.mappedBufferFmt);
        Ok(Self { input: Arc::clone(input), raw, format })
    }

    pub(crate) fn raw(&self) -> *mut c_void {
        self.raw
    }

    pub(crate) fn input(&self) -> &Input {
        &self.input
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        let doing = || "unmap a picture".to_owned();
        let _ = call!(&self.input.core, doing, nvEncUnmapInputResource, self.raw);
    }
}
