//! How the images of a swapchain are made, decided once from what the application asked for.

use arrayvec::ArrayVec;
use ash::vk;
use zerohop_frame::{Color, Extent, Fourcc, MAX_VIEW_FORMATS};
use zerohop_layer::{LayerError, chain};

use super::format;
use super::pace::Mode;
use crate::newer;

/// The fewest images of a swapchain: one on screen, one with the reader, one waiting, one with the
/// application. Browsers acquire the next image right after presenting.
const COMFORTABLE_COUNT: u32 = 4;

/// How the memory of images leaves the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Export {
    /// As `VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT`.
    Opaque,
    /// As a dma-buf in one of these modifiers.
    DmaBuf(Vec<u64>),
    /// Not itself: each picture is copied into shared memory.
    Copied {
        /// By whom.
        way: Way,
        /// Why the image itself cannot leave.
        why: String,
    },
    /// Not at all, because of this.
    Nothing(&'static str),
}

/// Who copies a picture into shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The GPU alone: it takes the shared memory for its own.
    Imported,
    /// The GPU into memory of its own, and from there the CPU.
    Mapped,
}

/// What all images of one swapchain have in common.
#[derive(Clone, Debug)]
pub(crate) struct ImagePlan {
    /// `VkImageCreateInfo::format`.
    pub(crate) format: vk::Format,
    /// Width and height in pixels.
    pub(crate) extent: vk::Extent2D,
    /// `VkImageCreateInfo::arrayLayers`.
    pub(crate) array_layers: u32,
    /// What the application asked for, and for the host `TRANSFER_SRC` and, where the device lets
    /// such images out, `SAMPLED`.
    pub(crate) usage: vk::ImageUsageFlags,
    /// `VkImageCreateInfo::tiling` of what is not a dma-buf.
    pub(crate) tiling: vk::ImageTiling,
    /// `VkImageCreateInfo::flags`.
    pub(crate) flags: vk::ImageCreateFlags,
    /// The queue families that share the images; empty when one at a time owns them.
    pub(crate) families: Vec<u32>,
    /// `VkImageFormatListCreateInfo`; empty when there is none.
    pub(crate) view_formats: ArrayVec<vk::Format, MAX_VIEW_FORMATS>,
    /// How the memory leaves. Chosen by [`settle`](Self::settle) from all of the above.
    pub(crate) export: Export,
}

/// What else a swapchain is made with.
#[derive(Clone, Debug)]
pub(crate) struct SwapchainPlan {
    /// Its images.
    pub(crate) image: ImagePlan,
    /// How many of them.
    pub(crate) count: u32,
    /// The present mode to begin with.
    pub(crate) mode: Mode,
    /// The modes that a present may change to (`VkSwapchainPresentModesCreateInfoEXT`).
    pub(crate) modes: Vec<vk::PresentModeKHR>,
    /// The format for the host, if DRM has a name for it.
    pub(crate) fourcc: Option<Fourcc>,
    /// What the codes mean.
    pub(crate) color: Color,
    /// Whether an image gets its memory when it is first acquired
    /// (`VK_SWAPCHAIN_CREATE_DEFERRED_MEMORY_ALLOCATION_BIT_EXT`).
    pub(crate) deferred: bool,
}

/// `VK_SWAPCHAIN_CREATE_*` as far as we know them.
const KNOWN_FLAGS: vk::SwapchainCreateFlagsKHR = vk::SwapchainCreateFlagsKHR::from_raw(
    vk::SwapchainCreateFlagsKHR::SPLIT_INSTANCE_BIND_REGIONS.as_raw()
        | vk::SwapchainCreateFlagsKHR::MUTABLE_FORMAT.as_raw()
        | vk::SwapchainCreateFlagsKHR::DEFERRED_MEMORY_ALLOCATION_EXT.as_raw()
        | newer::PRESENT_ID_2.as_raw()
        | newer::PRESENT_WAIT_2.as_raw(),
);

impl SwapchainPlan {
    /// What `info` asks for, as far as we can do it.
    ///
    /// # Errors
    ///
    /// [`LayerError::Refused`] with `VK_ERROR_INITIALIZATION_FAILED` for what we cannot.
    pub(crate) fn new(info: &vk::SwapchainCreateInfoKHR<'_>) -> Result<Self, LayerError> {
        let unknown = info.flags & !KNOWN_FLAGS;
        if !unknown.is_empty() {
            return Err(cannot(format!("create a swapchain with flags {unknown:?}")));
        }
        let extent = info.image_extent;
        if extent.width == 0 || extent.height == 0 || info.image_array_layers == 0 {
            let (width, height, layers) = (extent.width, extent.height, info.image_array_layers);
            return Err(cannot(format!(
                "create images of {width}x{height} pixels in {layers} layers"
            )));
        }
        let opaque = info.composite_alpha == vk::CompositeAlphaFlagsKHR::OPAQUE;
        Ok(Self {
            image: ImagePlan::new(info),
            count: info.min_image_count.max(COMFORTABLE_COUNT),
            mode: mode(info.present_mode)?,
            modes: modes(info)?,
            fourcc: format::fourcc(info.image_format, opaque),
            color: format::color(info.image_color_space),
            deferred: info
                .flags
                .contains(vk::SwapchainCreateFlagsKHR::DEFERRED_MEMORY_ALLOCATION_EXT),
        })
    }
}

/// The pacing of a Vulkan present mode.
///
/// # Errors
///
/// [`LayerError::Refused`] for the shared ones.
pub(crate) fn mode(mode: vk::PresentModeKHR) -> Result<Mode, LayerError> {
    match mode {
        vk::PresentModeKHR::IMMEDIATE => Ok(Mode::Immediate),
        vk::PresentModeKHR::MAILBOX => Ok(Mode::Mailbox),
        vk::PresentModeKHR::FIFO => Ok(Mode::Fifo),
        vk::PresentModeKHR::FIFO_RELAXED => Ok(Mode::FifoRelaxed),
        other => Err(cannot(format!("present in mode {other:?}"))),
    }
}

fn modes(info: &vk::SwapchainCreateInfoKHR<'_>) -> Result<Vec<vk::PresentModeKHR>, LayerError> {
    // SAFETY: VUID-VkSwapchainCreateInfoKHR-pNext-pNext.
    let listed = unsafe { chain::get::<vk::SwapchainPresentModesCreateInfoEXT<'_>>(info.p_next) };
    let Some(listed) = listed else { return Ok(vec![info.present_mode]) };
    // SAFETY: VUID-VkSwapchainPresentModesCreateInfoEXT-pPresentModes-parameter.
    let modes = unsafe { slice(listed.p_present_modes, listed.present_mode_count) };
    modes.iter().try_for_each(|&one| mode(one).map(drop))?;
    Ok(modes.to_vec())
}

impl ImagePlan {
    fn new(info: &vk::SwapchainCreateInfoKHR<'_>) -> Self {
        let families = match info.image_sharing_mode {
            // SAFETY: VUID-VkSwapchainCreateInfoKHR-imageSharingMode-01277.
            vk::SharingMode::CONCURRENT => unsafe {
                slice(info.p_queue_family_indices, info.queue_family_index_count)
            },
            _ => &[],
        };
        let (flags, view_formats) = views(info);
        Self {
            format: info.image_format,
            extent: info.image_extent,
            array_layers: info.image_array_layers,
            usage: info.image_usage | vk::ImageUsageFlags::TRANSFER_SRC,
            tiling: vk::ImageTiling::OPTIMAL,
            flags,
            families: families.to_vec(),
            view_formats,
            export: Export::Nothing("not chosen"),
        }
    }

    /// Width and height in the words of the house.
    pub(crate) fn size(&self) -> Extent {
        Extent { width: self.extent.width, height: self.extent.height }
    }

    /// `VkImageCreateInfo` without its chain.
    pub(crate) fn base(&self) -> vk::ImageCreateInfo<'_> {
        let sharing = match self.families.is_empty() {
            true => vk::SharingMode::EXCLUSIVE,
            false => vk::SharingMode::CONCURRENT,
        };
        let tiling = match self.export {
            Export::DmaBuf(_) => vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT,
            _ => self.tiling,
        };
        vk::ImageCreateInfo::default()
            .flags(self.flags)
            .image_type(vk::ImageType::TYPE_2D)
            .format(self.format)
            .extent(self.extent.into())
            .mip_levels(1)
            .array_layers(self.array_layers)
            .samples(vk::SampleCountFlags::TYPE_1)
            .tiling(tiling)
            .usage(self.usage)
            .sharing_mode(sharing)
            .queue_family_indices(&self.families)
            .initial_layout(vk::ImageLayout::UNDEFINED)
    }
}

impl ImagePlan {
    /// The same, of images that may also be viewed as the words of their pixels. `None` where there is
    /// no format for these, and no room in the list.
    pub(super) fn with_words(mut self) -> Option<Self> {
        let words = format::words(self.format)?;
        if self.flags.contains(vk::ImageCreateFlags::MUTABLE_FORMAT) && self.view_formats.is_empty()
        {
            // Any compatible format may be viewed.
            return Some(self);
        }
        self.flags |= vk::ImageCreateFlags::MUTABLE_FORMAT;
        for format in [self.format, words] {
            if !self.view_formats.contains(&format) {
                self.view_formats.try_push(format).ok()?;
            }
        }
        Some(self)
    }
}

/// The flags and view formats that follow from the swapchain's ("Swapchain image creation
/// parameters" in the chapter on WSI), and a UNORM view for the host where the format is sRGB.
fn views(
    info: &vk::SwapchainCreateInfoKHR<'_>,
) -> (vk::ImageCreateFlags, ArrayVec<vk::Format, MAX_VIEW_FORMATS>) {
    let mut flags = vk::ImageCreateFlags::empty();
    if info.flags.contains(vk::SwapchainCreateFlagsKHR::SPLIT_INSTANCE_BIND_REGIONS) {
        flags |= vk::ImageCreateFlags::SPLIT_INSTANCE_BIND_REGIONS;
    }
    let mutable = info.flags.contains(vk::SwapchainCreateFlagsKHR::MUTABLE_FORMAT);
    let twin = format::unorm_twin(info.image_format);
    if !mutable && twin.is_none() {
        return (flags, ArrayVec::new());
    }
    flags |= vk::ImageCreateFlags::MUTABLE_FORMAT;
    if mutable {
        flags |= vk::ImageCreateFlags::EXTENDED_USAGE;
    }
    let listed = if mutable { format_list(info) } else { &[] };
    if mutable && listed.is_empty() {
        // Any compatible format may be viewed, the twin too.
        return (flags, ArrayVec::new());
    }
    let mut all = ArrayVec::new();
    for format in listed.iter().copied().chain([info.image_format]).chain(twin) {
        if !all.contains(&format) && all.try_push(format).is_err() {
            // A list is a promise that makes drivers faster; without one they allow everything.
            all.clear();
            break;
        }
    }
    (flags, all)
}

fn format_list<'a>(info: &'a vk::SwapchainCreateInfoKHR<'_>) -> &'a [vk::Format] {
    // SAFETY: VUID-VkSwapchainCreateInfoKHR-pNext-pNext.
    let list = unsafe { chain::get::<vk::ImageFormatListCreateInfo<'_>>(info.p_next) };
    list.map_or(&[], |list| {
        // SAFETY: VUID-VkImageFormatListCreateInfo-pViewFormats-parameter.
        unsafe { slice(list.p_view_formats, list.view_format_count) }
    })
}

/// An array of the application's, which may be null when it is empty.
///
/// # Safety
///
/// `first` points to `count` values that live for `'a`, or `count` is 0.
pub(crate) unsafe fn slice<'a, T>(first: *const T, count: u32) -> &'a [T] {
    if first.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(first, count as usize) }
}

fn cannot(what: String) -> LayerError {
    LayerError::refused(vk::Result::ERROR_INITIALIZATION_FAILED, format!("cannot {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> vk::SwapchainCreateInfoKHR<'static> {
        vk::SwapchainCreateInfoKHR::default()
            .min_image_count(2)
            .image_format(vk::Format::B8G8R8A8_UNORM)
            .image_extent(vk::Extent2D { width: 3, height: 2 })
            .image_array_layers(1)
            .image_usage(vk::ImageUsageFlags::COLOR_ATTACHMENT)
            .composite_alpha(vk::CompositeAlphaFlagsKHR::OPAQUE)
            .present_mode(vk::PresentModeKHR::FIFO)
    }

    #[test]
    fn an_srgb_image_can_always_be_read_as_unorm() {
        let plan = SwapchainPlan::new(&info().image_format(vk::Format::B8G8R8A8_SRGB)).unwrap();
        assert!(plan.image.flags.contains(vk::ImageCreateFlags::MUTABLE_FORMAT));
        let views = [vk::Format::B8G8R8A8_SRGB, vk::Format::B8G8R8A8_UNORM];
        assert_eq!(plan.image.view_formats[..], views);
        let plain = SwapchainPlan::new(&info()).unwrap().image;
        assert!(plain.flags.is_empty() && plain.view_formats.is_empty());
    }

    #[test]
    fn a_mutable_swapchain_keeps_its_list_and_gains_the_twin() {
        let formats = [vk::Format::R8G8B8A8_UINT, vk::Format::R8G8B8A8_SRGB];
        let mut list = vk::ImageFormatListCreateInfo::default().view_formats(&formats);
        let info = info()
            .flags(vk::SwapchainCreateFlagsKHR::MUTABLE_FORMAT)
            .image_format(vk::Format::R8G8B8A8_SRGB)
            .push_next(&mut list);
        let plan = SwapchainPlan::new(&info).unwrap();
        assert!(plan.image.flags.contains(vk::ImageCreateFlags::EXTENDED_USAGE));
        assert_eq!(plan.image.view_formats[..2], formats);
        assert_eq!(plan.image.view_formats[2..], [vk::Format::R8G8B8A8_UNORM]);
    }

    #[test]
    fn words_are_one_more_view_of_what_can_be_viewed_anyway() {
        let plain = SwapchainPlan::new(&info()).unwrap().image.with_words().unwrap();
        assert!(plain.flags.contains(vk::ImageCreateFlags::MUTABLE_FORMAT));
        assert_eq!(plain.view_formats[..], [vk::Format::B8G8R8A8_UNORM, vk::Format::R32_UINT]);
        let srgb = info().image_format(vk::Format::B8G8R8A8_SRGB);
        let srgb = SwapchainPlan::new(&srgb).unwrap().image.with_words().unwrap();
        assert_eq!(srgb.view_formats.len(), 3);
        let any = info().flags(vk::SwapchainCreateFlagsKHR::MUTABLE_FORMAT);
        let any = SwapchainPlan::new(&any).unwrap().image.with_words().unwrap();
        assert!(any.view_formats.is_empty());
        let short = info().image_format(vk::Format::R5G6B5_UNORM_PACK16);
        assert!(SwapchainPlan::new(&short).unwrap().image.with_words().is_none());
    }

    #[test]
    fn never_fewer_images_than_asked_for() {
        assert_eq!(SwapchainPlan::new(&info()).unwrap().count, 4);
        assert_eq!(SwapchainPlan::new(&info().min_image_count(7)).unwrap().count, 7);
    }

    #[test]
    fn what_we_cannot_do_is_refused_with_its_name() {
        let protected = info().flags(vk::SwapchainCreateFlagsKHR::PROTECTED);
        let err = SwapchainPlan::new(&protected).unwrap_err();
        assert_eq!(err.to_string(), "cannot create a swapchain with flags PROTECTED");
        let err = SwapchainPlan::new(&info().image_extent(vk::Extent2D::default())).unwrap_err();
        assert_eq!(err.to_string(), "cannot create images of 0x0 pixels in 1 layers");
        let shared = info().present_mode(vk::PresentModeKHR::SHARED_DEMAND_REFRESH);
        assert_eq!(
            SwapchainPlan::new(&shared).unwrap_err().code(),
            vk::Result::ERROR_INITIALIZATION_FAILED
        );
    }

    #[test]
    fn the_host_can_copy_from_every_image() {
        let plan = SwapchainPlan::new(&info()).unwrap().image;
        let usage = vk::ImageUsageFlags::COLOR_ATTACHMENT | vk::ImageUsageFlags::TRANSFER_SRC;
        assert_eq!(plan.usage, usage);
    }
}
