//! A window of an X server, through `libX11.so.6`, which is loaded when it is needed.

use std::ffi::{CString, c_char, c_int, c_uint, c_ulong, c_void};
use std::ptr;
use std::sync::Arc;

use libloading::Library;
use zerohop_frame::Extent;

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// libX11 or one of its functions is not there.
    #[error("load libX11.so.6")]
    Load(#[from] libloading::Error),
    /// No server answers.
    #[error("open the X display {0:?}")]
    Open(String),
}

type Raw = *mut c_void;
type Handler = unsafe extern "C" fn(Raw, *mut c_void) -> c_int;

/// The functions of `Xlib.h` that are used.
struct Functions {
    close: unsafe extern "C" fn(Raw) -> c_int,
    root: unsafe extern "C" fn(Raw) -> c_ulong,
    visual: unsafe extern "C" fn(Raw, c_int) -> *mut c_void,
    visual_id: unsafe extern "C" fn(*mut c_void) -> c_ulong,
    create: unsafe extern "C" fn(
        Raw,
        c_ulong,
        c_int,
        c_int,
        c_uint,
        c_uint,
        c_uint,
        c_ulong,
        c_ulong,
    ) -> c_ulong,
    map: unsafe extern "C" fn(Raw, c_ulong) -> c_int,
    unmap: unsafe extern "C" fn(Raw, c_ulong) -> c_int,
    resize: unsafe extern "C" fn(Raw, c_ulong, c_uint, c_uint) -> c_int,
    destroy: unsafe extern "C" fn(Raw, c_ulong) -> c_int,
    sync: unsafe extern "C" fn(Raw, c_int) -> c_int,
    _library: Library,
}

/// An open `Display`.
pub struct Display {
    functions: Functions,
    raw: Raw,
}

// SAFETY: `XInitThreads` was called before the display was opened.
unsafe impl Send for Display {}
// SAFETY: as above.
unsafe impl Sync for Display {}

/// Ignores an error of the server's: the default handler ends the process.
unsafe extern "C" fn ignore(_: Raw, _: *mut c_void) -> c_int {
    0
}

impl Display {
    /// Opens `display`, as in ":7", or that of the environment.
    ///
    /// # Errors
    ///
    /// [`Error::Load`], [`Error::Open`].
    pub fn open(display: Option<&str>) -> Result<Arc<Self>, Error> {
        // SAFETY: the initializers of libX11 do nothing but set up the library.
        let library = unsafe { Library::new("libX11.so.6") }?;
        macro_rules! function {
            ($kind:ty, $name:literal) => {{
                // SAFETY: the type is the function's signature in Xlib.h.
                *unsafe { library.get::<$kind>(concat!($name, "\0").as_bytes()) }?
            }};
            ($name:literal) => {{
                // SAFETY: the field's type is the function's signature in Xlib.h.
                *unsafe { library.get(concat!($name, "\0").as_bytes()) }?
            }};
        }
        let init = function!(unsafe extern "C" fn() -> c_int, "XInitThreads");
        let open = function!(unsafe extern "C" fn(*const c_char) -> Raw, "XOpenDisplay");
        let handle =
            function!(unsafe extern "C" fn(Handler) -> Option<Handler>, "XSetErrorHandler");
        let functions = Functions {
            close: function!("XCloseDisplay"),
            root: function!("XDefaultRootWindow"),
            visual: function!("XDefaultVisual"),
            visual_id: function!("XVisualIDFromVisual"),
            create: function!("XCreateSimpleWindow"),
            map: function!("XMapWindow"),
            unmap: function!("XUnmapWindow"),
            resize: function!("XResizeWindow"),
            destroy: function!("XDestroyWindow"),
            sync: function!("XSync"),
            _library: library,
        };
        // SAFETY: it may be called at any time before a display is opened.
        unsafe { init() };
        // SAFETY: `ignore` has the type of a handler, and lives for ever.
        unsafe { handle(ignore) };
        let name = display.and_then(|name| CString::new(name).ok());
        // SAFETY: the name is null or a string that lives.
        let raw = unsafe { open(name.as_ref().map_or(ptr::null(), |name| name.as_ptr())) };
        let missing = || Error::Open(display.unwrap_or("$DISPLAY").to_owned());
        if raw.is_null() { Err(missing()) } else { Ok(Arc::new(Self { functions, raw })) }
    }

    /// The `Display` that a Vulkan surface takes.
    pub fn raw(&self) -> *mut c_void {
        self.raw
    }

    /// The id of the default visual.
    pub fn visual(&self) -> c_ulong {
        // SAFETY: the display is open, and has a screen 0.
        let visual = unsafe { (self.functions.visual)(self.raw, 0) };
        // SAFETY: the visual is the display's.
        unsafe { (self.functions.visual_id)(visual) }
    }

    /// Waits until the server has done everything.
    fn sync(&self) {
        // SAFETY: the display is open.
        unsafe { (self.functions.sync)(self.raw, 0) };
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // SAFETY: no window outlives its `Arc` of us.
        unsafe { (self.functions.close)(self.raw) };
    }
}

/// A window, destroyed when dropped.
pub struct Window {
    display: Arc<Display>,
    id: c_ulong,
}

impl Window {
    /// Opens a mapped window of `extent` pixels.
    pub fn open(display: &Arc<Display>, extent: Extent) -> Self {
        let (functions, raw) = (&display.functions, display.raw);
        // SAFETY: the display is open.
        let root = unsafe { (functions.root)(raw) };
        let Extent { width, height } = extent;
        // SAFETY: as above; depth and visual are those of the root.
        let id = unsafe { (functions.create)(raw, root, 0, 0, width, height, 0, 0, 0) };
        let window = Self { display: Arc::clone(display), id };
        window.map();
        window
    }

    /// The display that the window was opened on.
    pub fn display(&self) -> &Arc<Display> {
        &self.display
    }

    /// The `Window` that a Vulkan surface takes.
    pub fn id(&self) -> c_ulong {
        self.id
    }

    /// Shows the window.
    pub fn map(&self) {
        // SAFETY: the display is open; an id that is gone is ignored.
        unsafe { (self.display.functions.map)(self.display.raw, self.id) };
        self.display.sync();
    }

    /// Hides the window.
    pub fn unmap(&self) {
        // SAFETY: as in `map`.
        unsafe { (self.display.functions.unmap)(self.display.raw, self.id) };
        self.display.sync();
    }

    /// Gives the window another size.
    pub fn resize(&self, extent: Extent) {
        let Extent { width, height } = extent;
        // SAFETY: as in `map`.
        unsafe { (self.display.functions.resize)(self.display.raw, self.id, width, height) };
        self.display.sync();
    }

    /// Destroys the window before its time, as a user does who closes it.
    pub fn destroy(&self) {
        // SAFETY: as in `map`.
        unsafe { (self.display.functions.destroy)(self.display.raw, self.id) };
        self.display.sync();
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.destroy();
    }
}
