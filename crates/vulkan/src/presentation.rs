//! Whether a driver can present to the user's X server by itself.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem;
use std::ptr::{NonNull, null};

use ash::{khr, vk};
use libloading::{Library, Symbol};

use crate::{PhysicalDevice, own_layer};

/// NVIDIA's PCI vendor. Asked, its driver 580.159 crashed vkcube (an H200, Xvfb without GLX).
const NVIDIA: u32 = 0x10de;

/// Asks the driver of `physical`, without a window: whether one of its queues presents to windows of
/// the root's visual on the server that `DISPLAY` names. `None`: there is no server, no driver makes
/// surfaces for one, libxcb is not there, or the driver is not to be asked.
///
/// # References
///
/// `vkGetPhysicalDeviceXcbPresentationSupportKHR`; `<xcb/xproto.h>`.
pub fn presents_to_x(physical: &PhysicalDevice) -> Option<bool> {
    let server = Server::connect()?;
    let instance = Instance::with_surfaces()?;
    // SAFETY: the instance is alive.
    let all = unsafe { instance.raw.enumerate_physical_devices() }.ok()?;
    let raw = *all.get(physical.index())?;
    // SAFETY: the device is the instance's.
    if unsafe { instance.raw.get_physical_device_properties(raw) }.vendor_id == NVIDIA {
        return None;
    }
    // SAFETY: the device is the instance's.
    let families = unsafe { instance.raw.get_physical_device_queue_family_properties(raw) };
    let families = 0..u32::try_from(families.len()).ok()?;
    let (connection, visual) = (server.connection.as_ptr(), server.visual()?);
    let ask = |family| {
        // SAFETY: the family is there, and the connection open.
        (unsafe { (instance.ask)(raw, family, connection, visual) }) == vk::TRUE
    };
    Some(families.into_iter().any(ask))
}

/// An instance that knows windows of an X server.
struct Instance {
    raw: ash::Instance,
    ask: vk::PFN_vkGetPhysicalDeviceXcbPresentationSupportKHR,
    _entry: ash::Entry,
}

impl Instance {
    fn with_surfaces() -> Option<Self> {
        own_layer::keep_out();
        // SAFETY: loading runs the initializers of libvulkan, which we trust.
        let entry = unsafe { ash::Entry::load() }.ok()?;
        let names = [khr::surface::NAME.as_ptr(), khr::xcb_surface::NAME.as_ptr()];
        let info = vk::InstanceCreateInfo::default().enabled_extension_names(&names);
        // SAFETY: `info` points to locals, and the entry stays with the instance.
        let raw = unsafe { entry.create_instance(&info, None) }.ok()?;
        let name = c"vkGetPhysicalDeviceXcbPresentationSupportKHR";
        // SAFETY: the instance is alive.
        let Some(ask) = (unsafe { entry.get_instance_proc_addr(raw.handle(), name.as_ptr()) })
        else {
            // SAFETY: nobody has it yet.
            unsafe { raw.destroy_instance(None) };
            return None;
        };
        // SAFETY: the type belongs to the name.
        let ask = unsafe {
            mem::transmute::<
                unsafe extern "system" fn(),
                vk::PFN_vkGetPhysicalDeviceXcbPresentationSupportKHR,
            >(ask)
        };
        Some(Self { raw, ask, _entry: entry })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: nothing of it is left.
        unsafe { self.raw.destroy_instance(None) };
    }
}

type Connect = unsafe extern "C" fn(*const c_char, *mut c_int) -> *mut c_void;
type HasError = unsafe extern "C" fn(*mut c_void) -> c_int;
type Disconnect = unsafe extern "C" fn(*mut c_void);
type GetSetup = unsafe extern "C" fn(*mut c_void) -> *const c_void;
type RootsIterator = unsafe extern "C" fn(*const c_void) -> Roots;

/// `xcb_screen_iterator_t`.
#[repr(C)]
struct Roots {
    /// `xcb_screen_t *`.
    data: *const Screen,
    rem: c_int,
    index: c_int,
}

/// `xcb_screen_t`, as far as we read it.
#[repr(C)]
struct Screen {
    before: [u32; 8],
    root_visual: u32,
}

/// A connection to the user's X server.
struct Server {
    connection: NonNull<c_void>,
    libxcb: Library,
}

impl Server {
    fn connect() -> Option<Self> {
        std::env::var_os("DISPLAY").filter(|name| !name.is_empty())?;
        // SAFETY: libxcb's initializers do nothing that we could break.
        let libxcb = unsafe { Library::new("libxcb.so.1") }.ok()?;
        let connect = find::<Connect>(&libxcb, c"xcb_connect")?;
        // SAFETY: null stands for what `DISPLAY` names, and nobody asks for the screen's number.
        let connection = NonNull::new(unsafe { connect(null(), std::ptr::null_mut()) })?;
        let server = Self { connection, libxcb };
        let has_error = find::<HasError>(&server.libxcb, c"xcb_connection_has_error")?;
        // SAFETY: the connection is not closed yet.
        let error = unsafe { has_error(server.connection.as_ptr()) };
        (error == 0).then_some(server)
    }

    /// The visual of the first root window.
    fn visual(&self) -> Option<u32> {
        let get_setup = find::<GetSetup>(&self.libxcb, c"xcb_get_setup")?;
        let roots = find::<RootsIterator>(&self.libxcb, c"xcb_setup_roots_iterator")?;
        // SAFETY: the connection is open.
        let setup = unsafe { get_setup(self.connection.as_ptr()) };
        if setup.is_null() {
            return None;
        }
        // SAFETY: the setup lives as long as the connection.
        let first = unsafe { roots(setup) };
        if first.rem < 1 {
            return None;
        }
        // SAFETY: the iterator has a screen left, which lives as long as the setup.
        unsafe { first.data.as_ref() }.map(|screen| screen.root_visual)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(disconnect) = find::<Disconnect>(&self.libxcb, c"xcb_disconnect") {
            // SAFETY: it is open, also after an error (`xcb_disconnect(3)`), and nobody has it.
            unsafe { disconnect(self.connection.as_ptr()) };
        }
    }
}

/// The function called `name`, whose type `F` is.
fn find<'a, F>(library: &'a Library, name: &CStr) -> Option<Symbol<'a, F>> {
    // SAFETY: each caller gives the type that the header has for the name.
    unsafe { library.get(name.to_bytes_with_nul()) }.ok()
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn the_visual_is_where_the_header_has_it() {
        // root, default_colormap, white_pixel, black_pixel, current_input_masks, then
        // width, height and their millimetres, min and max installed maps: 4 * 5 + 2 * 6 bytes.
        assert_eq!(offset_of!(Screen, root_visual), 32);
    }
}
