//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use crate::pattern::Scene;
use ash::vk;
use clap::{Args, Parser, Subcommand, ValueEnum};
use zerohop_frame::{Extent, Rect};

/// Draws numbered pictures with Vulkan, or checks captured ones.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) play: Play,
}

/// What else the program does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Looks at captured pictures. Exits with 1 when one is wrong, torn or out of order, and
    /// unless allowed, when one is missing or seen twice.
    Check(Check),
    /// Prints the instance extensions that an application sees before it has an instance.
    Extensions,
}

/// What is checked.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// A directory of PNG files, taken in the order of their names.
    pub(super) dir: PathBuf,
    /// How many pictures there should be, numbered from `first`.
    #[arg(long)]
    pub(super) frames: u32,
    /// The first number.
    #[arg(long, default_value_t = 0)]
    pub(super) first: u32,
    /// Format that the application drew in.
    #[arg(long, default_value = "bgra8-unorm")]
    pub(super) format: Format,
    /// The part that moves, where the application was started with `--damage`.
    #[arg(long, value_name = "WxH+X+Y")]
    pub(super) damage: Option<Part>,
    /// Missing pictures are fine.
    #[arg(long)]
    pub(super) missing: bool,
    /// Pictures seen twice are fine.
    #[arg(long)]
    pub(super) twice: bool,
    /// Compare alpha too.
    #[arg(long)]
    pub(super) alpha: bool,
}

/// What is drawn.
#[derive(Args, Debug)]
pub(super) struct Play {
    /// Where it is shown.
    #[arg(long, default_value = "headless")]
    pub(super) window: WindowKind,
    /// Size in pixels.
    #[arg(long, default_value = "640x360", value_name = "WxH")]
    pub(super) size: Size,
    /// Format of the swapchain.
    #[arg(long, default_value = "bgra8-unorm")]
    pub(super) format: Format,
    /// When presents take effect.
    #[arg(long, default_value = "fifo")]
    pub(super) present_mode: Mode,
    /// How many presents.
    #[arg(long, default_value_t = 120)]
    pub(super) frames: u32,
    /// How many seconds at most.
    #[arg(long, value_name = "S")]
    pub(super) seconds: Option<f64>,
    /// Swapchain images to ask for.
    #[arg(long, default_value_t = 3)]
    pub(super) images: u32,
    /// The most presents in a second.
    #[arg(long, value_name = "HZ")]
    pub(super) rate_limit: Option<f64>,
    /// Makes the swapchain anew, from the old one, after every N presents.
    #[arg(long, value_name = "N")]
    pub(super) recreate_every: Option<u32>,
    /// Changes the size after every N presents.
    #[arg(long, value_name = "N")]
    pub(super) resize_every: Option<u32>,
    /// Redraws this part only, and says so with `VK_KHR_incremental_present`.
    #[arg(long, value_name = "WxH+X+Y")]
    pub(super) damage: Option<Part>,
    /// Lets the device fill each picture with one colour: no CPU time, and all of it changes.
    #[arg(long, conflicts_with = "damage")]
    pub(super) plain: bool,
    /// Presents a picture when the device has drawn it, not before.
    #[arg(long)]
    pub(super) drawn: bool,
    /// Says the number of each picture with `VK_KHR_present_id`.
    #[arg(long)]
    pub(super) present_id: bool,
    /// After each present waits until its picture is shown (`VK_KHR_present_wait`), prints how many
    /// are, and goes on when it reads a line.
    #[arg(long)]
    pub(super) step: bool,
    /// How many images are acquired before the first of them is presented.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(super) hold: u32,
    /// How many presents show the same picture.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(super) still: u32,
    /// Prints time, descriptors and memory after every N presents.
    #[arg(long, value_name = "N")]
    pub(super) watch_every: Option<u32>,
    /// How many windows, each drawn to in turn.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(super) windows: u32,
}

impl Play {
    /// Whether pictures have ids.
    pub(super) fn has_ids(&self) -> bool {
        self.present_id || self.step
    }

    /// The scene that is drawn.
    pub(super) fn scene(&self) -> Scene {
        Scene { moving: self.damage.map(|part| part.0), plain: self.plain }
    }
}

/// Where pictures are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WindowKind {
    /// Nowhere (`VK_EXT_headless_surface`).
    Headless,
    /// In a window of the X server that `DISPLAY` names.
    Xcb,
    /// On a whole display, whose size it takes (`VK_KHR_display`).
    Display,
}

/// `VkPresentModeKHR`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Mode {
    /// `VK_PRESENT_MODE_FIFO_KHR`.
    Fifo,
    /// `VK_PRESENT_MODE_FIFO_RELAXED_KHR`.
    FifoRelaxed,
    /// `VK_PRESENT_MODE_MAILBOX_KHR`.
    Mailbox,
    /// `VK_PRESENT_MODE_IMMEDIATE_KHR`.
    Immediate,
}

impl Mode {
    pub(super) fn raw(self) -> vk::PresentModeKHR {
        match self {
            Self::Fifo => vk::PresentModeKHR::FIFO,
            Self::FifoRelaxed => vk::PresentModeKHR::FIFO_RELAXED,
            Self::Mailbox => vk::PresentModeKHR::MAILBOX,
            Self::Immediate => vk::PresentModeKHR::IMMEDIATE,
        }
    }
}

/// `VkFormat` of the swapchain.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[allow(missing_docs, reason = "each is named after its format")]
pub(super) enum Format {
    Bgra8Unorm,
    Bgra8Srgb,
    Rgba8Unorm,
    Rgba8Srgb,
    A2b10g10r10,
    A2r10g10b10,
    R5g6b5,
    Rgba16f,
    Rgba16,
}

impl Format {
    pub(super) fn raw(self) -> vk::Format {
        match self {
            Self::Bgra8Unorm => vk::Format::B8G8R8A8_UNORM,
            Self::Bgra8Srgb => vk::Format::B8G8R8A8_SRGB,
            Self::Rgba8Unorm => vk::Format::R8G8B8A8_UNORM,
            Self::Rgba8Srgb => vk::Format::R8G8B8A8_SRGB,
            Self::A2b10g10r10 => vk::Format::A2B10G10R10_UNORM_PACK32,
            Self::A2r10g10b10 => vk::Format::A2R10G10B10_UNORM_PACK32,
            Self::R5g6b5 => vk::Format::R5G6B5_UNORM_PACK16,
            Self::Rgba16f => vk::Format::R16G16B16A16_SFLOAT,
            Self::Rgba16 => vk::Format::R16G16B16A16_UNORM,
        }
    }
}

/// A size, as in `640x360`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size(pub(super) Extent);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not as in 640x360");
        let (width, height) = text.split_once('x').ok_or_else(wrong)?;
        let width = width.parse().map_err(|_| wrong())?;
        let height = height.parse().map_err(|_| wrong())?;
        if width == 0 || height == 0 { Err(wrong()) } else { Ok(Self(Extent { width, height })) }
    }
}

/// A rectangle, as in `100x50+0+10`. It begins at column 0, where the picture's number is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part(pub(super) Rect);

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not as in 100x50+0+10");
        let mut parts = text.split('+');
        let Size(Extent { width, height }) = parts.next().ok_or_else(wrong)?.parse()?;
        let mut side = || parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong);
        let (x, y) = (side()?, side()?);
        if x != 0 {
            return Err(format!("the part {text:?} does not begin at column 0"));
        }
        Ok(Self(Rect { x, y, width, height }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }

    #[test]
    fn a_part_must_begin_where_the_number_is() {
        assert_eq!("3x4+0+2".parse::<Part>().unwrap().0, Rect { x: 0, y: 2, width: 3, height: 4 });
        assert!("3x4+1+2".parse::<Part>().unwrap_err().contains("column 0"));
    }
}
