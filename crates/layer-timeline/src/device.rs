//! The commands of a device: semaphores, and their descriptors.

use std::collections::hash_map::Entry;
use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

use ash::vk;
use zerohop_layer::{LayerError, chain, guard, guard_void};

use crate::Counter;
use crate::mirror::Mirror;
use crate::state::Device;

const OPAQUE: vk::ExternalSemaphoreHandleTypeFlags =
    vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD;

/// What an application gets for a descriptor that is no timeline.
fn invalid(err: std::io::Error) -> LayerError {
    let code = vk::Result::ERROR_INVALID_EXTERNAL_HANDLE;
    LayerError::outside("open a shared timeline", code, err)
}

/// For what is not ours, of a driver that lacks the extension.
fn lacking() -> LayerError {
    let code = vk::Result::ERROR_EXTENSION_NOT_PRESENT;
    LayerError::refused(code, "a semaphore of a kind that the driver does not share")
}

fn exhausted(err: std::io::Error) -> LayerError {
    LayerError::outside("share a timeline", vk::Result::ERROR_TOO_MANY_OBJECTS, err)
}

/// A timeline that may leave is one that does not, to the driver.
pub(crate) unsafe extern "system" fn create_semaphore(
    device: vk::Device,
    info: *const vk::SemaphoreCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Semaphore,
) -> vk::Result {
    guard("vkCreateSemaphore", || {
        // SAFETY: VUID-vkCreateSemaphore-device-parameter.
        let state = unsafe { Device::of(device) }?;
        // SAFETY: VUID-vkCreateSemaphore-pCreateInfo-parameter.
        let info = unsafe { *info };
        // SAFETY: the chain is the application's.
        let export = unsafe { chain::get::<vk::ExportSemaphoreCreateInfo<'_>>(info.p_next) };
        let ours = export.is_some_and(|export| export.handle_types == OPAQUE);
        let out_of_it = [vk::StructureType::EXPORT_SEMAPHORE_CREATE_INFO];
        // SAFETY: as above.
        let stripped = unsafe { chain::without(info.p_next, if ours { &out_of_it } else { &[] }) };
        let down = vk::SemaphoreCreateInfo { p_next: stripped.head(), ..info };
        // SAFETY: the caller's arguments, with a chain that lives in this function.
        Ok(unsafe { (state.raw.fp_v1_0().create_semaphore)(device, &down, allocator, out) })
    })
}

pub(crate) unsafe extern "system" fn destroy_semaphore(
    device: vk::Device,
    semaphore: vk::Semaphore,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroySemaphore", || {
        // SAFETY: VUID-vkDestroySemaphore-device-parameter.
        let state = unsafe { Device::of(device) }?;
        let mirror = state.mirrors().remove(&semaphore);
        drop(mirror);
        // SAFETY: the caller's arguments.
        unsafe { (state.raw.fp_v1_0().destroy_semaphore)(device, semaphore, allocator) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn get_semaphore_fd(
    device: vk::Device,
    info: *const vk::SemaphoreGetFdInfoKHR<'_>,
    out: *mut i32,
) -> vk::Result {
    guard("vkGetSemaphoreFdKHR", || {
        // SAFETY: VUID-vkGetSemaphoreFdKHR-device-parameter.
        let state = unsafe { Device::of(device) }?;
        // SAFETY: VUID-vkGetSemaphoreFdKHR-pGetFdInfo-parameter.
        let asked = unsafe { &*info };
        if asked.handle_type != OPAQUE {
            let theirs = state.theirs.as_ref().ok_or_else(lacking)?;
            // SAFETY: the caller's arguments.
            return Ok(unsafe { (theirs.get_semaphore_fd_khr)(device, info, out) });
        }
        let fd = match state.mirrors().entry(asked.semaphore) {
            Entry::Occupied(shared) => shared.get().export(),
            Entry::Vacant(place) => {
                let counter = Counter::new(state.value(asked.semaphore)).map_err(exhausted)?;
                let mirror = Mirror::new(&state, asked.semaphore, counter).map_err(exhausted)?;
                place.insert(mirror).export()
            }
        };
        let fd = fd.map_err(exhausted)?;
        // SAFETY: VUID-vkGetSemaphoreFdKHR-pFd-parameter.
        unsafe { *out = fd.into_raw_fd() };
        Ok(vk::Result::SUCCESS)
    })
}

/// The descriptor is the driver's once the import has succeeded, and not before.
pub(crate) unsafe extern "system" fn import_semaphore_fd(
    device: vk::Device,
    info: *const vk::ImportSemaphoreFdInfoKHR<'_>,
) -> vk::Result {
    guard("vkImportSemaphoreFdKHR", || {
        // SAFETY: VUID-vkImportSemaphoreFdKHR-device-parameter.
        let state = unsafe { Device::of(device) }?;
        // SAFETY: VUID-vkImportSemaphoreFdKHR-pImportSemaphoreFdInfo-parameter.
        let asked = unsafe { &*info };
        if asked.handle_type != OPAQUE {
            let theirs = state.theirs.as_ref().ok_or_else(lacking)?;
            // SAFETY: the caller's arguments.
            return Ok(unsafe { (theirs.import_semaphore_fd_khr)(device, info) });
        }
        if asked.fd < 0 {
            return Err(invalid(std::io::ErrorKind::InvalidInput.into()));
        }
        // SAFETY: VUID-VkImportSemaphoreFdInfoKHR-fd-01544.
        let fd = unsafe { BorrowedFd::borrow_raw(asked.fd) };
        let counter = Counter::open(fd.try_clone_to_owned().map_err(exhausted)?);
        let counter = counter.map_err(invalid)?;
        let before = state.mirrors().remove(&asked.semaphore);
        drop(before);
        let mirror = Mirror::new(&state, asked.semaphore, counter).map_err(exhausted)?;
        state.mirrors().insert(asked.semaphore, mirror);
        // SAFETY: a successful import takes the descriptor over.
        drop(unsafe { OwnedFd::from_raw_fd(asked.fd) });
        Ok(vk::Result::SUCCESS)
    })
}
