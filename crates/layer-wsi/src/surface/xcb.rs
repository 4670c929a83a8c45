//! The size and the visual of an X11 window.
//!
//! The connection is the application's. Only requests with an answer of their own are sent, and
//! libxcb gives such an answer, be it an error, to whoever asked: the application sees nothing.

use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ash::vk;
use zerohop_layer::LayerError;

use super::libxcb::{Cookie, Geometry, Setup, Xcb, release, xcb};
use super::visual::Visual;

/// How long an answer is good for. A resize is seen after this and one trip to the server.
const FRESH: Duration = Duration::from_millis(4);

/// The visual called `id` on the server at the other end.
///
/// # Errors
///
/// When libxcb cannot be loaded.
///
/// # Safety
///
/// `connection` is an open `xcb_connection_t *`.
pub(super) unsafe fn visual(
    connection: *mut c_void,
    id: u32,
) -> Result<Option<Visual>, LayerError> {
    // SAFETY: the caller's promise. libxcb keeps the setup as long as the connection.
    let setup = unsafe { (xcb()?.get_setup)(connection) };
    // SAFETY: libxcb's answer, or null for a broken connection.
    let Some(head) = (unsafe { setup.as_ref() }) else { return Ok(None) };
    let len = size_of::<Setup>() + 4 * usize::from(head.length);
    // SAFETY: libxcb holds as many bytes as the setup says, and never changes them.
    let bytes = unsafe { std::slice::from_raw_parts(setup.cast::<u8>(), len) };
    Ok(Visual::find(bytes, id))
}

/// A window and what is known of its size.
pub(super) struct Window {
    xcb: &'static Xcb,
    connection: NonNull<c_void>,
    window: u32,
    visual: OnceLock<Visual>,
    known: Mutex<Known>,
}

// SAFETY: libxcb's functions may be called from any thread (xcb manual, "threads"), and
// `VkXcbSurfaceCreateInfoKHR` asks the connection to outlive the surface.
unsafe impl Send for Window {}
// SAFETY: as for `Send`; what changes is behind the mutex.
unsafe impl Sync for Window {}

#[derive(Default)]
struct Known {
    extent: Option<vk::Extent2D>,
    lost: bool,
    /// The question that is on its way.
    pending: Option<Cookie>,
    asked: Option<Instant>,
}

impl Window {
    /// # Safety
    ///
    /// As `Surface::xcb`.
    pub(super) unsafe fn new(connection: *mut c_void, window: u32) -> Result<Self, LayerError> {
        let connection = NonNull::new(connection).ok_or_else(|| {
            LayerError::refused(
                vk::Result::ERROR_INITIALIZATION_FAILED,
                "the window's connection to the X server is null",
            )
        })?;
        Ok(Self {
            xcb: xcb()?,
            connection,
            window,
            visual: OnceLock::new(),
            known: Mutex::default(),
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.window
    }

    /// The `xcb_connection_t *`.
    pub(super) fn connection(&self) -> *mut c_void {
        self.connection.as_ptr()
    }

    pub(super) fn is_lost(&self) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).lost
    }

    /// The newest size that has arrived.
    pub(super) fn extent(&self) -> Option<vk::Extent2D> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.extent.is_none() && !known.lost {
            return self.ask_and_wait(&mut known);
        }
        self.take_answer(&mut known);
        let due = known.asked.is_none_or(|asked| asked.elapsed() >= FRESH);
        if due && known.pending.is_none() && !known.lost {
            known.pending = Some(self.ask());
            known.asked = Some(Instant::now());
            // SAFETY: the connection outlives us.
            unsafe { (self.xcb.flush)(self.connection.as_ptr()) };
        }
        known.extent
    }

    /// The size now, at the price of a round trip.
    pub(super) fn extent_now(&self) -> Option<vk::Extent2D> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.ask_and_wait(&mut known)
    }

    /// The surface is destroyed: nobody waits for an answer any more. A surface that was forgotten
    /// leaves the connection alone, which the application may have closed.
    pub(super) fn end(&self) {
        self.forget(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The window's visual, asked once. `None`: the window is gone, or was never there.
    pub(super) fn visual(&self) -> Option<Visual> {
        if let Some(visual) = self.visual.get() {
            return Some(*visual);
        }
        let connection = self.connection.as_ptr();
        // SAFETY: the connection outlives us; a window that is gone gives an error as the answer.
        let cookie = unsafe { (self.xcb.get_window_attributes)(connection, self.window) };
        let mut error = null_mut();
        // SAFETY: the cookie is of this connection and asked for once.
        let reply =
            unsafe { (self.xcb.get_window_attributes_reply)(connection, cookie, &mut error) };
        // SAFETY: libxcb gave an answer of the kind that was asked for, or null.
        let id = unsafe { reply.as_ref() }.map(|reply| reply.visual);
        // SAFETY: its last use.
        unsafe { release(reply.cast()) };
        // SAFETY: its last use.
        unsafe { release(error) };
        // SAFETY: the connection outlives us.
        let visual = unsafe { visual(connection, id?) }.ok()??;
        Some(*self.visual.get_or_init(|| visual))
    }

    fn ask(&self) -> Cookie {
        // SAFETY: the connection outlives us; a window that is gone gives an error as the answer.
        unsafe { (self.xcb.get_geometry)(self.connection.as_ptr(), self.window) }
    }

    fn ask_and_wait(&self, known: &mut Known) -> Option<vk::Extent2D> {
        self.forget(known);
        let cookie = self.ask();
        let mut error = null_mut();
        // SAFETY: the cookie is of this connection and asked for once.
        let reply =
            unsafe { (self.xcb.get_geometry_reply)(self.connection.as_ptr(), cookie, &mut error) };
        known.asked = Some(Instant::now());
        self.learn(known, reply.cast(), error);
        known.extent
    }

    /// Takes in the answer, if it has come.
    fn take_answer(&self, known: &mut Known) {
        let Some(cookie) = known.pending else { return };
        let (mut reply, mut error) = (null_mut(), null_mut());
        // SAFETY: the cookie is of this connection, and its answer was not taken yet.
        let done = unsafe {
            (self.xcb.poll_for_reply)(
                self.connection.as_ptr(),
                cookie.sequence,
                &mut reply,
                &mut error,
            )
        };
        if done != 0 {
            known.pending = None;
            self.learn(known, reply, error);
        }
    }

    /// Neither a reply nor an error means that the connection is broken.
    fn learn(&self, known: &mut Known, reply: *mut c_void, error: *mut c_void) {
        // SAFETY: libxcb gave an answer of the kind that was asked for, or null.
        let geometry = unsafe { reply.cast::<Geometry>().as_ref() };
        match geometry {
            Some(it) => {
                let (width, height) = (u32::from(it.width), u32::from(it.height));
                known.extent = Some(vk::Extent2D { width, height });
            }
            None => (known.lost, known.extent) = (true, None),
        }
        // SAFETY: its last use.
        unsafe { release(reply) };
        // SAFETY: its last use.
        unsafe { release(error) };
    }

    fn forget(&self, known: &mut Known) {
        if let Some(cookie) = known.pending.take() {
            // SAFETY: the cookie is of this connection, and its answer was not taken yet.
            unsafe { (self.xcb.discard_reply)(self.connection.as_ptr(), cookie.sequence) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::libxcb::Attributes;
    use super::*;

    /// How many answers were given up.
    static DISCARDED: AtomicU32 = AtomicU32::new(0);

    unsafe extern "C" fn ask(_: *mut c_void, _: u32) -> Cookie {
        Cookie { sequence: 9 }
    }

    unsafe extern "C" fn geometry(_: *mut c_void, _: Cookie, _: *mut *mut c_void) -> *mut Geometry {
        null_mut()
    }

    unsafe extern "C" fn attributes(
        _: *mut c_void,
        _: Cookie,
        _: *mut *mut c_void,
    ) -> *mut Attributes {
        null_mut()
    }

    unsafe extern "C" fn setup(_: *mut c_void) -> *const Setup {
        null_mut()
    }

    unsafe extern "C" fn poll(
        _: *mut c_void,
        _: u32,
        _: *mut *mut c_void,
        _: *mut *mut c_void,
    ) -> i32 {
        0
    }

    unsafe extern "C" fn discard(_: *mut c_void, _: u32) {
        DISCARDED.fetch_add(1, Ordering::Relaxed);
    }

    unsafe extern "C" fn flush(_: *mut c_void) -> i32 {
        1
    }

    /// A window that has asked for its size and got no answer yet.
    fn asking() -> Window {
        let xcb: &'static Xcb = Box::leak(Box::new(Xcb {
            get_geometry: ask,
            get_geometry_reply: geometry,
            get_window_attributes: ask,
            get_window_attributes_reply: attributes,
            get_setup: setup,
            poll_for_reply: poll,
            discard_reply: discard,
            flush,
            _library: libloading::os::unix::Library::this().into(),
        }));
        let extent = Some(vk::Extent2D { width: 1, height: 1 });
        let known = Known { extent, ..Known::default() };
        let window = Window {
            xcb,
            connection: NonNull::dangling(),
            window: 1,
            visual: OnceLock::new(),
            known: Mutex::new(known),
        };
        window.extent();
        window
    }

    #[test]
    fn only_a_surface_that_is_destroyed_touches_its_connection() {
        drop(asking());
        assert_eq!(DISCARDED.load(Ordering::Relaxed), 0, "it may be closed by now");
        let window = asking();
        window.end();
        drop(window);
        assert_eq!(DISCARDED.load(Ordering::Relaxed), 1);
    }
}
