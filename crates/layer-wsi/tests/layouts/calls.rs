//! An application that names `PRESENT_SRC_KHR` in one command after the other.

use ash::{ext, khr, vk};
use zerohop_layer_wsi::vkNegotiateLoaderLayerInterfaceVersion;
use zerohop_manifest::INSTANCE_EXTENSIONS;
use zerohop_testkit::fake_driver::{self, FakeDriver, Options};
use zerohop_testkit::loader;

use crate::below;

const PRESENT: vk::ImageLayout = vk::ImageLayout::PRESENT_SRC_KHR;

/// An application with a device and a command buffer.
pub(crate) struct Application {
    device: ash::Device,
    host_copy: ext::host_image_copy::Device,
    pool: vk::CommandPool,
    commands: vk::CommandBuffer,
    instance: ash::Instance,
    _entry: ash::Entry,
}

impl Application {
    /// Over a driver that has a swapchain or not.
    pub(crate) fn new(swapchain: bool) -> Self {
        let driver = FakeDriver::new(Options { swapchain, ..Options::default() });
        driver.enter();
        loader::link((fake_driver::get_instance_proc_addr, below::get_device_proc_addr));
        let entry = loader::entry(vkNegotiateLoaderLayerInterfaceVersion, INSTANCE_EXTENSIONS);
        let names = [khr::surface::NAME.as_ptr()];
        let info = vk::InstanceCreateInfo::default().enabled_extension_names(&names);
        // SAFETY: `info` is of locals.
        let instance = unsafe { entry.create_instance(&info, None) }.expect("an instance");
        // SAFETY: the instance is live.
        let physical = unsafe { instance.enumerate_physical_devices() }.expect("a device")[0];
        let names = [khr::swapchain::NAME.as_ptr()];
        let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
        let info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&names);
        // SAFETY: `info` is of locals.
        let device = unsafe { instance.create_device(physical, &info, None) }.expect("a device");
        let host_copy = ext::host_image_copy::Device::new(&instance, &device);
        // SAFETY: the device is live.
        let pool =
            unsafe { device.create_command_pool(&Default::default(), None) }.expect("a pool");
        let info =
            vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        // SAFETY: the pool is live.
        let commands = unsafe { device.allocate_command_buffers(&info) }.expect("a buffer")[0];
        loader::adopt(device.handle(), commands);
        Self { device, host_copy, pool, commands, instance, _entry: entry }
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        // SAFETY: nothing of it is used any more.
        unsafe { self.device.destroy_command_pool(self.pool, None) };
        // SAFETY: as above.
        unsafe { self.device.destroy_device(None) };
        // SAFETY: as above.
        unsafe { self.instance.destroy_instance(None) };
    }
}

const ALL: vk::PipelineStageFlags = vk::PipelineStageFlags::ALL_COMMANDS;

fn image() -> [vk::ImageMemoryBarrier<'static>; 1] {
    [vk::ImageMemoryBarrier::default().old_layout(PRESENT).new_layout(PRESENT)]
}

pub(crate) fn barrier(app: &Application) {
    let none = vk::DependencyFlags::empty();
    // SAFETY: the commands below look at nothing but layouts.
    unsafe { app.device.cmd_pipeline_barrier(app.commands, ALL, ALL, none, &[], &[], &image()) };
}

pub(crate) fn events(app: &Application) {
    // SAFETY: as above.
    unsafe { app.device.cmd_wait_events(app.commands, &[], ALL, ALL, &[], &[], &image()) };
}

fn dependency<'a>(of: &'a [vk::ImageMemoryBarrier2<'static>; 1]) -> vk::DependencyInfo<'a> {
    vk::DependencyInfo::default().image_memory_barriers(of)
}

fn image2() -> [vk::ImageMemoryBarrier2<'static>; 1] {
    [vk::ImageMemoryBarrier2::default().old_layout(PRESENT).new_layout(PRESENT)]
}

pub(crate) fn barrier2(app: &Application) {
    // SAFETY: as above.
    unsafe { app.device.cmd_pipeline_barrier2(app.commands, &dependency(&image2())) };
}

pub(crate) fn events2(app: &Application) {
    let event = vk::Event::null();
    // SAFETY: as above.
    unsafe { app.device.cmd_set_event2(app.commands, event, &dependency(&image2())) };
    // SAFETY: as above.
    unsafe { app.device.cmd_wait_events2(app.commands, &[event], &[dependency(&image2())]) };
}

pub(crate) fn render_pass(app: &Application) {
    let attachment = vk::AttachmentDescription {
        initial_layout: PRESENT,
        final_layout: PRESENT,
        ..Default::default()
    };
    let attachments = [attachment];
    let info = vk::RenderPassCreateInfo::default().attachments(&attachments);
    // SAFETY: as above.
    unsafe { app.device.create_render_pass(&info, None) }.expect("a render pass");
}

pub(crate) fn render_pass2(app: &Application) {
    let attachment =
        vk::AttachmentDescription2::default().initial_layout(PRESENT).final_layout(PRESENT);
    let attachments = [attachment];
    let info = vk::RenderPassCreateInfo2::default().attachments(&attachments);
    // SAFETY: as above.
    unsafe { app.device.create_render_pass2(&info, None) }.expect("a render pass");
}

pub(crate) fn transition(app: &Application) {
    let info =
        vk::HostImageLayoutTransitionInfoEXT::default().old_layout(PRESENT).new_layout(PRESENT);
    // SAFETY: as above.
    unsafe { app.host_copy.transition_image_layout(&[info]) }.expect("a transition");
}

pub(crate) fn memory_to_image(app: &Application) {
    let info = vk::CopyMemoryToImageInfoEXT::default().dst_image_layout(PRESENT);
    // SAFETY: as above.
    unsafe { app.host_copy.copy_memory_to_image(&info) }.expect("a copy");
}

pub(crate) fn image_to_memory(app: &Application) {
    let info = vk::CopyImageToMemoryInfoEXT::default().src_image_layout(PRESENT);
    // SAFETY: as above.
    unsafe { app.host_copy.copy_image_to_memory(&info) }.expect("a copy");
}

pub(crate) fn image_to_image(app: &Application) {
    let info =
        vk::CopyImageToImageInfoEXT::default().src_image_layout(PRESENT).dst_image_layout(PRESENT);
    // SAFETY: as above.
    unsafe { app.host_copy.copy_image_to_image(&info) }.expect("a copy");
}
