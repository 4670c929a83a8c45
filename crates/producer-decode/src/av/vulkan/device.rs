//! FFmpeg's own Vulkan device, as we call it.

use std::mem;
use std::ptr::NonNull;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use ash::vk::{self, Handle as _};
use ffmpeg_sys_next as ffi;

use crate::av::Picture;
use crate::av::sync::{Frames, frames_of};

/// FFmpeg's `VkDevice`, kept from going.
pub(super) struct Shared {
    pub(super) raw: ash::Device,
    /// A family that computes, and so copies; FFmpeg shares its images with it.
    pub(super) family: u32,
    pub(super) queue: vk::Queue,
    uuid: [u8; 16],
    /// What the device lives in.
    _frames: Frames,
}

impl Shared {
    /// The device that `picture` is on.
    pub(super) fn of(picture: &Picture) -> Result<Rc<Self>> {
        let kept = Frames::of(picture).context("the picture is in no device")?;
        let context = context_of(picture).context("the picture is in no device")?;
        let resolve = context.get_proc_addr.context("FFmpeg has no Vulkan loader")?;
        // SAFETY: both are `vkGetInstanceProcAddr`, said with other names of the same types.
        let resolve: vk::PFN_vkGetInstanceProcAddr = unsafe { mem::transmute(resolve) };
        let entry = ash::StaticFn { get_instance_proc_addr: resolve };
        let instance = vk::Instance::from_raw(context.inst as u64);
        // SAFETY: the handle is a live instance, of the loader that `resolve` is of.
        let instance = unsafe { ash::Instance::load(&entry, instance) };
        let physical = vk::PhysicalDevice::from_raw(context.phys_dev as u64);
        let mut ids = vk::PhysicalDeviceIDProperties::default();
        let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut ids);
        // SAFETY: the device is of this instance, which is 1.1 at least (hwcontext_vulkan.h).
        unsafe { instance.get_physical_device_properties2(physical, &mut all) };
        let device = vk::Device::from_raw(context.act_dev as u64);
        // SAFETY: the handle is a live device of this instance.
        let raw = unsafe { ash::Device::load(instance.fp_v1_0(), device) };
        let Ok(family) = u32::try_from(context.queue_family_comp_index) else {
            bail!("FFmpeg's device computes nothing");
        };
        // SAFETY: FFmpeg made at least one queue of the family.
        let queue = unsafe { raw.get_device_queue(family, 0) };
        Ok(Rc::new(Self { raw, family, queue, uuid: ids.device_uuid, _frames: kept }))
    }

    /// `VkPhysicalDeviceIDProperties::deviceUUID`.
    pub(super) fn uuid(&self) -> [u8; 16] {
        self.uuid
    }
}

fn context_of(picture: &Picture) -> Option<&ffi::AVVulkanDeviceContext> {
    let frames = frames_of(picture)?;
    // SAFETY: a frames context has a device context as long as it lives.
    let device = unsafe { NonNull::new(frames.device_ctx)?.as_ref() };
    let context = NonNull::new(device.hwctx.cast::<ffi::AVVulkanDeviceContext>())?;
    // SAFETY: that is what `hwctx` is for this kind of device (libavutil/hwcontext_vulkan.h).
    Some(unsafe { context.as_ref() })
}

/// Nobody else submits to the queue, or changes the picture, while it is there.
pub(super) struct Lock<'a> {
    picture: &'a Picture,
    pub(super) frame: &'a mut ffi::AVVkFrame,
    #[cfg_attr(before_ffmpeg_6, expect(dead_code, reason = "FFmpeg locks no queues before 6.0"))]
    family: u32,
}

impl<'a> Lock<'a> {
    pub(super) fn of(picture: &'a Picture, family: u32) -> Result<Self> {
        let frame = NonNull::new(picture.raw().data[0].cast::<ffi::AVVkFrame>());
        let mut frame = frame.context("a picture without images")?;
        #[cfg(not(before_ffmpeg_6))]
        call(picture, frame.as_ptr(), family, true);
        // SAFETY: that is what `data[0]` is in this format (libavutil/pixfmt.h), as long as the
        // picture is; nobody else changes it meanwhile.
        Ok(Self { picture, frame: unsafe { frame.as_mut() }, family })
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        #[cfg(not(before_ffmpeg_6))]
        call(self.picture, self.frame, self.family, false);
        #[cfg(before_ffmpeg_6)]
        let _ = self.picture;
    }
}

/// Locks the picture and then the queue, or gives them back.
#[cfg(not(before_ffmpeg_6))]
fn call(picture: &Picture, frame: *mut ffi::AVVkFrame, family: u32, lock: bool) {
    let (Some(frames), Some(device)) = (frames_of(picture), context_of(picture)) else { return };
    // SAFETY: that is what `hwctx` is for this kind of device (libavutil/hwcontext_vulkan.h).
    let pool = unsafe { &*frames.hwctx.cast::<ffi::AVVulkanFramesContext>() };
    let whole = std::ptr::from_ref(frames).cast_mut();
    let on_frame = if lock { pool.lock_frame } else { pool.unlock_frame };
    let on_queue = if lock { device.lock_queue } else { device.unlock_queue };
    if let Some(on_frame) = on_frame {
        // SAFETY: the pool and a picture of it, as the function wants them.
        unsafe { on_frame(whole, frame) };
    }
    if let Some(on_queue) = on_queue {
        // SAFETY: the device, and a queue that it has.
        unsafe { on_queue(frames.device_ctx, family, 0) };
    }
}
