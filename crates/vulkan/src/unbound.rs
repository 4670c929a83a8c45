//! Images that have no memory yet.

use std::sync::Arc;

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{Extent, Fourcc, MAX_PLANES, Modifier, OpaqueImage};

use crate::error::Doing;
use crate::holds::Holds;
use crate::memory::Dedicated;
use crate::pixels::Mapping;
use crate::{Device, Error, Memory, PixelFormat};

/// A `VkImage` that has no memory yet.
pub(crate) struct UnboundImage {
    device: Arc<Device>,
    raw: vk::Image,
    usage: vk::ImageUsageFlags,
    /// How many planes of tiling `LINEAR` it has: none where the tiling is another.
    linear: usize,
    /// Where the rows of each plane lie, when its maker says so and not the driver.
    given: ArrayVec<vk::SubresourceLayout, MAX_PLANES>,
}

/// An image with its memory: one piece, or one for each memory plane.
pub(crate) struct Bound {
    // Destroyed before its memory: fields drop in order.
    pub(crate) image: UnboundImage,
    pub(crate) memory: ArrayVec<Memory, MAX_PLANES>,
}

impl Bound {
    /// Where the CPU reads each plane in place: on a CPU device, if it is known where the rows lie.
    pub(crate) fn map(&self) -> Result<ArrayVec<Mapping, MAX_PLANES>, Error> {
        if !self.image.device.is_cpu() || !self.memory.iter().all(Memory::is_plain) {
            return Ok(ArrayVec::new());
        }
        let rows = self.image.rows();
        if rows.is_empty() {
            return Ok(ArrayVec::new());
        }
        let starts: ArrayVec<_, MAX_PLANES> =
            self.memory.iter().map(Memory::map).collect::<Result<_, _>>()?;
        let all = rows.iter().enumerate().map(|(plane, rows)| {
            let object = plane.min(starts.len() - 1);
            let (offset, stride) = (rows.offset as usize, rows.row_pitch as usize);
            let size = usize::try_from(self.memory[object].size()).unwrap_or(0);
            // SAFETY: a layout that the driver made or took, of an image that fits the memory.
            let pointer = unsafe { starts[object].add(offset) };
            let length = size.saturating_sub(offset);
            Mapping { pointer: pointer.cast_const(), length, stride }
        });
        Ok(all.collect())
    }
}

/// The tiling of images whose descriptor has a modifier for it.
const NAMED: vk::ImageTiling = vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT;

/// The flags that an opaque image may have; others ask for features that we do not enable.
const FLAGS: vk::ImageCreateFlags = vk::ImageCreateFlags::from_raw(
    vk::ImageCreateFlags::MUTABLE_FORMAT.as_raw()
        | vk::ImageCreateFlags::EXTENDED_USAGE.as_raw()
        | vk::ImageCreateFlags::ALIAS.as_raw()
        | vk::ImageCreateFlags::SPLIT_INSTANCE_BIND_REGIONS.as_raw(),
);

/// The usages that an opaque image may have: all of Vulkan 1.0.
const USAGES: u32 = 0xff;

/// The formats of Vulkan 1.0, which a list of view formats may name.
const FORMATS: std::ops::RangeInclusive<i32> = 1..=184;

impl UnboundImage {
    /// The image that `opaque` describes, and `modifier` where its tiling has a name. Its numbers may
    /// come from a stranger: what the device does not promise to take never reaches `vkCreateImage`.
    pub(crate) fn opaque(
        device: &Arc<Device>,
        extent: Extent,
        holds: &Holds,
        opaque: &OpaqueImage,
        modifier: Modifier,
    ) -> Result<Self, Error> {
        let format = vk::Format::from_raw(opaque.format.cast_signed());
        holds.check(format)?;
        let views: ArrayVec<_, { zerohop_frame::MAX_VIEW_FORMATS }> = opaque
            .view_formats
            .iter()
            .map(|&raw| vk::Format::from_raw(raw.cast_signed()))
            .collect();
        let families = families(device, opaque.queue_families)?;
        let flags = vk::ImageCreateFlags::from_raw(opaque.flags);
        check_views(format, &holds.views(), flags, &views)?;
        let mut external = vk::ExternalMemoryImageCreateInfo::default()
            .handle_types(vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD);
        let mut list = vk::ImageFormatListCreateInfo::default().view_formats(&views);
        let mut info = create_info(extent, format)
            .flags(flags)
            .usage(vk::ImageUsageFlags::from_raw(opaque.usage))
            .tiling(vk::ImageTiling::from_raw(opaque.tiling.cast_signed()))
            .array_layers(opaque.array_layers)
            .push_next(&mut external);
        if !families.is_empty() {
            info = info.sharing_mode(vk::SharingMode::CONCURRENT).queue_family_indices(&families);
        }
        if !views.is_empty() {
            info = info.push_next(&mut list);
        }
        let modifiers = [modifier.0];
        let mut named =
            vk::ImageDrmFormatModifierListCreateInfoEXT::default().drm_format_modifiers(&modifiers);
        if info.tiling == NAMED {
            info = info.push_next(&mut named);
        }
        check_support(device, &info, (&views, &families, modifier), extent)?;
        let mut image = Self::create(device, &info)?;
        image.linear *= holds.planes();
        Ok(image)
    }

    /// The plainest image of these pixels whose memory stays here: what pictures are copied to.
    pub(crate) fn plain(
        device: &Arc<Device>,
        extent: Extent,
        pixels: PixelFormat,
    ) -> Result<Self, Error> {
        let info = create_info(extent, pixels.raw()).usage(PLAIN);
        let query = vk::PhysicalDeviceImageFormatInfo2::default()
            .format(info.format)
            .ty(info.image_type)
            .tiling(info.tiling)
            .usage(info.usage);
        let mut found = vk::ImageFormatProperties2::default();
        let (instance, physical) = (device.instance(), device.physical().raw);
        // SAFETY: `physical` is of this instance.
        unsafe {
            instance.get_physical_device_image_format_properties2(physical, &query, &mut found)
        }
        .doing("ask for images of this format")?;
        let most = found.image_format_properties.max_extent;
        if extent.width > most.width || extent.height > most.height {
            return Err(Error::Unsupported("a picture larger than images of the device"));
        }
        Self::create(device, &info)
    }

    pub(crate) fn create(
        device: &Arc<Device>,
        info: &vk::ImageCreateInfo<'_>,
    ) -> Result<Self, Error> {
        // SAFETY: callers chain only structures that live through the call, and asked the device
        // whether it takes the numbers.
        let raw = unsafe { device.raw().create_image(info, None) }.doing("create an image")?;
        let linear = usize::from(info.tiling == vk::ImageTiling::LINEAR);
        let (device, given) = (Arc::clone(device), ArrayVec::new());
        Ok(Self { device, raw, usage: info.usage, linear, given })
    }

    /// Remembers where the rows of each plane lie.
    pub(crate) fn with_rows(mut self, given: ArrayVec<vk::SubresourceLayout, MAX_PLANES>) -> Self {
        self.given = given;
        self
    }

    /// Gives the image its memory.
    pub(crate) fn bind(self, memory: Memory) -> Result<Bound, Error> {
        let raw = memory.raw();
        // SAFETY: `self` has no memory yet, and `memory` was made for it.
        unsafe { self.device.raw().bind_image_memory(self.raw, raw, 0) }.doing("bind memory")?;
        Ok(Bound { image: self, memory: ArrayVec::from_iter([memory]) })
    }

    pub(crate) fn device(&self) -> &Arc<Device> {
        &self.device
    }

    pub(crate) fn raw(&self) -> vk::Image {
        self.raw
    }

    pub(crate) fn usage(&self) -> vk::ImageUsageFlags {
        self.usage
    }

    pub(crate) fn requirements(&self) -> vk::MemoryRequirements {
        // SAFETY: the image is alive and not disjoint.
        unsafe { self.device.raw().get_image_memory_requirements(self.raw) }
    }

    pub(crate) fn dedicated(&self, dedicated: bool) -> Dedicated {
        if dedicated { Dedicated::Image(self.raw) } else { Dedicated::No }
    }

    /// Where the rows of each plane lie; nothing when only the driver knows.
    pub(crate) fn rows(&self) -> ArrayVec<vk::SubresourceLayout, MAX_PLANES> {
        const PLANES: [vk::ImageAspectFlags; 3] = [
            vk::ImageAspectFlags::PLANE_0,
            vk::ImageAspectFlags::PLANE_1,
            vk::ImageAspectFlags::PLANE_2,
        ];
        let rows = |aspect: &vk::ImageAspectFlags| {
            let part = vk::ImageSubresource::default().aspect_mask(*aspect);
            // SAFETY: the tiling is LINEAR, and the image has this plane
            // (VUID-vkGetImageSubresourceLayout-image-07790, -tiling-08717).
            unsafe { self.device.raw().get_image_subresource_layout(self.raw, part) }
        };
        match self.linear {
            0 => self.given.clone(),
            1 => [vk::ImageAspectFlags::COLOR].iter().map(rows).collect(),
            planes => PLANES.iter().take(planes).map(rows).collect(),
        }
    }
}

impl Drop for UnboundImage {
    fn drop(&mut self) {
        // SAFETY: a recording that uses the image keeps it until its submission is done.
        unsafe { self.device.raw().destroy_image(self.raw, None) };
    }
}

/// What the plainest image is used for: read by shaders and copies, and copied to.
const PLAIN: vk::ImageUsageFlags = vk::ImageUsageFlags::from_raw(
    vk::ImageUsageFlags::SAMPLED.as_raw()
        | vk::ImageUsageFlags::TRANSFER_SRC.as_raw()
        | vk::ImageUsageFlags::TRANSFER_DST.as_raw(),
);

/// The plainest image of these pixels: tiled as the driver likes, read by shaders and copies.
pub fn opaque_of(format: PixelFormat) -> OpaqueImage {
    OpaqueImage {
        format: format.vk_format(),
        usage: PLAIN.as_raw(),
        array_layers: 1,
        dedicated: true,
        ..OpaqueImage::default()
    }
}

/// As [`opaque_of`], tiled as a modifier says, which is to be the descriptor's.
pub fn opaque_tiled(format: PixelFormat) -> OpaqueImage {
    OpaqueImage { tiling: NAMED.as_raw().cast_unsigned(), ..opaque_of(format) }
}

/// As [`opaque_of`], and shaders may see the words of its pixels ([`Sight::Words`](crate::Sight)).
pub fn opaque_of_words(format: PixelFormat) -> OpaqueImage {
    let plain = opaque_of(format);
    let Some(words) = format.words() else { return plain };
    let views = [format.raw(), words].map(|view| view.as_raw().cast_unsigned());
    let flags = vk::ImageCreateFlags::MUTABLE_FORMAT.as_raw();
    OpaqueImage { flags, view_formats: views.into_iter().collect(), ..plain }
}

/// The plainest image of all planes of a picture of `extent`.
///
/// # Errors
///
/// [`Error::Format`] where no image holds all planes, [`Error::Odd`].
pub fn opaque_for(device: &Device, fourcc: Fourcc, extent: Extent) -> Result<OpaqueImage, Error> {
    let (format, views) = Holds::of(device, fourcc, extent)?.formats();
    let planes = if views.is_empty() { NO_FLAGS } else { vk::ImageCreateFlags::MUTABLE_FORMAT };
    Ok(OpaqueImage {
        format: format.as_raw().cast_unsigned(),
        flags: planes.as_raw(),
        usage: PLAIN.as_raw(),
        array_layers: 1,
        dedicated: true,
        ..OpaqueImage::default()
    })
}

const NO_FLAGS: vk::ImageCreateFlags = vk::ImageCreateFlags::empty();

/// What every image of a picture has in common.
pub(crate) fn create_info(extent: Extent, format: vk::Format) -> vk::ImageCreateInfo<'static> {
    let Extent { width, height } = extent;
    vk::ImageCreateInfo::default()
        .image_type(vk::ImageType::TYPE_2D)
        .format(format)
        .extent(vk::Extent3D { width, height, depth: 1 })
        .mip_levels(1)
        .array_layers(1)
        .samples(vk::SampleCountFlags::TYPE_1)
}

/// The families in `mask`, none for an image that one at a time owns. Ours must be among several
/// (VUID-VkImageCreateInfo-sharingMode-00942, VUID-VkImageCreateInfo-sharingMode-01420).
fn families(device: &Device, mask: u32) -> Result<ArrayVec<u32, 32>, Error> {
    let all: ArrayVec<u32, 32> = (0..u32::BITS).filter(|family| mask >> family & 1 == 1).collect();
    let known = all.last().is_none_or(|last| *last < device.family_count());
    let shared = all.len() >= 2 && all.contains(&device.family());
    if mask == 0 || known && shared {
        return Ok(all);
    }
    Err(Error::Unsupported("an image that is shared by other queue families"))
}

/// Whether a list of view formats allows one. None allows all.
fn lists(views: &[vk::Format], view: vk::Format) -> bool {
    views.is_empty() || views.contains(&view)
}

/// Whether an image that was made by `opaque` may be viewed as another `format` of its class.
pub(crate) fn may_view(opaque: &OpaqueImage, format: vk::Format) -> bool {
    let flags = vk::ImageCreateFlags::from_raw(opaque.flags);
    let views = opaque.view_formats.iter().map(|raw| vk::Format::from_raw(raw.cast_signed()));
    flags.contains(vk::ImageCreateFlags::MUTABLE_FORMAT)
        && lists(&views.collect::<ArrayVec<_, { zerohop_frame::MAX_VIEW_FORMATS }>>(), format)
}

/// Whether the raw codes of an image can be viewed: as `raws`, one for each plane.
fn check_views(
    format: vk::Format,
    raws: &[vk::Format],
    flags: vk::ImageCreateFlags,
    views: &[vk::Format],
) -> Result<(), Error> {
    let mutable = flags.contains(vk::ImageCreateFlags::MUTABLE_FORMAT);
    let viewable = |raw| format == raw || mutable && lists(views, raw);
    if !raws.iter().all(|&raw| viewable(raw)) {
        return Err(Error::NoRawView(format.as_raw()));
    }
    if views.len() > 1 && !mutable {
        return Err(Error::Unsupported("view formats of an image that is not mutable"));
    }
    Ok(())
}

/// Whether all numbers are such that the device may be asked for the image.
fn may_be_asked(
    device: &Device,
    info: &vk::ImageCreateInfo<'_>,
    views: &[vk::Format],
    modifier: Modifier,
) -> bool {
    // VUID-VkPhysicalDeviceImageFormatInfo2-tiling-02313.
    let open = info.flags.contains(vk::ImageCreateFlags::MUTABLE_FORMAT) && views.is_empty();
    let tiled = match info.tiling {
        NAMED => !open && device.takes_modifier(info.format, modifier),
        other => [vk::ImageTiling::OPTIMAL, vk::ImageTiling::LINEAR].contains(&other),
    };
    let known = FLAGS.contains(info.flags) && info.usage.as_raw() & !USAGES == 0;
    let listed = views.iter().all(|view| FORMATS.contains(&view.as_raw()) || *view == info.format);
    tiled && known && listed && !info.usage.is_empty() && info.array_layers > 0
}

/// Asks the device whether it takes such an image, and its memory as an opaque handle.
fn check_support(
    device: &Device,
    info: &vk::ImageCreateInfo<'_>,
    (views, families, modifier): (&[vk::Format], &[u32], Modifier),
    extent: Extent,
) -> Result<(), Error> {
    let refused = || Error::NotImportable {
        what: "opaque memory",
        format: info.format.as_raw(),
        tiling: info.tiling.as_raw(),
        usage: info.usage.as_raw(),
    };
    if !may_be_asked(device, info, views, modifier) {
        return Err(refused());
    }
    let mut external = vk::PhysicalDeviceExternalImageFormatInfo::default()
        .handle_type(vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD);
    let mut list = vk::ImageFormatListCreateInfo::default().view_formats(views);
    let mut query = vk::PhysicalDeviceImageFormatInfo2::default()
        .format(info.format)
        .ty(info.image_type)
        .tiling(info.tiling)
        .usage(info.usage)
        .flags(info.flags)
        .push_next(&mut external);
    if !views.is_empty() {
        query = query.push_next(&mut list);
    }
    // VUID-VkPhysicalDeviceImageDrmFormatModifierInfoEXT-sharingMode-02314, -02315.
    let mut named = vk::PhysicalDeviceImageDrmFormatModifierInfoEXT::default()
        .drm_format_modifier(modifier.0)
        .sharing_mode(info.sharing_mode)
        .queue_family_indices(families);
    if info.tiling == NAMED {
        query = query.push_next(&mut named);
    }
    let limits = supported(device, &query).ok_or_else(refused)?;
    let fits = extent.width <= limits.max_extent.width
        && extent.height <= limits.max_extent.height
        && info.array_layers <= limits.max_array_layers;
    if fits { Ok(()) } else { Err(refused()) }
}

/// The limits of an image whose external memory can be imported; `None` when it cannot.
pub(crate) fn supported(
    device: &Device,
    query: &vk::PhysicalDeviceImageFormatInfo2<'_>,
) -> Option<vk::ImageFormatProperties> {
    let mut external = vk::ExternalImageFormatProperties::default();
    let mut found = vk::ImageFormatProperties2::default().push_next(&mut external);
    let (instance, physical) = (device.instance(), device.physical().raw);
    // SAFETY: `physical` is of this instance, and both chains live through the call.
    unsafe { instance.get_physical_device_image_format_properties2(physical, query, &mut found) }
        .ok()?;
    let limits = found.image_format_properties;
    let features = external.external_memory_properties.external_memory_features;
    features.contains(vk::ExternalMemoryFeatureFlags::IMPORTABLE).then_some(limits)
}
