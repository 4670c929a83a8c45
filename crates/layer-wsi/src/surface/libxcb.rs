//! The part of libxcb that we use, loaded when the first surface on a window is made.

use std::ffi::{c_int, c_uint, c_void};
use std::sync::OnceLock;

use ash::vk;
use libloading::Library;
use zerohop_layer::LayerError;

/// `xcb_get_geometry_cookie_t`, and every other cookie.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Cookie {
    pub(super) sequence: c_uint,
}

/// `xcb_get_geometry_reply_t`.
#[repr(C)]
pub(super) struct Geometry {
    pub(super) response_type: u8,
    pub(super) depth: u8,
    pub(super) sequence: u16,
    pub(super) length: u32,
    pub(super) root: u32,
    pub(super) x: i16,
    pub(super) y: i16,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) border_width: u16,
    pub(super) pad: [u8; 2],
}

/// `xcb_get_window_attributes_reply_t`, as far as we read it.
#[repr(C)]
pub(super) struct Attributes {
    pub(super) response_type: u8,
    pub(super) backing_store: u8,
    pub(super) sequence: u16,
    pub(super) length: u32,
    pub(super) visual: u32,
}

/// `xcb_setup_t`, as far as its own length.
#[repr(C)]
pub(super) struct Setup {
    pub(super) status: u8,
    pub(super) pad: u8,
    pub(super) major: u16,
    pub(super) minor: u16,
    /// Of what follows, in units of four bytes.
    pub(super) length: u16,
}

/// What we use of libxcb (`<xcb/xproto.h>`, `<xcb/xcbext.h>`).
pub(super) struct Xcb {
    pub(super) get_geometry: unsafe extern "C" fn(*mut c_void, u32) -> Cookie,
    pub(super) get_geometry_reply:
        unsafe extern "C" fn(*mut c_void, Cookie, *mut *mut c_void) -> *mut Geometry,
    pub(super) get_window_attributes: unsafe extern "C" fn(*mut c_void, u32) -> Cookie,
    pub(super) get_window_attributes_reply:
        unsafe extern "C" fn(*mut c_void, Cookie, *mut *mut c_void) -> *mut Attributes,
    pub(super) get_setup: unsafe extern "C" fn(*mut c_void) -> *const Setup,
    pub(super) poll_for_reply:
        unsafe extern "C" fn(*mut c_void, c_uint, *mut *mut c_void, *mut *mut c_void) -> c_int,
    pub(super) discard_reply: unsafe extern "C" fn(*mut c_void, c_uint),
    pub(super) flush: unsafe extern "C" fn(*mut c_void) -> c_int,
    pub(super) _library: Library,
}

unsafe extern "C" {
    /// `free(3)` as libxcb's `malloc` has it: an application may bring both (Chromium does), and the
    /// linker finds that one first. Looked up in libxcb it would be the C library's.
    fn free(memory: *mut c_void);
}

/// Frees what libxcb answered.
///
/// # Safety
///
/// `answer` is null or an answer, and not used any more. libxcb's answers come from malloc(3) and
/// are the caller's (xcb manual).
pub(super) unsafe fn release(answer: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(answer) };
}

/// Loads libxcb once.
pub(super) fn xcb() -> Result<&'static Xcb, LayerError> {
    static XCB: OnceLock<Result<Xcb, libloading::Error>> = OnceLock::new();
    XCB.get_or_init(load).as_ref().map_err(|err| {
        LayerError::outside("load libxcb", vk::Result::ERROR_INITIALIZATION_FAILED, err.to_string())
    })
}

fn load() -> Result<Xcb, libloading::Error> {
    // SAFETY: libxcb has no initializers that matter; the application has it loaded already.
    let library = unsafe { Library::new("libxcb.so.1") }?;
    macro_rules! symbol {
        ($name:literal) => {
            // SAFETY: the field's type is that of the function in libxcb's headers.
            *unsafe { library.get($name) }?
        };
    }
    Ok(Xcb {
        get_geometry: symbol!(b"xcb_get_geometry\0"),
        get_geometry_reply: symbol!(b"xcb_get_geometry_reply\0"),
        get_window_attributes: symbol!(b"xcb_get_window_attributes\0"),
        get_window_attributes_reply: symbol!(b"xcb_get_window_attributes_reply\0"),
        get_setup: symbol!(b"xcb_get_setup\0"),
        poll_for_reply: symbol!(b"xcb_poll_for_reply\0"),
        discard_reply: symbol!(b"xcb_discard_reply\0"),
        flush: symbol!(b"xcb_flush\0"),
        _library: library,
    })
}
