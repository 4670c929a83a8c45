//! The two symbols, and the functions in the table.

use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use zerohop_frame::Extent;
use zerohop_nvenc::sys::{
    self, GUID, NV_ENC_CAPS_PARAM, NV_ENC_CREATE_BITSTREAM_BUFFER, NV_ENC_INITIALIZE_PARAMS,
    NV_ENC_LOCK_BITSTREAM, NV_ENC_MAP_INPUT_RESOURCE, NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS,
    NV_ENC_PIC_PARAMS, NV_ENC_PRESET_CONFIG, NV_ENC_RECONFIGURE_PARAMS, NV_ENC_REGISTER_RESOURCE,
    NV_ENC_SUCCESS, NV_ENCODE_API_FUNCTION_LIST,
};
use zerohop_nvenc::{Structure, Version};

use crate::behaviour::Behaviour;
use crate::check::{Answer, Refusal, hold, refuse, word, wrong, zeros};
use crate::journal::{fault, hash, keep, say};
use crate::pixels::visible;
use crate::session::{Buffer, Job, State, named, state};
use crate::{parameters, questions, surfaces};

/// `NvEncodeAPIGetMaxSupportedVersion`.
///
/// # Safety
///
/// `version` is writable.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn NvEncodeAPIGetMaxSupportedVersion(version: *mut u32) -> u32 {
    let (major, minor) = Behaviour::get().api;
    // SAFETY: the caller's promise.
    unsafe { version.write(major << 4 | minor) };
    NV_ENC_SUCCESS
}

/// `NvEncodeAPICreateInstance`.
///
/// # Safety
///
/// `table` points to a table as long as its version word says.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn NvEncodeAPICreateInstance(
    table: *mut NV_ENCODE_API_FUNCTION_LIST,
) -> u32 {
    // SAFETY: the caller's promise.
    let table = unsafe { &mut *table };
    let known = |version: &Version| version.word(Structure::FunctionList) == table.version;
    let version = Version::ALL.into_iter().find(known);
    if !version.is_some_and(|version| Behaviour::get().speaks(version)) {
        return sys::NV_ENC_ERR_INVALID_VERSION;
    }
    *table = NV_ENCODE_API_FUNCTION_LIST {
        version: table.version,
        nvEncOpenEncodeSessionEx: Some(open),
        nvEncGetEncodeGUIDCount: Some(guid_count),
        nvEncGetEncodeGUIDs: Some(guids),
        nvEncGetInputFormatCount: Some(format_count),
        nvEncGetInputFormats: Some(formats),
        nvEncGetEncodeCaps: Some(caps),
        nvEncGetEncodePresetConfigEx: Some(preset),
        nvEncInitializeEncoder: Some(initialize),
        nvEncReconfigureEncoder: Some(reconfigure),
        nvEncSetIOCudaStreams: Some(set_streams),
        nvEncRegisterResource: Some(register),
        nvEncUnregisterResource: Some(unregister),
        nvEncMapInputResource: Some(map),
        nvEncUnmapInputResource: Some(unmap),
        nvEncCreateBitstreamBuffer: Some(create_bitstream),
        nvEncDestroyBitstreamBuffer: Some(destroy_bitstream),
        nvEncEncodePicture: Some(encode),
        nvEncLockBitstream: Some(lock),
        nvEncUnlockBitstream: Some(unlock),
        nvEncGetLastErrorString: Some(last_error),
        nvEncDestroyEncoder: Some(destroy),
        ..Default::default()
    };
    NV_ENC_SUCCESS
}

/// Runs a call, and keeps what it says when it fails.
fn run(encoder: *mut c_void, call: impl FnOnce(&mut State) -> Answer) -> u32 {
    let mut state = state();
    let answer = if state.lost && !state.sessions.is_empty() {
        refuse(sys::NV_ENC_ERR_DEVICE_NOT_EXIST, "the device is gone")
    } else {
        call(&mut state)
    };
    code(&mut state, encoder, answer)
}

fn code(state: &mut State, encoder: *mut c_void, answer: Answer) -> u32 {
    let Err(Refusal { code, text }) = answer else { return NV_ENC_SUCCESS };
    if let Some(session) = state.sessions.get_mut(&encoder.addr()) {
        session.said = CString::new(text).unwrap_or_default();
    }
    code
}

/// Makes a reference of a pointer that the caller promises is one.
macro_rules! given {
    ($pointer:ident) => {{
        if $pointer.is_null() {
            fault(concat!("no ", stringify!($pointer)));
            return sys::NV_ENC_ERR_INVALID_PTR;
        }
        // SAFETY: the caller's promise: a structure as long as its version word says, of ours or
        // longer; nobody else uses it during the call.
        unsafe { &mut *$pointer }
    }};
}

unsafe extern "C" fn open(
    params: *mut NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS,
    encoder: *mut *mut c_void,
) -> u32 {
    let (params, encoder) = (given!(params), given!(encoder));
    let mut state = state();
    let behaviour = Behaviour::get();
    let known = |version: &Version| version.api() == params.apiVersion;
    let opened = match Version::ALL.into_iter().find(known) {
        Some(version) if behaviour.speaks(version) => {
            word(version, Structure::OpenSession, params.version)
                .and_then(|()| zeros("NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS", &params.reserved1))
                .and_then(|()| hold(params.deviceType == sys::NV_ENC_DEVICE_TYPE_CUDA, "no CUDA"))
                .and_then(|()| hold(!params.device.is_null(), "no context"))
                .and_then(|()| match behaviour.no_chip {
                    true => refuse(sys::NV_ENC_ERR_UNSUPPORTED_DEVICE, ""),
                    false => state.open(version),
                })
        }
        _ => refuse(sys::NV_ENC_ERR_INVALID_VERSION, ""),
    };
    match opened {
        Ok(name) => {
            *encoder = named(name);
            let session = &state.sessions[&name];
            say(&format!("session {} open {}", session.number, session.version));
            NV_ENC_SUCCESS
        }
        Err(refusal) => refusal.code,
    }
}

unsafe extern "C" fn guid_count(encoder: *mut c_void, count: *mut u32) -> u32 {
    let count = given!(count);
    run(encoder, |state| {
        state.session(encoder)?;
        *count = Behaviour::get().codecs.len() as u32;
        Ok(())
    })
}

/// Writes as many of `all` as there is room for.
unsafe fn list<T: Copy>(all: &[T], to: *mut T, room: u32, count: &mut u32) {
    let many = all.len().min(room as usize);
    for (index, one) in all.iter().take(many).enumerate() {
        // SAFETY: the caller's promise: there is room for so many.
        let at = unsafe { to.add(index) };
        // SAFETY: as above.
        unsafe { at.write(*one) };
    }
    *count = many as u32;
}

unsafe extern "C" fn guids(encoder: *mut c_void, to: *mut GUID, room: u32, count: *mut u32) -> u32 {
    let count = given!(count);
    run(encoder, |state| {
        state.session(encoder)?;
        let all: Vec<_> = Behaviour::get().codecs.iter().map(|codec| codec.guid()).collect();
        // SAFETY: the caller's promise.
        unsafe { list(&all, to, room, count) };
        Ok(())
    })
}

unsafe extern "C" fn format_count(encoder: *mut c_void, codec: GUID, count: *mut u32) -> u32 {
    let count = given!(count);
    run(encoder, |state| {
        state.session(encoder)?;
        questions::codec(codec)?;
        *count = questions::formats().len() as u32;
        Ok(())
    })
}

unsafe extern "C" fn formats(
    encoder: *mut c_void,
    codec: GUID,
    to: *mut u32,
    room: u32,
    count: *mut u32,
) -> u32 {
    let count = given!(count);
    run(encoder, |state| {
        state.session(encoder)?;
        questions::codec(codec)?;
        // SAFETY: the caller's promise.
        unsafe { list(&questions::formats(), to, room, count) };
        Ok(())
    })
}

unsafe extern "C" fn caps(
    encoder: *mut c_void,
    codec: GUID,
    question: *mut NV_ENC_CAPS_PARAM,
    answer: *mut i32,
) -> u32 {
    let (question, answer) = (given!(question), given!(answer));
    run(encoder, |state| {
        *answer = questions::caps(state.session(encoder)?, codec, question)?;
        Ok(())
    })
}

unsafe extern "C" fn preset(
    encoder: *mut c_void,
    codec: GUID,
    preset: GUID,
    tuning: u32,
    answer: *mut NV_ENC_PRESET_CONFIG,
) -> u32 {
    let answer = given!(answer);
    run(encoder, |state| {
        questions::preset(state.session(encoder)?, (codec, preset, tuning), answer)
    })
}

unsafe extern "C" fn initialize(
    encoder: *mut c_void,
    params: *mut NV_ENC_INITIALIZE_PARAMS,
) -> u32 {
    let params = given!(params);
    run(encoder, |state| parameters::initialize(state.session(encoder)?, params))
}

unsafe extern "C" fn reconfigure(
    encoder: *mut c_void,
    params: *mut NV_ENC_RECONFIGURE_PARAMS,
) -> u32 {
    let params = given!(params);
    run(encoder, |state| parameters::reconfigure(state.session(encoder)?, params))
}

unsafe extern "C" fn set_streams(
    encoder: *mut c_void,
    input: *mut c_void,
    output: *mut c_void,
) -> u32 {
    run(encoder, |state| {
        let session = state.session(encoder)?;
        session.begun()?;
        hold(!input.is_null() && !output.is_null(), "no stream")?;
        session.stream = input.expose_provenance();
        Ok(())
    })
}

unsafe extern "C" fn register(encoder: *mut c_void, params: *mut NV_ENC_REGISTER_RESOURCE) -> u32 {
    let params = given!(params);
    run(encoder, |state| surfaces::register(state, encoder, params))
}

/// As [`run`], for what takes back: on a lost device as well.
fn give_back(encoder: *mut c_void, call: impl FnOnce(&mut State) -> Answer) -> u32 {
    let mut state = state();
    let answer = call(&mut state);
    code(&mut state, encoder, answer)
}

unsafe extern "C" fn unregister(encoder: *mut c_void, name: *mut c_void) -> u32 {
    give_back(encoder, |state| surfaces::unregister(state, encoder, name))
}

unsafe extern "C" fn map(encoder: *mut c_void, params: *mut NV_ENC_MAP_INPUT_RESOURCE) -> u32 {
    let params = given!(params);
    run(encoder, |state| surfaces::map(state, encoder, params))
}

unsafe extern "C" fn unmap(encoder: *mut c_void, name: *mut c_void) -> u32 {
    give_back(encoder, |state| surfaces::unmap(state, encoder, name))
}

unsafe extern "C" fn create_bitstream(
    encoder: *mut c_void,
    params: *mut NV_ENC_CREATE_BITSTREAM_BUFFER,
) -> u32 {
    let params = given!(params);
    run(encoder, |state| {
        let name = state.name();
        let session = state.session(encoder)?;
        word(session.version, Structure::CreateBitstreamBuffer, params.version)?;
        zeros("NV_ENC_CREATE_BITSTREAM_BUFFER", &params.reserved1)?;
        session.begun()?;
        session.buffers.insert(name, Buffer::Free);
        params.bitstreamBuffer = named(name);
        Ok(())
    })
}

unsafe extern "C" fn destroy_bitstream(encoder: *mut c_void, name: *mut c_void) -> u32 {
    give_back(encoder, |state| {
        let lost = state.lost;
        let session = state.session(encoder)?;
        match session.buffers.remove(&name.addr()) {
            Some(Buffer::Free) => Ok(()),
            Some(_) if lost => Ok(()),
            _ => wrong(sys::NV_ENC_ERR_INVALID_PARAM, "a bitstream buffer is none, or in use"),
        }
    })
}

unsafe extern "C" fn encode(encoder: *mut c_void, params: *mut NV_ENC_PIC_PARAMS) -> u32 {
    let params = given!(params);
    run(encoder, |state| surfaces::encode(state, encoder, params))
}

unsafe extern "C" fn lock(encoder: *mut c_void, params: *mut NV_ENC_LOCK_BITSTREAM) -> u32 {
    let params = given!(params);
    let mut taken = None;
    let code = run(encoder, |state| {
        let session = state.session(encoder)?;
        word(session.version, Structure::LockBitstream, params.version)?;
        let name = params.outputBitstream.addr();
        hold(session.order.front() == Some(&name), "a bitstream is locked out of its turn")?;
        let early = session.deferred && !session.ended;
        hold(!early, "a bitstream is locked that the encoder has not begun")?;
        session.order.pop_front();
        let buffer = session.buffers.insert(name, Buffer::Locking);
        if let Some(Buffer::Waiting(job)) = buffer {
            taken = Some((job, Arc::clone(&session.out), session.number));
        }
        Ok(())
    });
    let Some((job, out, number)) = taken else { return code };
    stall(&job);
    // Others may call meanwhile.
    let coded = job.copied.wait().and_then(|bytes| {
        let bytes = &*visible(bytes, job.format, (job.registered, job.setting.shape.extent));
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        let (data, key) = out.encode(&job.setting, (bytes, job.format), job.key)?;
        write_down(&job, number, (bytes, key));
        Ok((data, key))
    });
    give_back(encoder, |state| filled(state, encoder, params, &job, coded))
}

/// Keeps the caller waiting, if that is what it is told to.
fn stall(job: &Job) {
    if Behaviour::get().slow == Some(job.number) {
        thread::sleep(Duration::from_secs(3));
    }
    while Behaviour::get().stall == Some(job.number) {
        thread::sleep(Duration::from_secs(3600));
    }
}

fn write_down(job: &Job, session: u32, (bytes, key): (&[u8], bool)) {
    let Extent { width, height } = job.setting.shape.extent;
    let (picture, format, hash) = (job.number, job.format, hash(bytes));
    let kind = if key { "idr" } else { "p" };
    say(&format!(
        "session {session} picture {picture} {kind} {format} {width}x{height} {hash:016x}"
    ));
    keep(&format!("{session}-{picture}.{format}"), bytes);
}

fn filled(
    state: &mut State,
    encoder: *mut c_void,
    params: &mut NV_ENC_LOCK_BITSTREAM,
    job: &Job,
    coded: Result<(Vec<u8>, bool), String>,
) -> Answer {
    let picture = job.number;
    let (data, key) = match coded {
        Ok(coded) => coded,
        Err(why) => return wrong(sys::NV_ENC_ERR_GENERIC, format!("picture {picture}: {why}")),
    };
    params.bitstreamSizeInBytes = data.len() as u32;
    params.bitstreamBufferPtr = data.as_ptr().cast_mut().cast();
    params.pictureType = if key { sys::NV_ENC_PIC_TYPE_IDR } else { sys::NV_ENC_PIC_TYPE_P };
    params.pictureStruct = sys::NV_ENC_PIC_STRUCT_FRAME;
    params.outputTimeStamp = job.timestamp;
    params.frameIdx = (picture - 1) as u32;
    let session = state.session(encoder)?;
    session.buffers.insert(params.outputBitstream.addr(), Buffer::Locked(data));
    session.given_back = session.given_back.max(picture - 1);
    Ok(())
}

unsafe extern "C" fn unlock(encoder: *mut c_void, name: *mut c_void) -> u32 {
    give_back(encoder, |state| {
        let session = state.session(encoder)?;
        match session.buffers.insert(name.addr(), Buffer::Free) {
            Some(Buffer::Locked(_)) => {
                session.given_back += 1;
                Ok(())
            }
            _ => wrong(sys::NV_ENC_ERR_INVALID_PARAM, "a bitstream that is not locked"),
        }
    })
}

unsafe extern "C" fn last_error(encoder: *mut c_void) -> *const c_char {
    let state = state();
    let session = state.sessions.get(&encoder.addr());
    // Stays until the session's next error.
    session.map_or(c"".as_ptr(), |session| session.said.as_ptr())
}

unsafe extern "C" fn destroy(encoder: *mut c_void) -> u32 {
    let mut state = state();
    let Some(session) = state.sessions.remove(&encoder.addr()) else {
        fault("an encoder is destroyed that is none");
        return sys::NV_ENC_ERR_INVALID_PTR;
    };
    match session.left() {
        Some(left) => fault(&format!("destroyed with {left}")),
        None if session.begun.is_some() && !session.ended && !state.lost => {
            fault("destroyed without an end");
        }
        None => (),
    }
    say(&format!(
        "session {} destroy after {} pictures, {} registrations",
        session.number, session.pictures, session.registered
    ));
    NV_ENC_SUCCESS
}
