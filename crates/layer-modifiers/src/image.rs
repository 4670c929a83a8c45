//! Images: made with `LINEAR` below, bound plane by plane.

use ash::vk;
use zerohop_layer::{LayerError, chain, guard, guard_void, slice};

use crate::owners::Object;
use crate::shape::Shape;
use crate::state::Device;
use crate::{controls_of, physical};

type Explicit<'a> = vk::ImageDrmFormatModifierExplicitCreateInfoEXT<'a>;
type Wanted<'a> = vk::ImagePlaneMemoryRequirementsInfo<'a>;
type Bound<'a> = vk::BindImagePlaneMemoryInfo<'a>;

/// The planes of a modifier, in order.
const MEMORY_PLANES: [vk::ImageAspectFlags; 4] = [
    vk::ImageAspectFlags::MEMORY_PLANE_0_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_1_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_2_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_3_EXT,
];

/// The planes of a format, in order.
const PLANES: [vk::ImageAspectFlags; 3] =
    [vk::ImageAspectFlags::PLANE_0, vk::ImageAspectFlags::PLANE_1, vk::ImageAspectFlags::PLANE_2];

fn refused(what: impl Into<String>) -> LayerError {
    LayerError::refused(vk::Result::ERROR_VALIDATION_FAILED_EXT, what.into())
}

/// The memory plane that `aspect` names.
fn memory_plane(shape: &Shape, aspect: vk::ImageAspectFlags) -> Result<usize, LayerError> {
    let planes = MEMORY_PLANES.iter().take(shape.layouts.len());
    let found = planes.enumerate().find(|(_, plane)| **plane == aspect);
    let unknown = || refused(format!("{aspect:?} is no memory plane of the image"));
    found.map(|(plane, _)| plane).ok_or_else(unknown)
}

pub(crate) unsafe extern "system" fn create(
    device: vk::Device,
    info: *const vk::ImageCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    out: *mut vk::Image,
) -> vk::Result {
    guard("vkCreateImage", || {
        // SAFETY: VUID-vkCreateImage-device-parameter.
        let state = unsafe { Device::of(device) }?;
        // SAFETY: VUID-vkCreateImage-pCreateInfo-parameter.
        let info = unsafe { *info };
        let below = state.raw.fp_v1_0().create_image;
        // SAFETY: the chain is the caller's.
        let explicit = unsafe { chain::get::<Explicit<'_>>(info.p_next) };
        let ours = explicit.and_then(|it| Some((it, controls_of(it.drm_format_modifier)?)));
        let Some((explicit, controls)) = ours else {
            // SAFETY: the caller's arguments.
            let code = unsafe { below(device, &info, allocator, out) };
            if code == vk::Result::SUCCESS {
                // SAFETY: the driver has just written it.
                watch(&state, unsafe { *out }, &info);
            }
            return Ok(code);
        };
        let known = physical::linear(&state.instance, state.physical, info.format);
        let known = known.ok_or_else(|| refused(format!("{:?} with no modifier", info.format)))?;
        let count = explicit.drm_format_modifier_plane_count;
        // SAFETY: VUID-VkImageDrmFormatModifierExplicitCreateInfoEXT-pPlaneLayouts-parameter.
        let layouts = unsafe { slice(explicit.p_plane_layouts, count) };
        let planes = known.drm_format_modifier_plane_count;
        let shape = Shape::new(&info, (planes, controls), layouts)?;
        let kinds = [vk::StructureType::IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT];
        // SAFETY: the chain is the caller's.
        let rest = unsafe { chain::without(info.p_next, &kinds) };
        let mut linear = Explicit::default().plane_layouts(&shape.layouts[..shape.planes]);
        linear.p_next = rest.head();
        let down = vk::ImageCreateInfo { p_next: (&raw const linear).cast(), ..info };
        // SAFETY: the caller's arguments, with a chain that lives in this function.
        let code = unsafe { below(device, &down, allocator, out) };
        if code == vk::Result::SUCCESS {
            // SAFETY: the driver has just written it.
            let image = unsafe { *out };
            state.images().insert(image, shape.clone());
            watch(&state, image, &info);
        }
        Ok(code)
    })
}

/// Looks after an image that others may have too, unless all families share it.
fn watch(state: &Device, image: vk::Image, info: &vk::ImageCreateInfo<'_>) {
    // SAFETY: the chain is the caller's.
    let external = unsafe { chain::get::<vk::ExternalMemoryImageCreateInfo<'_>>(info.p_next) };
    let alone = info.sharing_mode == vk::SharingMode::EXCLUSIVE;
    if let Some(external) = external.filter(|_| alone) {
        state.owners().watch(Object::Image(image), external.handle_types);
    }
}

pub(crate) unsafe extern "system" fn destroy(
    device: vk::Device,
    image: vk::Image,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    guard_void("vkDestroyImage", || {
        // SAFETY: VUID-vkDestroyImage-device-parameter.
        let state = unsafe { Device::of(device) }?;
        state.images().remove(&image);
        state.owners().forget(Object::Image(image));
        // SAFETY: the caller's arguments.
        unsafe { (state.raw.fp_v1_0().destroy_image)(device, image, allocator) };
        Ok(())
    });
}

/// Counts the control planes of an image that is bound at once.
fn with_controls(shape: &Shape, needs: &mut vk::MemoryRequirements) {
    let ends = (shape.planes..shape.layouts.len()).map(|plane| shape.end(plane));
    needs.size = ends.fold(needs.size, u64::max);
}

pub(crate) unsafe extern "system" fn requirements(
    device: vk::Device,
    image: vk::Image,
    out: *mut vk::MemoryRequirements,
) {
    guard_void("vkGetImageMemoryRequirements", || {
        // SAFETY: VUID-vkGetImageMemoryRequirements-device-parameter.
        let state = unsafe { Device::of(device) }?;
        // SAFETY: the caller's arguments.
        unsafe { (state.raw.fp_v1_0().get_image_memory_requirements)(device, image, out) };
        if let Some(shape) = state.images().get(&image) {
            // SAFETY: VUID-vkGetImageMemoryRequirements-pMemoryRequirements-parameter.
            with_controls(shape, unsafe { &mut *out });
        }
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn requirements2(
    device: vk::Device,
    info: *const vk::ImageMemoryRequirementsInfo2<'_>,
    out: *mut vk::MemoryRequirements2<'_>,
) {
    guard_void("vkGetImageMemoryRequirements2", || {
        // SAFETY: VUID-vkGetImageMemoryRequirements2-device-parameter.
        let state = unsafe { Device::of(device) }?;
        // SAFETY: VUID-vkGetImageMemoryRequirements2-pInfo-parameter.
        let info = unsafe { *info };
        let ask = state.raw.fp_v1_1().get_image_memory_requirements2;
        let shape = state.images().get(&info.image).cloned();
        // SAFETY: the chain is the caller's.
        let wanted = unsafe { chain::get::<Wanted<'_>>(info.p_next) };
        let (Some(shape), Some(wanted)) = (&shape, wanted) else {
            // SAFETY: the caller's arguments.
            unsafe { ask(device, &info, out) };
            if let Some(shape) = &shape {
                // SAFETY: VUID-vkGetImageMemoryRequirements2-pMemoryRequirements-parameter.
                with_controls(shape, unsafe { &mut (*out).memory_requirements });
            }
            return Ok(());
        };
        // The validation layer asks for the format's planes as well.
        let formats = PLANES.iter().position(|plane| *plane == wanted.plane_aspect);
        let plane = formats.map_or_else(|| memory_plane(shape, wanted.plane_aspect), Ok)?;
        // A control plane is where one of the format's may be.
        let aspect = PLANES[plane % shape.planes];
        let mut named = Wanted::default().plane_aspect(aspect);
        let down = vk::ImageMemoryRequirementsInfo2::default().image(info.image);
        // SAFETY: the caller's image, and a chain that lives in this function.
        unsafe { ask(device, &down.push_next(&mut named), out) };
        // llvmpipe says for each plane what all of them need.
        // SAFETY: VUID-vkGetImageMemoryRequirements2-pMemoryRequirements-parameter.
        unsafe { (*out).memory_requirements.size = shape.end(plane) };
        Ok(())
    });
}

pub(crate) unsafe extern "system" fn bind(
    device: vk::Device,
    image: vk::Image,
    memory: vk::DeviceMemory,
    offset: vk::DeviceSize,
) -> vk::Result {
    guard("vkBindImageMemory", || {
        // SAFETY: VUID-vkBindImageMemory-device-parameter.
        let state = unsafe { Device::of(device) }?;
        if let Some(shape) = state.images().get(&image) {
            check(&state, shape, 0..shape.layouts.len(), memory)?;
        }
        // SAFETY: the caller's arguments.
        Ok(unsafe { (state.raw.fp_v1_0().bind_image_memory)(device, image, memory, offset) })
    })
}

/// Looks for the marks of `planes` in `memory`.
fn check(
    state: &Device,
    shape: &Shape,
    mut planes: std::ops::Range<usize>,
    memory: vk::DeviceMemory,
) -> Result<(), LayerError> {
    let all = state.memory();
    planes.try_for_each(|plane| shape.check(plane, all.get(&memory)))
}

pub(crate) unsafe extern "system" fn bind2(
    device: vk::Device,
    count: u32,
    infos: *const vk::BindImageMemoryInfo<'_>,
) -> vk::Result {
    guard("vkBindImageMemory2", || {
        // SAFETY: VUID-vkBindImageMemory2-device-parameter.
        let state = unsafe { Device::of(device) }?;
        // SAFETY: VUID-vkBindImageMemory2-pBindInfos-parameter.
        let infos = unsafe { slice(infos, count) };
        let mut named = Vec::with_capacity(infos.len());
        let mut down = Vec::with_capacity(infos.len());
        for info in infos {
            let images = state.images();
            let Some(shape) = images.get(&info.image) else {
                down.push(*info);
                continue;
            };
            // SAFETY: the chain is the caller's.
            let plane = unsafe { chain::get::<Bound<'_>>(info.p_next) };
            let Some(plane) = plane.filter(|_| shape.disjoint) else {
                check(&state, shape, 0..shape.layouts.len(), info.memory)?;
                down.push(*info);
                continue;
            };
            let plane = memory_plane(shape, plane.plane_aspect)?;
            check(&state, shape, plane..plane + 1, info.memory)?;
            if plane < shape.planes {
                named.push(Box::new(Bound::default().plane_aspect(PLANES[plane])));
                let p_next = named.last().map_or(std::ptr::null(), |one| &raw const **one);
                down.push(vk::BindImageMemoryInfo { p_next: p_next.cast(), ..*info });
            }
        }
        whole(&state, infos)?;
        let count = down.len() as u32;
        // SAFETY: the caller's arguments, with chains that live in this function.
        Ok(unsafe { (state.raw.fp_v1_1().bind_image_memory2)(device, count, down.as_ptr()) })
    })
}

/// Whether all memory planes of each disjoint image are bound at once
/// (VUID-vkBindImageMemory2-pBindInfos-02858).
fn whole(state: &Device, infos: &[vk::BindImageMemoryInfo<'_>]) -> Result<(), LayerError> {
    for info in infos {
        let bound = infos.iter().filter(|other| other.image == info.image).count();
        let needed = match state.images().get(&info.image) {
            Some(shape) if shape.disjoint => shape.layouts.len(),
            _ => 1,
        };
        if bound != needed {
            return Err(refused(format!("{bound} memory planes are bound of {needed}")));
        }
    }
    Ok(())
}
