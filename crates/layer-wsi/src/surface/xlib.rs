//! From Xlib to the xcb connection beneath it.

use std::ffi::c_void;
use std::sync::OnceLock;

use ash::vk;
use libloading::Library;
use zerohop_layer::LayerError;

/// `XGetXCBConnection` of `<X11/Xlib-xcb.h>`.
type GetConnection = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

struct Loaded {
    get_connection: GetConnection,
    _library: Library,
}

/// Loads libX11-xcb once.
fn loaded() -> Result<&'static Loaded, LayerError> {
    static LOADED: OnceLock<Result<Loaded, libloading::Error>> = OnceLock::new();
    LOADED.get_or_init(load).as_ref().map_err(|err| {
        LayerError::outside(
            "load libX11-xcb",
            vk::Result::ERROR_INITIALIZATION_FAILED,
            err.to_string(),
        )
    })
}

fn load() -> Result<Loaded, libloading::Error> {
    // SAFETY: the library has no initializers that matter.
    let library = unsafe { Library::new("libX11-xcb.so.1") }?;
    // SAFETY: the type is that of the function in `<X11/Xlib-xcb.h>`.
    let get_connection = *unsafe { library.get(b"XGetXCBConnection\0") }?;
    Ok(Loaded { get_connection, _library: library })
}

/// The `xcb_connection_t *` of a `Display *`.
///
/// # Errors
///
/// When libX11-xcb cannot be loaded.
///
/// # Safety
///
/// `display` is open.
pub(super) unsafe fn connection(display: *mut c_void) -> Result<*mut c_void, LayerError> {
    // SAFETY: the caller's promise.
    Ok(unsafe { (loaded()?.get_connection)(display) })
}
