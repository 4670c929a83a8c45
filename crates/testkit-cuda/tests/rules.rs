//! Each rule, broken on purpose: were the stand-in blind, every test over it would pass for nothing.
//!
//! Each case runs in a process of its own, since what a driver saw is written when the process ends.
#![allow(unsafe_code, reason = "these callers are wrong on purpose")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::ffi::c_void;
use std::os::fd::{FromRawFd as _, IntoRawFd as _, OwnedFd};
use std::process::{Command, ExitCode};
use std::ptr::null_mut;

use libloading::Library;
use libtest_mimic::{Arguments, Trial};
use zerohop_cuda::abi::*;
use zerohop_testkit_cuda::{LIBRARY, Report, plan};

/// Tells a child which case it is.
const CASE: &str = "RULES_CASE";

/// A case: its name, what it does, and what the stand-in is to say.
type Case = (&'static str, fn(&Library), &'static str);

const CASES: &[Case] = &[
    ("a_call_before_the_first", early, "cuDeviceGetCount: before cuInit"),
    ("a_thread_without_a_context", no_context, "cuStreamCreate: no context is current"),
    ("a_context_after_its_release", released, "cuCtxSetCurrent: after its release"),
    ("memory_before_its_array", memory_first, "arrays and buffers over it are left"),
    ("an_array_too_large_for_its_memory", too_large, "bytes of 576"),
    ("an_event_after_its_end", event_gone, "cuEventQuery: no such event"),
    ("the_default_stream", default_stream, "cuEventRecord: no such stream"),
    ("a_copy_to_memory_that_is_not_locked", not_locked, "are not locked"),
    ("memory_that_is_freed_under_a_copy", freed_early, "cuMemFree_v2: work in flight uses it"),
    ("what_is_never_given_back", left, "1 stream left"),
    ("a_texture_without_opengl", no_gl, "cuGraphicsGLRegisterImage: no context of OpenGL"),
];

fn main() -> ExitCode {
    if let Ok(name) = env::var(CASE) {
        let (_, run, _) = CASES.iter().find(|(one, ..)| *one == name).unwrap();
        // SAFETY: the stand-in's initialisers have no conditions.
        let library = unsafe { Library::new(library()) }.unwrap();
        run(&library);
        // As a driver it stays loaded.
        std::mem::forget(library);
        return ExitCode::SUCCESS;
    }
    let trial = |case: &'static Case| {
        let name = format!("{}_is_found", case.0);
        Trial::test(name, move || {
            found(case);
            Ok(())
        })
    };
    let trials = CASES.iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn library() -> std::path::PathBuf {
    env::current_exe().unwrap().with_file_name(LIBRARY)
}

fn found((name, _, wanted): &Case) {
    let report = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(CASE, name).env(plan::UUIDS, plan::hex([3; 16])).env(plan::REPORT, report.path());
    assert!(command.status().unwrap().success());
    let faults = Report::read(report.path()).unwrap().faults();
    assert!(faults.iter().any(|fault| fault.contains(wanted)), "{wanted:?} is not in {faults:?}");
}

/// Calls a function of the library: `cu!(library.cuInit(0 => u32))`.
macro_rules! cu {
    ($library:ident.$name:ident($($arg:expr => $kind:ty),*)) => {{
        // SAFETY: the functions have these parameters (`cuda.h`).
        let call = unsafe {
            $library.get::<unsafe extern "C" fn($($kind),*) -> Code>(stringify!($name).as_bytes())
        };
        let call = call.unwrap();
        // SAFETY: pointers point to locals; whatever else is wrong the stand-in is to find.
        unsafe { call($($arg),*) }
    }};
}

fn early(library: &Library) {
    assert_ne!(cu!(library.cuDeviceGetCount(&mut 0 => *mut i32)), SUCCESS);
}

fn context(library: &Library) -> RawContext {
    let mut context = RawContext::NULL;
    assert_eq!(cu!(library.cuInit(0 => u32)), SUCCESS);
    cu!(library.cuDevicePrimaryCtxRetain(&mut context => *mut RawContext, 0 => i32));
    context
}

fn enter(library: &Library) {
    let context = context(library);
    assert_eq!(cu!(library.cuCtxSetCurrent(context => RawContext)), SUCCESS);
}

fn stream(library: &Library) -> RawStream {
    let mut stream = RawStream::NULL;
    cu!(library.cuStreamCreate(&mut stream => *mut RawStream, 1 => u32));
    stream
}

fn no_context(library: &Library) {
    context(library);
    assert_eq!(stream(library), RawStream::NULL);
}

fn released(library: &Library) {
    let context = context(library);
    cu!(library.cuDevicePrimaryCtxRelease_v2(0 => i32));
    cu!(library.cuCtxSetCurrent(context => RawContext));
}

/// 576 bytes as llvmpipe exports them.
fn memory(library: &Library) -> RawMemory {
    let memfd = rustix::fs::memfd_create("memory", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    rustix::fs::ftruncate(&memfd, 4096 + 576).unwrap();
    let fd = memfd.into_raw_fd();
    let handle = RawHandle { fd };
    let desc =
        MemoryHandleDesc { kind: MEMORY_OPAQUE_FD, handle, size: 576, flags: 0, reserved: [0; 16] };
    let mut memory = RawMemory::NULL;
    let code = cu!(library.cuImportExternalMemory(
        &mut memory => *mut RawMemory, &desc => *const MemoryHandleDesc
    ));
    if code != SUCCESS {
        // SAFETY: it is ours again.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
    }
    memory
}

fn map(library: &Library, memory: RawMemory, height: usize) -> Code {
    let array = ArrayDesc { width: 40, height, depth: 0, format: UINT8, channels: 4, flags: 0 };
    let desc = MipmappedArrayDesc { array, levels: 1, ..Default::default() };
    let mut array = RawMipmappedArray::NULL;
    cu!(library.cuExternalMemoryGetMappedMipmappedArray(
        &mut array => *mut RawMipmappedArray, memory => RawMemory,
        &desc => *const MipmappedArrayDesc
    ))
}

fn memory_first(library: &Library) {
    enter(library);
    let memory = memory(library);
    assert_eq!(map(library, memory, 3), SUCCESS);
    cu!(library.cuDestroyExternalMemory(memory => RawMemory));
}

fn too_large(library: &Library) {
    enter(library);
    assert_ne!(map(library, memory(library), 4), SUCCESS);
}

fn event(library: &Library) -> RawEvent {
    let mut event = RawEvent::NULL;
    cu!(library.cuEventCreate(&mut event => *mut RawEvent, EVENT_DISABLE_TIMING => u32));
    event
}

fn event_gone(library: &Library) {
    enter(library);
    let event = event(library);
    cu!(library.cuEventDestroy_v2(event => RawEvent));
    assert_ne!(cu!(library.cuEventQuery(event => RawEvent)), SUCCESS);
}

fn default_stream(library: &Library) {
    enter(library);
    let event = event(library);
    cu!(library.cuEventRecord(event => RawEvent, RawStream::NULL => RawStream));
}

/// Two rows of 64 bytes on the device, copied to `target`.
fn copy(library: &Library, stream: RawStream, target: *mut c_void) -> DevicePointer {
    let (mut device, mut pitch) = (0, 0);
    cu!(library.cuMemAllocPitch_v2(
        &mut device => *mut DevicePointer, &mut pitch => *mut usize, 64 => usize, 2 => usize, 16 => u32
    ));
    let array = RawArray::NULL;
    let copy = Memcpy2d {
        source: Memcpy2dSide {
            x_in_bytes: 0,
            y: 0,
            kind: TYPE_DEVICE,
            host: null_mut::<c_void>().cast_const(),
            device,
            array,
            pitch,
        },
        target: Memcpy2dSide {
            x_in_bytes: 0,
            y: 0,
            kind: TYPE_HOST,
            host: target,
            device: 0,
            array,
            pitch: 64,
        },
        width_in_bytes: 64,
        height: 2,
    };
    cu!(library.cuMemcpy2DAsync_v2(&copy => *const Memcpy2d, stream => RawStream));
    device
}

fn not_locked(library: &Library) {
    enter(library);
    let mut rows = [0_u8; 128];
    copy(library, stream(library), rows.as_mut_ptr().cast());
}

fn freed_early(library: &Library) {
    enter(library);
    let stream = stream(library);
    // Nobody signals it, so what comes after it never runs.
    let fd = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
    let handle = RawHandle { fd: fd.into_raw_fd() };
    let desc =
        SemaphoreHandleDesc { kind: SEMAPHORE_OPAQUE_FD, handle, flags: 0, reserved: [0; 16] };
    let mut semaphore = RawSemaphore::NULL;
    cu!(library.cuImportExternalSemaphore(
        &mut semaphore => *mut RawSemaphore, &desc => *const SemaphoreHandleDesc
    ));
    cu!(library.cuWaitExternalSemaphoresAsync(
        &semaphore => *const RawSemaphore, &SemaphoreParams::default() => *const SemaphoreParams,
        1 => u32, stream => RawStream
    ));
    let rows: &'static mut [u8] = Box::leak(Box::new([0_u8; 128]));
    let start = rows.as_mut_ptr().cast::<c_void>();
    cu!(library.cuMemHostRegister_v2(start => *mut c_void, 128 => usize, 0 => u32));
    let device = copy(library, stream, start);
    cu!(library.cuMemFree_v2(device => DevicePointer));
}

fn left(library: &Library) {
    enter(library);
    stream(library);
    cu!(library.cuDevicePrimaryCtxRelease_v2(0 => i32));
}

fn no_gl(library: &Library) {
    enter(library);
    let mut texture = RawGraphics::NULL;
    cu!(library.cuGraphicsGLRegisterImage(
        &mut texture => *mut RawGraphics, 1 => u32, 0x0de1 => u32, 0 => u32
    ));
}
