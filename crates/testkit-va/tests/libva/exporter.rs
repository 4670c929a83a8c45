//! A program that makes a surface, exports it, and looks at the memory that it got.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::process::{Command, ExitCode};
use std::ptr::{null, null_mut};
use std::slice;

use libloading::{Library, Symbol};
use rustix::mm::{MapFlags, ProtFlags, mmap};

/// The first argument of this program.
pub(crate) const FLAG: &str = "--export";
/// Luma samples of the surface, both odd.
const SIZE: (u32, u32) = (333, 71);
/// Words of `VADRMPRIMESurfaceDescriptor`, and where its parts begin.
const WORDS: usize = 78;
const OBJECT_COUNT: usize = 3;
const OBJECTS: usize = 4;
const LAYER_COUNT: usize = 20;
const LAYERS: usize = 21;

/// What the program saw.
#[derive(Debug)]
pub(crate) struct Exported {
    /// Sizes as told and as they are.
    pub(crate) objects: Vec<(u64, u64)>,
    pub(crate) layers: u32,
    pub(crate) modifier: u64,
    /// Every sample of every plane is there, and black.
    pub(crate) black: bool,
}

/// Starts the program, and reads what it says.
pub(crate) fn read(command: &mut Command) -> Exported {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{}: {}", out.status, String::from_utf8_lossy(&out.stderr));
    let said = String::from_utf8(out.stdout).unwrap();
    let numbers: Vec<u64> = said.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let [layers, modifier, black, ..] = numbers[..] else { panic!("{said}") };
    let objects = numbers[3..].chunks(2).map(|pair| (pair[0], pair[1])).collect();
    Exported { objects, layers: layers as u32, modifier, black: black == 1 }
}

/// The program.
pub(crate) fn run() -> ExitCode {
    let words = export();
    let pair = |at: usize| u64::from(words[at]) | u64::from(words[at + 1]) << 32;
    let fds: Vec<OwnedFd> = (0..words[OBJECT_COUNT] as usize)
        // SAFETY: libva says that they are ours.
        .map(|at| unsafe { OwnedFd::from_raw_fd(words[OBJECTS + at * 4].cast_signed()) })
        .collect();
    let sizes: Vec<u64> =
        fds.iter().map(|fd| rustix::fs::seek(fd, rustix::fs::SeekFrom::End(0)).unwrap()).collect();
    let mut planes = Vec::new();
    for layer in 0..words[LAYER_COUNT] as usize {
        let layer = &words[LAYERS + layer * 14..][..14];
        for at in 0..layer[1] as usize {
            planes.push([layer[2 + at], layer[6 + at], layer[10 + at]]);
        }
    }
    assert_eq!(planes.len(), 2);
    let heights = [SIZE.1, SIZE.1.div_ceil(2)];
    let row = [SIZE.0, SIZE.0.next_multiple_of(2)];
    let black = (0..2).all(|at| {
        let [object, offset, pitch] = planes[at].map(|word| word as usize);
        let bytes = bytes(&fds[object], sizes[object] as usize);
        (0..heights[at] as usize).all(|y| {
            let row = bytes.get(offset + pitch * y..offset + pitch * y + row[at] as usize);
            row.is_some_and(|row| row.iter().all(|byte| usize::from(*byte) == at * 128))
        })
    });
    print!("{} {} {}", words[LAYER_COUNT], pair(OBJECTS + 2), u8::from(black));
    for (at, size) in sizes.iter().enumerate() {
        print!(" {} {size}", words[OBJECTS + at * 4 + 1]);
    }
    ExitCode::SUCCESS
}

fn bytes(fd: &OwnedFd, size: usize) -> &'static [u8] {
    // SAFETY: a new mapping, which stays as long as this program.
    let start =
        unsafe { mmap(null_mut(), size, ProtFlags::READ, MapFlags::SHARED, fd, 0) }.unwrap();
    // SAFETY: mapped by the line above, and nobody writes.
    unsafe { slice::from_raw_parts(start.cast::<u8>(), size) }
}

/// A new surface's description, by libva.
fn export() -> [u32; WORDS] {
    type Open = unsafe extern "C" fn(*const c_char) -> *mut c_void;
    type Display = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
    type Initialize = unsafe extern "C" fn(*mut c_void, *mut c_int, *mut c_int) -> c_int;
    type Create = unsafe extern "C" fn(
        *mut c_void,
        c_uint,
        c_uint,
        c_uint,
        *mut c_uint,
        c_uint,
        *mut c_void,
        c_uint,
    ) -> c_int;
    type Export = unsafe extern "C" fn(*mut c_void, c_uint, u32, u32, *mut c_void) -> c_int;

    let [x, va_x, va] = ["libX11.so.6", "libva-x11.so.2", "libva.so.2"].map(library);
    let open: Symbol<'_, Open> = symbol(x, "XOpenDisplay");
    let display: Symbol<'_, Display> = symbol(va_x, "vaGetDisplay");
    let initialize: Symbol<'_, Initialize> = symbol(va, "vaInitialize");
    let create: Symbol<'_, Create> = symbol(va, "vaCreateSurfaces");
    let export: Symbol<'_, Export> = symbol(va, "vaExportSurfaceHandle");
    // SAFETY: null asks for the display of the environment.
    let x = unsafe { open(null()) };
    // SAFETY: an open display, which is asserted.
    let display = unsafe { display((!x.is_null()).then_some(x).unwrap()) };
    let (mut major, mut minor, mut surface) = (0, 0, 0);
    // SAFETY: places of ours.
    assert_eq!(unsafe { initialize(display, &mut major, &mut minor) }, 0, "vaInitialize");
    // SAFETY: 4:2:0, one surface, no attributes.
    let made = unsafe { create(display, 1, SIZE.0, SIZE.1, &mut surface, 1, null_mut(), 0) };
    assert_eq!(made, 0, "vaCreateSurfaces");
    let composed = std::env::args().nth(2).is_some_and(|word| word == "composed");
    let layers = if composed { 8 } else { 4 };
    let mut words = [0_u64; WORDS / 2];
    // SAFETY: DRM PRIME 2, for which a place of that size is asked, for reading.
    let done =
        unsafe { export(display, surface, 0x4000_0000, 1 | layers, words.as_mut_ptr().cast()) };
    assert_eq!(done, 0, "vaExportSurfaceHandle");
    std::array::from_fn(|at| (words[at / 2] >> (at % 2 * 32)) as u32)
}

fn library(name: &str) -> &'static Library {
    // SAFETY: a library of the system, whose initialization has no demands.
    Box::leak(Box::new(unsafe { Library::new(name) }.unwrap()))
}

fn symbol<T>(library: &'static Library, name: &str) -> Symbol<'static, T> {
    // SAFETY: each type above is that of its header.
    unsafe { library.get(name.as_bytes()) }.unwrap()
}
