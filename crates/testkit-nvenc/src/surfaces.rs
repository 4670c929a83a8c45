//! Surfaces, and the pictures on them.

use std::ffi::c_void;
use std::ptr;

use zerohop_cuda::abi::{
    DevicePointer, Memcpy2dSide, RawArray, RawStream, TYPE_ARRAY, TYPE_DEVICE,
};
use zerohop_frame::Extent;
use zerohop_nvenc::sys::{
    self, NV_ENC_MAP_INPUT_RESOURCE, NV_ENC_PIC_PARAMS, NV_ENC_REGISTER_RESOURCE,
};
use zerohop_nvenc::{Codec, Format, Structure};

use crate::behaviour::Behaviour;
use crate::check::{Answer, hold, refuse, word, wrong, zeros};
use crate::cuda::Copied;
use crate::journal::say;
use crate::questions::formats;
use crate::session::{Buffer, Job, Mapping, Resource, Session, State, named};

/// `NvEncRegisterResource`.
pub(crate) fn register(
    state: &mut State,
    encoder: *mut c_void,
    params: &mut NV_ENC_REGISTER_RESOURCE,
) -> Answer {
    let name = state.name();
    let session = state.session(encoder)?;
    word(session.version, Structure::RegisterResource, params.version)?;
    zeros("NV_ENC_REGISTER_RESOURCE", &params.reserved1)?;
    session.begun()?;
    let extent = Extent { width: params.width, height: params.height };
    let format = Format(params.bufferFormat);
    if !formats().contains(&format.0) {
        return refuse(sys::NV_ENC_ERR_UNSUPPORTED_PARAM, format!("the chip reads no {format}"));
    }
    let (_, bytes) = format.rows(extent);
    let is_array = params.resourceType == sys::NV_ENC_INPUT_RESOURCE_TYPE_CUDAARRAY;
    let is_rows = params.resourceType == sys::NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR;
    hold(is_array || is_rows, format!("a resource of type {}", params.resourceType))?;
    let pitch = params.pitch as usize;
    hold(!is_array || pitch == bytes, format!("an array of rows of {bytes} bytes, pitch {pitch}"))?;
    hold(pitch >= bytes && pitch.is_multiple_of(4), format!("{bytes} bytes, {pitch} apart"))?;
    hold(!is_array || format.is_rgb(), format!("{format} in one array"))?;
    hold(!params.resourceToRegister.is_null(), "no resource")?;
    let handle = params.resourceToRegister.expose_provenance();
    let again = session.resources.values().any(|known| known.handle == handle);
    hold(!again, "a resource that is registered already")?;
    let kind = params.resourceType;
    let resource = Resource { kind, handle, extent, pitch: params.pitch, format, mapped: false };
    session.resources.insert(name, resource);
    session.registered += 1;
    let how = if is_array { "array" } else { "rows" };
    say(&format!(
        "session {} register {format} {}x{} {how}",
        session.number, extent.width, extent.height
    ));
    params.registeredResource = named(name);
    Ok(())
}

/// `NvEncUnregisterResource`.
pub(crate) fn unregister(state: &mut State, encoder: *mut c_void, name: *mut c_void) -> Answer {
    let session = state.session(encoder)?;
    match session.resources.get(&name.addr()) {
        None => wrong(sys::NV_ENC_ERR_RESOURCE_NOT_REGISTERED, format!("{name:p} is none")),
        Some(resource) => {
            hold(!resource.mapped, "a surface is forgotten while it is mapped")?;
            session.resources.remove(&name.addr());
            Ok(())
        }
    }
}

/// `NvEncMapInputResource`.
pub(crate) fn map(
    state: &mut State,
    encoder: *mut c_void,
    params: &mut NV_ENC_MAP_INPUT_RESOURCE,
) -> Answer {
    let name = state.name();
    let session = state.session(encoder)?;
    word(session.version, Structure::MapInputResource, params.version)?;
    zeros("NV_ENC_MAP_INPUT_RESOURCE", &params.reserved1)?;
    let known = params.registeredResource.addr();
    let Some(resource) = session.resources.get_mut(&known) else {
        return wrong(sys::NV_ENC_ERR_RESOURCE_NOT_REGISTERED, "a surface that is not registered");
    };
    hold(!resource.mapped, "a surface is mapped twice")?;
    resource.mapped = true;
    params.mappedBufferFmt = resource.format.0;
    params.mappedResource = named(name);
    session.mappings.insert(name, Mapping { resource: known, picture: None });
    Ok(())
}

/// `NvEncUnmapInputResource`.
pub(crate) fn unmap(state: &mut State, encoder: *mut c_void, name: *mut c_void) -> Answer {
    let lost = state.lost;
    let session = state.session(encoder)?;
    let Some(mapping) = session.mappings.remove(&name.addr()) else {
        return wrong(sys::NV_ENC_ERR_RESOURCE_NOT_MAPPED, format!("{name:p} is not mapped"));
    };
    if let Some(resource) = session.resources.get_mut(&mapping.resource) {
        resource.mapped = false;
    }
    let Some(picture) = mapping.picture.filter(|_| !lost) else { return Ok(()) };
    let text = format!("picture {picture} is unmapped before its bitstream was given back");
    hold(picture <= session.given_back, text)?;
    let in_order = picture == session.unmapped + 1;
    session.unmapped = picture;
    hold(in_order, format!("picture {picture} is unmapped out of its turn"))
}

/// `NvEncEncodePicture`.
pub(crate) fn encode(
    state: &mut State,
    encoder: *mut c_void,
    params: &NV_ENC_PIC_PARAMS,
) -> Answer {
    let behaviour = Behaviour::get();
    let session = state.session(encoder)?;
    word(session.version, Structure::Pic, params.version)?;
    zeros("NV_ENC_PIC_PARAMS", &[params.reserved])?;
    hold(!session.ended, "a picture after the end")?;
    if params.encodePicFlags & sys::NV_ENC_PIC_FLAG_EOS != 0 {
        session.ended = true;
        return hold(params.inputBuffer.is_null(), "the end comes with a picture");
    }
    if session.busy < behaviour.busy {
        session.busy += 1;
        return refuse(sys::NV_ENC_ERR_ENCODER_BUSY, "busy");
    }
    session.busy = 0;
    if behaviour.lost == Some(session.pictures + 1) {
        state.lost = true;
        return refuse(sys::NV_ENC_ERR_DEVICE_NOT_EXIST, "the device is gone");
    }
    take(state, encoder, params)
}

fn take(state: &mut State, encoder: *mut c_void, params: &NV_ENC_PIC_PARAMS) -> Answer {
    let session = state.session(encoder)?;
    let setting = session.begun()?.setting;
    let Extent { width, height } = setting.shape.extent;
    let found = (params.inputWidth, params.inputHeight);
    hold(found == (width, height), format!("a picture of {found:?} for {width}x{height}"))?;
    hold(params.pictureStruct == sys::NV_ENC_PIC_STRUCT_FRAME, "no whole frame")?;
    let later = session.timestamp.is_none_or(|before| params.inputTimeStamp > before);
    hold(later, "a timestamp that does not grow")?;
    let mapping = params.inputBuffer.addr();
    let mapped = session.mappings.get(&mapping).filter(|mapping| mapping.picture.is_none());
    let Some(Mapping { resource, .. }) = mapped else {
        return wrong(
            sys::NV_ENC_ERR_INVALID_PARAM,
            "a picture that is not mapped, or taken already",
        );
    };
    let resource = &session.resources[resource];
    let (format, registered) = (resource.format, resource.extent);
    hold(params.bufferFmt == format.0, "another format than that of the surface")?;
    hold(params.inputPitch == resource.pitch, "another pitch than that of the surface")?;
    hold(holds(resource, setting.shape.extent), "a surface of another size")?;
    let out = params.outputBitstream.addr();
    let free = matches!(session.buffers.get(&out), Some(Buffer::Free));
    hold(free, "a bitstream buffer that is none, or in use")?;
    hold(session.stream != 0, "no stream was set")?;
    // SAFETY: the address that `NvEncSetIOCudaStreams` was given stays good as long as the encoder.
    let stream = unsafe { *ptr::with_exposed_provenance::<RawStream>(session.stream) };
    let copied = read(resource, stream)?;
    session.pictures += 1;
    let number = session.pictures;
    let forced = params.encodePicFlags & sys::NV_ENC_PIC_FLAG_FORCEIDR != 0;
    let key = forced || std::mem::take(&mut session.forced);
    let timestamp = *session.timestamp.insert(params.inputTimeStamp);
    note_refresh(session.number, number, setting.codec, params);
    let job = Job { number, timestamp, key, setting, format, registered, copied };
    session.buffers.insert(out, Buffer::Waiting(Box::new(job)));
    session.order.push_back(out);
    if let Some(mapping) = session.mappings.get_mut(&mapping) {
        mapping.picture = Some(number);
    }
    defer(session)
}

/// Writes down that a picture asks for a refresh.
fn note_refresh(session: u32, number: u64, codec: Codec, params: &NV_ENC_PIC_PARAMS) {
    let at = if codec == Codec::H264 { 4 } else { 3 };
    if let refresh @ 1.. = params.codecPicParams[at] {
        say(&format!("session {session} refresh within {refresh} from picture {number}"));
    }
}

/// Whether a picture of `extent` lies on `resource`: of planes the chroma is below as many rows as were
/// registered.
fn holds(resource: &Resource, extent: Extent) -> bool {
    let Extent { width, height } = resource.extent;
    let taller = !resource.format.is_rgb() && height > extent.height;
    width == extent.width && (height == extent.height || taller)
}

/// Wants more pictures before it encodes the last one, if that is what it is told to.
fn defer(session: &mut Session) -> Answer {
    if Behaviour::get().ahead != Some(session.pictures) {
        return Ok(());
    }
    session.deferred = true;
    refuse(sys::NV_ENC_ERR_NEED_MORE_INPUT, "more pictures first")
}

/// Has the rows of `resource` copied when `stream` comes to it.
fn read(resource: &Resource, stream: RawStream) -> Answer<Copied> {
    let is_array = resource.kind == sys::NV_ENC_INPUT_RESOURCE_TYPE_CUDAARRAY;
    let handle: *mut c_void = ptr::with_exposed_provenance_mut(resource.handle);
    let source = Memcpy2dSide {
        x_in_bytes: 0,
        y: 0,
        kind: if is_array { TYPE_ARRAY } else { TYPE_DEVICE },
        host: ptr::null(),
        device: if is_array { 0 } else { resource.handle as DevicePointer },
        array: if is_array { RawArray(handle) } else { RawArray::NULL },
        pitch: if is_array { 0 } else { resource.pitch as usize },
    };
    match Copied::begin(source, resource.format.rows(resource.extent), stream) {
        Ok(copied) => Ok(copied),
        Err(why) => wrong(sys::NV_ENC_ERR_GENERIC, format!("CUDA cannot read a picture: {why}")),
    }
}
