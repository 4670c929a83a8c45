//! A window of an X server, through `libxcb.so.1`, which is loaded when it is needed.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use libloading::Library;
use zerohop_frame::Extent;

/// `XCB_WINDOW_CLASS_INPUT_OUTPUT`.
const INPUT_OUTPUT: u16 = 1;
/// `XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT`.
const WIDTH_AND_HEIGHT: u16 = 4 | 8;

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// libxcb or one of its functions is not there.
    #[error("load libxcb.so.1")]
    Load(#[from] libloading::Error),
    /// No server answers.
    #[error("connect to the X display {0:?}: xcb error {1}")]
    Connect(String, c_int),
    /// The server refused a request.
    #[error("the X server refused to {0}")]
    Refused(&'static str),
}

/// `xcb_void_cookie_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Cookie(u32);

/// `xcb_screen_iterator_t`.
#[repr(C)]
struct ScreenIterator {
    data: *const Screen,
    rem: c_int,
    index: c_int,
}

/// `xcb_screen_t`, up to the field that is read last.
#[repr(C)]
struct Screen {
    root: u32,
    colormap: u32,
    white: u32,
    black: u32,
    input_masks: u32,
    pixels: [u16; 2],
    millimeters: [u16; 2],
    installed_maps: [u16; 2],
    visual: u32,
}

type Raw = *mut c_void;

/// The functions of `xcb.h` and `xproto.h` that are used.
struct Functions {
    connect: unsafe extern "C" fn(*const c_char, *mut c_int) -> Raw,
    has_error: unsafe extern "C" fn(Raw) -> c_int,
    disconnect: unsafe extern "C" fn(Raw),
    setup: unsafe extern "C" fn(Raw) -> *const c_void,
    screens: unsafe extern "C" fn(*const c_void) -> ScreenIterator,
    generate_id: unsafe extern "C" fn(Raw) -> u32,
    check: unsafe extern "C" fn(Raw, Cookie) -> *mut c_void,
    #[allow(clippy::type_complexity, reason = "the signature of xcb_create_window_checked")]
    create: unsafe extern "C" fn(
        Raw,
        u8,
        u32,
        u32,
        i16,
        i16,
        u16,
        u16,
        u16,
        u16,
        u32,
        u32,
        *const c_void,
    ) -> Cookie,
    map: unsafe extern "C" fn(Raw, u32) -> Cookie,
    unmap: unsafe extern "C" fn(Raw, u32) -> Cookie,
    destroy: unsafe extern "C" fn(Raw, u32) -> Cookie,
    configure: unsafe extern "C" fn(Raw, u32, u16, *const c_void) -> Cookie,
    _library: Library,
}

impl Functions {
    fn load() -> Result<Self, libloading::Error> {
        // SAFETY: the initializers of libxcb do nothing but set up the library.
        let library = unsafe { Library::new("libxcb.so.1") }?;
        macro_rules! function {
            ($name:literal) => {{
                // SAFETY: the field's type is the function's signature in xcb.h or xproto.h.
                *unsafe { library.get(concat!($name, "\0").as_bytes()) }?
            }};
        }
        Ok(Self {
            connect: function!("xcb_connect"),
            has_error: function!("xcb_connection_has_error"),
            disconnect: function!("xcb_disconnect"),
            setup: function!("xcb_get_setup"),
            screens: function!("xcb_setup_roots_iterator"),
            generate_id: function!("xcb_generate_id"),
            check: function!("xcb_request_check"),
            create: function!("xcb_create_window_checked"),
            map: function!("xcb_map_window_checked"),
            unmap: function!("xcb_unmap_window_checked"),
            destroy: function!("xcb_destroy_window_checked"),
            configure: function!("xcb_configure_window_checked"),
            _library: library,
        })
    }
}

/// A connection to an X server.
pub struct Connection {
    functions: Functions,
    raw: Raw,
}

// SAFETY: "libxcb is thread safe" (xcb.h): each connection has a lock of its own.
unsafe impl Send for Connection {}
// SAFETY: as above.
unsafe impl Sync for Connection {}

impl Connection {
    /// Connects to `display`, as in ":7", or to that of the environment.
    ///
    /// # Errors
    ///
    /// [`Error::Load`], [`Error::Connect`].
    pub fn open(display: Option<&str>) -> Result<Arc<Self>, Error> {
        let functions = Functions::load()?;
        let name = display.and_then(|name| CString::new(name).ok());
        let pointer = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        // SAFETY: `pointer` is null or `name`, which lives; the screen number may be null.
        let raw = unsafe { (functions.connect)(pointer, ptr::null_mut()) };
        let connection = Self { functions, raw };
        // SAFETY: xcb_connect never returns null.
        match unsafe { (connection.functions.has_error)(raw) } {
            0 => Ok(Arc::new(connection)),
            code => Err(Error::Connect(display.unwrap_or("$DISPLAY").to_owned(), code)),
        }
    }

    /// The `xcb_connection_t` that a Vulkan surface takes.
    pub fn raw(&self) -> *mut c_void {
        self.raw
    }

    fn check(&self, cookie: Cookie, what: &'static str) -> Result<(), Error> {
        // SAFETY: `cookie` is of a checked request on this connection, and is checked once.
        let error = unsafe { (self.functions.check)(self.raw, cookie) };
        // The error is a small block of memory that a test may leak.
        if error.is_null() { Ok(()) } else { Err(Error::Refused(what)) }
    }

    /// The root window and its visual.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`].
    pub fn root(&self) -> Result<(u32, u32), Error> {
        // SAFETY: the connection is open.
        let setup = unsafe { (self.functions.setup)(self.raw) };
        // SAFETY: `setup` belongs to the connection and lives as long.
        let screens = unsafe { (self.functions.screens)(setup) };
        // SAFETY: the iterator points to `rem` screens; the first is the default one.
        let screen = unsafe { screens.data.as_ref() };
        let screen = screen.filter(|_| screens.rem > 0).ok_or(Error::Refused("name a screen"))?;
        Ok((screen.root, screen.visual))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: no window outlives its `Arc` of us.
        unsafe { (self.functions.disconnect)(self.raw) };
    }
}

/// A window, destroyed when dropped.
pub struct Window {
    connection: Arc<Connection>,
    id: u32,
}

impl Window {
    /// Opens a mapped window of `extent` pixels.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`].
    pub fn open(connection: &Arc<Connection>, extent: Extent) -> Result<Self, Error> {
        let (root, visual) = connection.root()?;
        let functions = &connection.functions;
        // SAFETY: the connection is open.
        let id = unsafe { (functions.generate_id)(connection.raw) };
        let [width, height] = sides(extent);
        // SAFETY: depth 0 and `visual` are copied from the parent; a mask of 0 reads no values.
        let cookie = unsafe {
            (functions.create)(
                connection.raw,
                0,
                id,
                root,
                0,
                0,
                width,
                height,
                0,
                INPUT_OUTPUT,
                visual,
                0,
                ptr::null(),
            )
        };
        connection.check(cookie, "create a window")?;
        let window = Self { connection: Arc::clone(connection), id };
        window.map()?;
        Ok(window)
    }

    /// The connection that the window was opened on.
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The `xcb_window_t` that a Vulkan surface takes.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Shows the window.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`].
    pub fn map(&self) -> Result<(), Error> {
        // SAFETY: the connection is open.
        let cookie = unsafe { (self.connection.functions.map)(self.connection.raw, self.id) };
        self.connection.check(cookie, "map a window")
    }

    /// Hides the window.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`].
    pub fn unmap(&self) -> Result<(), Error> {
        // SAFETY: the connection is open.
        let cookie = unsafe { (self.connection.functions.unmap)(self.connection.raw, self.id) };
        self.connection.check(cookie, "unmap a window")
    }

    /// Gives the window another size.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`].
    pub fn resize(&self, extent: Extent) -> Result<(), Error> {
        let values = sides(extent).map(u32::from);
        let Connection { functions, raw } = &*self.connection;
        // SAFETY: the mask has two bits, and `values` two numbers.
        let cookie = unsafe {
            (functions.configure)(*raw, self.id, WIDTH_AND_HEIGHT, values.as_ptr().cast())
        };
        self.connection.check(cookie, "resize a window")
    }

    /// Destroys the window before its time, as a user does who closes it.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`].
    pub fn destroy(&self) -> Result<(), Error> {
        // SAFETY: the connection is open.
        let cookie = unsafe { (self.connection.functions.destroy)(self.connection.raw, self.id) };
        self.connection.check(cookie, "destroy a window")
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // Destroyed already is as good.
        let _ = self.destroy();
    }
}

/// The sides of `extent` as X counts them.
fn sides(extent: Extent) -> [u16; 2] {
    [extent.width, extent.height].map(|side| u16::try_from(side).unwrap_or(u16::MAX).max(1))
}
