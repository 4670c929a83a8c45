//! Swapchain images, drawn to in every way that leads to `VK_IMAGE_LAYOUT_PRESENT_SRC_KHR`.

use std::ffi::CStr;
use std::time::Duration;

use ash::{ext, khr, vk};
use zerohop_testkit::rig::{Device, DeviceOptions, Features, Fence, Semaphore, Swapchain};

use super::Case;
use crate::bench::{Bench, Outcome, Stage, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("images::views", views),
    Case::new("images::render_pass", render_pass),
    Case::new("images::dynamic_rendering", dynamic_rendering),
    Case::new("images::layout_kept_between_frames", layout_kept),
    Case::new("images::events", events),
    Case::new("images::array_layers", array_layers),
    Case::new("images::mutable_format", mutable_format),
    Case::new("images::bound_to_a_swapchain", bound_to_a_swapchain),
    Case::new("images::bound_to_a_deferred_swapchain", bound_to_a_deferred_swapchain),
    Case::new("images::names", names),
    Case::new("images::private_data", private_data),
];

const PATIENCE: Duration = Duration::from_secs(5);
const UNDEFINED: vk::ImageLayout = vk::ImageLayout::UNDEFINED;
const PRESENT: vk::ImageLayout = vk::ImageLayout::PRESENT_SRC_KHR;
const ATTACHMENT: vk::ImageLayout = vk::ImageLayout::COLOR_ATTACHMENT_OPTIMAL;

fn whole(layers: u32) -> vk::ImageSubresourceRange {
    vk::ImageSubresourceRange {
        aspect_mask: vk::ImageAspectFlags::COLOR,
        base_mip_level: 0,
        level_count: 1,
        base_array_layer: 0,
        layer_count: layers,
    }
}

/// A `VkImageView` of a whole picture.
struct View<'a>(&'a Device, vk::ImageView);

impl<'a> View<'a> {
    fn new(device: &'a Device, image: vk::Image, format: vk::Format) -> Outcome<Self> {
        let info = vk::ImageViewCreateInfo::default()
            .image(image)
            .view_type(vk::ImageViewType::TYPE_2D)
            .format(format)
            .subresource_range(whole(1));
        // SAFETY: the image lives, and can be seen in this format.
        let view = unsafe { device.raw().create_image_view(&info, None) }?;
        Ok(Self(device, view))
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        self.0.wait_idle();
        // SAFETY: the device is idle.
        unsafe { self.0.raw().destroy_image_view(self.1, None) };
    }
}

/// Acquires an image, runs what `record` records for it, and presents it.
fn show(
    stage: &Stage,
    swapchain: &Swapchain,
    record: impl FnOnce(&ash::Device, vk::CommandBuffer, vk::Image),
) -> Outcome {
    let (ready, done) = (Semaphore::new(&stage.device)?, Semaphore::new(&stage.device)?);
    let index = swapchain.acquire(PATIENCE, ready.raw(), vk::Fence::null())?.index;
    let image = swapchain.images()[index as usize];
    run(stage, &ready, &done, |raw, commands| record(raw, commands, image))?;
    swapchain.present(index, &[done.raw()])?;
    stage.device.wait_idle();
    Ok(())
}

/// Records, submits and waits.
fn run(
    stage: &Stage,
    wait: &Semaphore,
    signal: &Semaphore,
    record: impl FnOnce(&ash::Device, vk::CommandBuffer),
) -> Outcome {
    let raw = stage.device.raw();
    let info = vk::CommandPoolCreateInfo::default().queue_family_index(stage.device.family());
    // SAFETY: the family is the device's.
    let pool = unsafe { raw.create_command_pool(&info, None) }?;
    let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
    // SAFETY: the pool was just made.
    let commands = unsafe { raw.allocate_command_buffers(&info) }?[0];
    // SAFETY: the buffer is new.
    unsafe { raw.begin_command_buffer(commands, &vk::CommandBufferBeginInfo::default()) }?;
    record(raw, commands);
    // SAFETY: it was begun.
    unsafe { raw.end_command_buffer(commands) }?;
    let (wait, signal, commands) = ([wait.raw()], [signal.raw()], [commands]);
    let stages = [vk::PipelineStageFlags::ALL_COMMANDS];
    let submit = vk::SubmitInfo::default()
        .wait_semaphores(&wait)
        .wait_dst_stage_mask(&stages)
        .command_buffers(&commands)
        .signal_semaphores(&signal);
    let fence = Fence::new(&stage.device, false)?;
    {
        let queue = stage.device.queue();
        // SAFETY: the queue is locked, the fence unsignaled.
        unsafe { raw.queue_submit(*queue, &[submit], fence.raw()) }?;
    }
    fence.wait(PATIENCE)?;
    // SAFETY: the fence says that the buffer is no longer pending.
    unsafe { raw.destroy_command_pool(pool, None) };
    Ok(())
}

fn views(bench: &Bench) -> Outcome {
    let mut stage = bench.stage()?;
    for format in stage.surface.formats(stage.device.physical())? {
        stage.format = format;
        let swapchain = stage.swapchain()?;
        for image in swapchain.images() {
            View::new(&stage.device, *image, format.format)?;
        }
    }
    Ok(())
}

/// A render pass that clears, and ends in the layout of a present.
fn clearing_pass(device: &Device, format: vk::Format) -> Outcome<vk::RenderPass> {
    let attachments = [vk::AttachmentDescription::default()
        .format(format)
        .samples(vk::SampleCountFlags::TYPE_1)
        .load_op(vk::AttachmentLoadOp::CLEAR)
        .store_op(vk::AttachmentStoreOp::STORE)
        .initial_layout(UNDEFINED)
        .final_layout(PRESENT)];
    let colors = [vk::AttachmentReference { attachment: 0, layout: ATTACHMENT }];
    let subpasses = [vk::SubpassDescription::default().color_attachments(&colors)];
    let dependencies = [vk::SubpassDependency::default()
        .src_subpass(vk::SUBPASS_EXTERNAL)
        .src_stage_mask(vk::PipelineStageFlags::ALL_COMMANDS)
        .dst_stage_mask(vk::PipelineStageFlags::COLOR_ATTACHMENT_OUTPUT)
        .dst_access_mask(vk::AccessFlags::COLOR_ATTACHMENT_WRITE)];
    let info = vk::RenderPassCreateInfo::default()
        .attachments(&attachments)
        .subpasses(&subpasses)
        .dependencies(&dependencies);
    // SAFETY: the info points to locals.
    Ok(unsafe { device.raw().create_render_pass(&info, None) }?)
}

fn render_pass(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let (device, format) = (&stage.device, stage.format.format);
    let swapchain = stage.swapchain()?;
    let pass = clearing_pass(device, format)?;
    let zerohop_frame::Extent { width, height } = swapchain.extent();
    for _ in 0..5 {
        let mut made = None;
        show(&stage, &swapchain, |raw, commands, image| {
            let Ok(view) = View::new(device, image, format) else { return };
            let views = [view.1];
            let info = vk::FramebufferCreateInfo::default()
                .render_pass(pass)
                .attachments(&views)
                .width(width)
                .height(height)
                .layers(1);
            // SAFETY: pass and view live.
            let Ok(framebuffer) = (unsafe { raw.create_framebuffer(&info, None) }) else { return };
            let area = vk::Rect2D::default().extent(vk::Extent2D { width, height });
            let begin = vk::RenderPassBeginInfo::default()
                .render_pass(pass)
                .framebuffer(framebuffer)
                .render_area(area)
                .clear_values(&[vk::ClearValue {
                    color: vk::ClearColorValue { float32: [0.2, 0.4, 0.6, 1.0] },
                }]);
            let contents = vk::SubpassContents::INLINE;
            // SAFETY: `commands` is being recorded outside a render pass.
            unsafe { raw.cmd_begin_render_pass(commands, &begin, contents) };
            // SAFETY: it was begun.
            unsafe { raw.cmd_end_render_pass(commands) };
            made = Some((framebuffer, view));
        })?;
        let (framebuffer, view) = made.ok_or(vk::Result::ERROR_UNKNOWN)?;
        // SAFETY: `show` waited until the device was idle.
        unsafe { device.raw().destroy_framebuffer(framebuffer, None) };
        drop(view);
    }
    // SAFETY: as above.
    unsafe { device.raw().destroy_render_pass(pass, None) };
    Ok(())
}

/// A barrier of synchronization2 between two layouts, of everything.
fn barrier2(
    image: vk::Image,
    old: vk::ImageLayout,
    new: vk::ImageLayout,
    layers: u32,
) -> vk::ImageMemoryBarrier2<'static> {
    vk::ImageMemoryBarrier2::default()
        .src_stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)
        .src_access_mask(vk::AccessFlags2::MEMORY_WRITE)
        .dst_stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)
        .dst_access_mask(vk::AccessFlags2::MEMORY_READ | vk::AccessFlags2::MEMORY_WRITE)
        .old_layout(old)
        .new_layout(new)
        .image(image)
        .subresource_range(whole(layers))
}

fn change(
    raw: &ash::Device,
    commands: vk::CommandBuffer,
    image: vk::Image,
    [old, new]: [vk::ImageLayout; 2],
) {
    let barriers = [barrier2(image, old, new, 1)];
    let dependency = vk::DependencyInfo::default().image_memory_barriers(&barriers);
    // SAFETY: `commands` is being recorded; synchronization2 is enabled.
    unsafe { raw.cmd_pipeline_barrier2(commands, &dependency) };
}

fn dynamic_rendering(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let zerohop_frame::Extent { width, height } = swapchain.extent();
    for _ in 0..5 {
        let mut seen = None;
        show(&stage, &swapchain, |raw, commands, image| {
            let Ok(view) = View::new(&stage.device, image, stage.format.format) else { return };
            change(raw, commands, image, [UNDEFINED, ATTACHMENT]);
            let attachments = [vk::RenderingAttachmentInfo::default()
                .image_view(view.1)
                .image_layout(ATTACHMENT)
                .load_op(vk::AttachmentLoadOp::CLEAR)
                .store_op(vk::AttachmentStoreOp::STORE)];
            let area = vk::Rect2D::default().extent(vk::Extent2D { width, height });
            let info = vk::RenderingInfo::default()
                .render_area(area)
                .layer_count(1)
                .color_attachments(&attachments);
            // SAFETY: `commands` is being recorded; dynamic rendering is enabled.
            unsafe { raw.cmd_begin_rendering(commands, &info) };
            // SAFETY: it was begun.
            unsafe { raw.cmd_end_rendering(commands) };
            change(raw, commands, image, [ATTACHMENT, PRESENT]);
            seen = Some(view);
        })?;
        ensure!(seen.is_some(), "no view");
    }
    Ok(())
}

/// What was presented is taken up again in the layout that it was presented in.
fn layout_kept(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut seen = Vec::new();
    for _ in 0..10 {
        show(&stage, &swapchain, |raw, commands, image| {
            let old = if seen.contains(&image) { PRESENT } else { UNDEFINED };
            change(raw, commands, image, [old, ATTACHMENT]);
            change(raw, commands, image, [ATTACHMENT, PRESENT]);
            seen.push(image);
        })?;
    }
    Ok(())
}

/// The layout changes where an event is waited for.
fn events(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let raw = stage.device.raw();
    let info = vk::EventCreateInfo::default().flags(vk::EventCreateFlags::DEVICE_ONLY);
    // SAFETY: the info has no chain.
    let event = unsafe { raw.create_event(&info, None) }?;
    for _ in 0..3 {
        show(&stage, &swapchain, |raw, commands, image| {
            let barriers = [barrier2(image, UNDEFINED, PRESENT, 1)];
            let dependency = vk::DependencyInfo::default().image_memory_barriers(&barriers);
            // SAFETY: `commands` is being recorded.
            unsafe { raw.cmd_set_event2(commands, event, &dependency) };
            // SAFETY: the same dependency as it was set with.
            unsafe { raw.cmd_wait_events2(commands, &[event], &[dependency]) };
            let stages = vk::PipelineStageFlags2::ALL_COMMANDS;
            // SAFETY: the wait is before it.
            unsafe { raw.cmd_reset_event2(commands, event, stages) };
        })?;
    }
    // SAFETY: `show` waited until the device was idle.
    unsafe { raw.destroy_event(event, None) };
    Ok(())
}

fn array_layers(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let layers = stage.caps.max_image_array_layers.min(4);
    let swapchain = Swapchain::new(&stage.device, &stage.info().image_array_layers(layers))?;
    for _ in 0..4 {
        show(&stage, &swapchain, |raw, commands, image| {
            let transfer = vk::ImageLayout::TRANSFER_DST_OPTIMAL;
            for (old, new) in [(UNDEFINED, transfer), (transfer, PRESENT)] {
                let barriers = [barrier2(image, old, new, layers)];
                let dependency = vk::DependencyInfo::default().image_memory_barriers(&barriers);
                // SAFETY: `commands` is being recorded; synchronization2 is enabled.
                unsafe { raw.cmd_pipeline_barrier2(commands, &dependency) };
                if new == transfer {
                    let color = vk::ClearColorValue { float32: [0.5; 4] };
                    let ranges = [whole(layers)];
                    // SAFETY: the barrier gave the layout.
                    unsafe {
                        raw.cmd_clear_color_image(commands, image, transfer, &color, &ranges);
                    };
                }
            }
        })?;
    }
    Ok(())
}

fn mutable_format(bench: &Bench) -> Outcome {
    let extensions = [khr::swapchain_mutable_format::NAME];
    let options = DeviceOptions { extensions: &extensions, ..DeviceOptions::default() };
    let stage = bench.stage_with(&options)?;
    let formats = stage.surface.formats(stage.device.physical())?;
    let offered = |format| formats.iter().find(|one| one.format == format).copied();
    for (unorm, srgb) in [
        (vk::Format::B8G8R8A8_UNORM, vk::Format::B8G8R8A8_SRGB),
        (vk::Format::R8G8B8A8_UNORM, vk::Format::R8G8B8A8_SRGB),
    ] {
        for first in [unorm, srgb].into_iter().filter_map(offered) {
            let views = [unorm, srgb];
            let mut list = vk::ImageFormatListCreateInfo::default().view_formats(&views);
            let info = stage
                .info()
                .flags(vk::SwapchainCreateFlagsKHR::MUTABLE_FORMAT)
                .image_format(first.format)
                .image_color_space(first.color_space)
                .push_next(&mut list);
            let swapchain = Swapchain::new(&stage.device, &info)?;
            for image in swapchain.images() {
                View::new(&stage.device, *image, unorm)?;
                View::new(&stage.device, *image, srgb)?;
            }
            show(&stage, &swapchain, |raw, commands, image| {
                change(raw, commands, image, [UNDEFINED, PRESENT]);
            })?;
        }
    }
    Ok(())
}

/// An image of the application's, bound to image `index` of a swapchain.
fn alias(stage: &Stage, swapchain: &Swapchain, index: u32) -> Outcome<vk::Image> {
    let info = stage.info();
    let mut of = vk::ImageSwapchainCreateInfoKHR::default().swapchain(swapchain.raw());
    let vk::Extent2D { width, height } = info.image_extent;
    let create = vk::ImageCreateInfo::default()
        .image_type(vk::ImageType::TYPE_2D)
        .format(info.image_format)
        .extent(vk::Extent3D { width, height, depth: 1 })
        .mip_levels(1)
        .array_layers(1)
        .samples(vk::SampleCountFlags::TYPE_1)
        .usage(info.image_usage)
        .push_next(&mut of);
    let raw = stage.device.raw();
    // SAFETY: the parameters are those of the swapchain (VUID-VkImageSwapchainCreateInfoKHR-
    // swapchain-00995).
    let image = unsafe { raw.create_image(&create, None) }?;
    let mut of = vk::BindImageMemorySwapchainInfoKHR::default()
        .swapchain(swapchain.raw())
        .image_index(index);
    let bind = vk::BindImageMemoryInfo::default().image(image).push_next(&mut of);
    // SAFETY: the image is of this swapchain and not bound yet.
    match unsafe { raw.bind_image_memory2(&[bind]) } {
        Ok(()) => Ok(image),
        Err(code) => {
            // SAFETY: nobody has the image.
            unsafe { raw.destroy_image(image, None) };
            Err(code.into())
        }
    }
}

fn draw_into_aliases(stage: &Stage, swapchain: &Swapchain) -> Outcome {
    let mut painter = stage.painter(swapchain)?;
    for frame in 0..6 {
        let (ready, done) = (Semaphore::new(&stage.device)?, Semaphore::new(&stage.device)?);
        let index = swapchain.acquire(PATIENCE, ready.raw(), vk::Fence::null())?.index;
        let image = alias(stage, swapchain, index)?;
        painter.paint(frame, image, &[ready.raw()], &[done.raw()])?;
        swapchain.present(index, &[done.raw()])?;
        painter.finish()?;
        stage.device.wait_idle();
        // SAFETY: the device is idle.
        unsafe { stage.device.raw().destroy_image(image, None) };
    }
    Ok(())
}

fn bound_to_a_swapchain(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    draw_into_aliases(&stage, &stage.swapchain()?)
}

fn bound_to_a_deferred_swapchain(bench: &Bench) -> Outcome {
    let features = Features { maintenance1: true, ..Features::default() };
    let extensions = [ext::swapchain_maintenance1::NAME];
    let stage = bench.stage_with(&DeviceOptions { extensions: &extensions, features })?;
    let flags = vk::SwapchainCreateFlagsKHR::DEFERRED_MEMORY_ALLOCATION_EXT;
    let swapchain = Swapchain::new(&stage.device, &stage.info().flags(flags))?;
    draw_into_aliases(&stage, &swapchain)
}

/// Names for a surface, a swapchain and its images.
fn names(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    if !bench.instance().has(ext::debug_utils::NAME) {
        return Err(Verdict::Unsupported("VK_EXT_debug_utils".to_owned()));
    }
    let debug = ext::debug_utils::Device::new(bench.instance().raw(), stage.device.raw());
    let name = |info: vk::DebugUtilsObjectNameInfoEXT<'_>, name: &CStr| {
        // SAFETY: the object lives.
        unsafe { debug.set_debug_utils_object_name(&info.object_name(name)) }
    };
    let info = vk::DebugUtilsObjectNameInfoEXT::default();
    name(info.object_handle(stage.surface.raw()), c"surface")?;
    name(info.object_handle(swapchain.raw()), c"swapchain")?;
    for image in swapchain.images() {
        name(info.object_handle(*image), c"image")?;
    }
    let tag = vk::DebugUtilsObjectTagInfoEXT::default().tag_name(7).tag(b"tag");
    // SAFETY: the swapchain lives.
    unsafe { debug.set_debug_utils_object_tag(&tag.object_handle(swapchain.raw())) }?;
    stage.easel(&swapchain)?.show(&swapchain, 0)?;
    Ok(())
}

fn private_data(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let raw = stage.device.raw();
    let info = vk::PrivateDataSlotCreateInfo::default();
    // SAFETY: private data is enabled.
    let slot = unsafe { raw.create_private_data_slot(&info, None) }?;
    // SAFETY: the swapchain lives.
    unsafe { raw.set_private_data(swapchain.raw(), slot, 41) }?;
    // SAFETY: the image lives.
    unsafe { raw.set_private_data(swapchain.images()[0], slot, 42) }?;
    // SAFETY: as above.
    let one = unsafe { raw.get_private_data(swapchain.raw(), slot) };
    // SAFETY: as above.
    let two = unsafe { raw.get_private_data(swapchain.images()[0], slot) };
    // SAFETY: nobody else has the slot.
    unsafe { raw.destroy_private_data_slot(slot, None) };
    ensure!((one, two) == (41, 42), "read back {one} and {two}");
    // SAFETY: private data is enabled.
    let slot = unsafe { raw.create_private_data_slot(&info, None) }?;
    // SAFETY: the swapchain lives.
    let fresh = unsafe { raw.get_private_data(swapchain.raw(), slot) };
    // SAFETY: nobody else has the slot.
    unsafe { raw.destroy_private_data_slot(slot, None) };
    ensure!(fresh == 0, "a new slot holds {fresh}");
    Ok(())
}
