//! A Wayland surface, through `libwayland-client.so.0`, which is loaded when it is needed.
//!
//! The surface has no role, so a compositor never shows it: enough for whoever asks about a
//! surface, too little for who waits until a picture was seen.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Arc;

use libloading::Library;

/// Why there is no surface.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// libwayland-client or one of its symbols is not there.
    #[error("load libwayland-client.so.0")]
    Load(#[from] libloading::Error),
    /// No compositor answers, or it is none.
    #[error("{0}")]
    Refused(&'static str),
}

type Proxy = *mut c_void;

/// `wl_display.get_registry`.
const GET_REGISTRY: u32 = 1;
/// `wl_registry.bind`.
const BIND: u32 = 0;
/// `wl_compositor.create_surface`.
const CREATE_SURFACE: u32 = 0;
/// `wl_surface.destroy`.
const DESTROY: u32 = 0;

/// `union wl_argument`.
#[repr(C)]
#[derive(Clone, Copy)]
union Argument {
    number: u32,
    text: *const c_char,
    object: Proxy,
}

const NEW: Argument = Argument { object: ptr::null_mut() };

/// The functions and interfaces of `wayland-client.h` that are used.
struct Functions {
    connect: unsafe extern "C" fn(*const c_char) -> Proxy,
    disconnect: unsafe extern "C" fn(Proxy),
    roundtrip: unsafe extern "C" fn(Proxy) -> c_int,
    make: unsafe extern "C" fn(Proxy, u32, *mut Argument, *const c_void, u32) -> Proxy,
    send: unsafe extern "C" fn(Proxy, u32, *mut Argument),
    listen: unsafe extern "C" fn(Proxy, *const Listener, *mut c_void) -> c_int,
    destroy: unsafe extern "C" fn(Proxy),
    registry: *const c_void,
    compositor: *const c_void,
    surface: *const c_void,
    _library: Library,
}

/// `struct wl_registry_listener`.
#[repr(C)]
struct Listener {
    global: unsafe extern "C" fn(*mut c_void, Proxy, u32, *const c_char, u32),
    remove: unsafe extern "C" fn(*mut c_void, Proxy, u32),
}

static LISTENER: Listener = Listener { global, remove };

/// Notes the name of the compositor's global.
unsafe extern "C" fn global(
    user: *mut c_void,
    _: Proxy,
    name: u32,
    interface: *const c_char,
    _: u32,
) {
    // SAFETY: libwayland passes a null-terminated string.
    if unsafe { CStr::from_ptr(interface) } == c"wl_compositor" {
        // SAFETY: `user` is the number that `Display::open` listens with.
        unsafe { *user.cast::<u32>() = name };
    }
}

unsafe extern "C" fn remove(_: *mut c_void, _: Proxy, _: u32) {}

impl Functions {
    fn load() -> Result<Self, libloading::Error> {
        // SAFETY: the initializers of libwayland do nothing but set up the library.
        let library = unsafe { Library::new("libwayland-client.so.0") }?;
        macro_rules! symbol {
            ($name:literal) => {{
                // SAFETY: the field's type is the function's signature in wayland-client-core.h, or
                // a pointer to what the symbol names.
                *unsafe { library.get(concat!($name, "\0").as_bytes()) }?
            }};
        }
        Ok(Self {
            connect: symbol!("wl_display_connect"),
            disconnect: symbol!("wl_display_disconnect"),
            roundtrip: symbol!("wl_display_roundtrip"),
            make: symbol!("wl_proxy_marshal_array_constructor_versioned"),
            send: symbol!("wl_proxy_marshal_array"),
            listen: symbol!("wl_proxy_add_listener"),
            destroy: symbol!("wl_proxy_destroy"),
            registry: symbol!("wl_registry_interface"),
            compositor: symbol!("wl_compositor_interface"),
            surface: symbol!("wl_surface_interface"),
            _library: library,
        })
    }
}

/// A connection to a compositor.
pub struct Display {
    functions: Functions,
    raw: Proxy,
    registry: Proxy,
    compositor: Proxy,
}

// SAFETY: "libwayland-client is thread-safe" (wayland.freedesktop.org, "Client API").
unsafe impl Send for Display {}
// SAFETY: as above.
unsafe impl Sync for Display {}

impl Display {
    /// Connects to the compositor of the environment.
    ///
    /// # Errors
    ///
    /// [`Error::Load`], [`Error::Refused`].
    pub fn open() -> Result<Arc<Self>, Error> {
        let functions = Functions::load()?;
        // SAFETY: null stands for the environment's.
        let raw = unsafe { (functions.connect)(ptr::null()) };
        if raw.is_null() {
            return Err(Error::Refused("no Wayland compositor answers"));
        }
        let null = ptr::null_mut();
        let mut display = Self { functions, raw, registry: null, compositor: null };
        display.bind()?;
        Ok(Arc::new(display))
    }

    fn bind(&mut self) -> Result<(), Error> {
        let Functions { make, listen, roundtrip, registry, compositor, .. } = self.functions;
        let mut args = [NEW];
        // SAFETY: the display is open; the request takes one new id.
        self.registry = unsafe { make(self.raw, GET_REGISTRY, args.as_mut_ptr(), registry, 1) };
        let mut name = ManuallyDrop::new(Box::new(0_u32));
        let user = (&raw mut **name).cast();
        // SAFETY: the listener lives for ever, and so does the number: a late event may come.
        unsafe { listen(self.registry, &raw const LISTENER, user) };
        // SAFETY: the display is open.
        unsafe { roundtrip(self.raw) };
        if **name == 0 {
            return Err(Error::Refused("the display has no wl_compositor"));
        }
        let text = c"wl_compositor".as_ptr();
        let mut args =
            [Argument { number: **name }, Argument { text }, Argument { number: 1 }, NEW];
        // SAFETY: the request takes a name, an interface, a version and a new id.
        self.compositor = unsafe { make(self.registry, BIND, args.as_mut_ptr(), compositor, 1) };
        Ok(())
    }

    /// The `wl_display` that a Vulkan surface takes.
    pub fn raw(&self) -> *mut c_void {
        self.raw
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        for proxy in [self.compositor, self.registry] {
            if !proxy.is_null() {
                // SAFETY: it is ours, and nobody uses it any more.
                unsafe { (self.functions.destroy)(proxy) };
            }
        }
        // SAFETY: no surface outlives its `Arc` of us.
        unsafe { (self.functions.disconnect)(self.raw) };
    }
}

/// A `wl_surface`, destroyed when dropped.
pub struct Window {
    display: Arc<Display>,
    raw: Proxy,
}

// SAFETY: as for the display.
unsafe impl Send for Window {}
// SAFETY: as above.
unsafe impl Sync for Window {}

impl Window {
    /// Makes one.
    pub fn open(display: &Arc<Display>) -> Self {
        let Functions { make, surface, .. } = display.functions;
        let mut args = [NEW];
        // SAFETY: the compositor is bound; the request takes one new id.
        let raw =
            unsafe { make(display.compositor, CREATE_SURFACE, args.as_mut_ptr(), surface, 1) };
        Self { display: Arc::clone(display), raw }
    }

    /// The display that it is on.
    pub fn display(&self) -> &Arc<Display> {
        &self.display
    }

    /// The `wl_surface` that a Vulkan surface takes.
    pub fn raw(&self) -> *mut c_void {
        self.raw
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let Functions { send, destroy, roundtrip, .. } = self.display.functions;
        // SAFETY: the surface is ours; the request takes nothing.
        unsafe { send(self.raw, DESTROY, ptr::null_mut()) };
        // SAFETY: nobody uses it any more.
        unsafe { destroy(self.raw) };
        // SAFETY: the display is open.
        unsafe { roundtrip(self.display.raw) };
    }
}
