//! Where pictures are encoded: on the GPU that draws them, if it can.

use std::sync::Arc;

use zerohop_cuda::{Cuda, Device, Stream, Uuid};
use zerohop_frame::{Color, Direct, Extent, Fourcc, Frame, MemoryHandle, Modifier, SyncPoint};
use zerohop_nvenc::{Caps, Codec, Format, Session};

use super::encoder::settings;
use crate::{Error, Options};

/// What is read where it was drawn.
const DRAWN: [Fourcc; 4] = [Fourcc::XRGB8888, Fourcc::ARGB8888, Fourcc::XBGR8888, Fourcc::ABGR8888];
/// What is read so by encoders of more than 8 bits.
const DRAWN_DEEP: [Fourcc; 4] =
    [Fourcc::XRGB2101010, Fourcc::ARGB2101010, Fourcc::XBGR2101010, Fourcc::ABGR2101010];

/// A GPU whose chip was seen to encode what is asked for.
pub(super) struct Place {
    pub(super) stream: Arc<Stream>,
    /// Opened to know that there is a chip.
    pub(super) session: Session,
    pub(super) caps: Caps,
}

impl Place {
    /// On the GPU that Vulkan calls `uuid`.
    pub(super) fn open(cuda: &Arc<Cuda>, uuid: Uuid, options: &Options) -> Result<Self, Error> {
        let stream = Stream::new(&Device::open(cuda, uuid)?)?;
        let session = Session::open(&stream)?;
        let caps = session.caps(options.codec)?;
        let least = Extent { width: caps.least.width.max(64), height: caps.least.height.max(64) };
        caps.check(&settings(options, least, (Color::BT709, false)))?;
        Ok(Self { stream, session, caps })
    }

    /// What it lacks of what was promised to whoever draws.
    pub(super) fn lacks(&self, promised: &Caps) -> Option<String> {
        lacks(&self.caps, promised)
    }

    /// What it reads of Y'CbCr, best first.
    pub(super) fn formats(&self) -> Vec<(Fourcc, Modifier)> {
        let deep = is_deep(&self.caps).then_some(Fourcc::P010);
        let all = [Fourcc::NV12].into_iter().chain(deep);
        all.map(|fourcc| (fourcc, Modifier::LINEAR)).collect()
    }

    /// What it reads in memory of any GPU of `uuids`, one of which it is going to be on.
    pub(super) fn direct(&self, uuids: &[Uuid]) -> Arc<Direct> {
        let caps = &self.caps;
        let deep = DRAWN_DEEP.into_iter().filter(|_| is_deep(caps));
        let reads = |fourcc: &Fourcc| Format::of(*fourcc).is_some_and(|format| caps.reads(format));
        let drawn = DRAWN.into_iter().chain(deep).filter(reads).collect();
        let rows = self.formats().iter().map(|(fourcc, _)| *fourcc).filter(reads).collect();
        let uuids = uuids.iter().map(|uuid| uuid.0).collect();
        Direct::new(uuids, drawn, rows, (caps.least, caps.most))
    }
}

/// Whether the chip makes streams of 10 bits; NVENC's H.264 has 8.
fn is_deep(caps: &Caps) -> bool {
    caps.ten_bits && caps.codec != Codec::H264
}

/// What `caps` lack of `promised`.
fn lacks(caps: &Caps, promised: &Caps) -> Option<String> {
    if is_deep(promised) && !is_deep(caps) {
        return Some("makes no streams of 10 bits, which were promised".to_owned());
    }
    let format = promised.formats.iter().find(|format| !caps.reads(**format));
    if let Some(format) = format {
        return Some(format!("does not read pictures of {:#x}, which were promised", format.0));
    }
    let fits = |one: Extent, other: Extent| one.width <= other.width && one.height <= other.height;
    if fits(caps.least, promised.least) && fits(promised.most, caps.most) {
        return None;
    }
    let [least, most, smaller, larger] = [caps.least, caps.most, promised.least, promised.most]
        .map(|extent| format!("{}x{}", extent.width, extent.height));
    Some(format!("takes {least} to {most}, and {smaller} to {larger} was promised"))
}

/// The device whose memory `frame` lies in, if it is a device's.
pub(super) fn owner(frame: &Frame) -> Option<Uuid> {
    frame.buffer().memory().iter().find_map(|handle| match handle {
        MemoryHandle::OpaqueFd { device, .. } => Some(Uuid(device.device_uuid)),
        _ => None,
    })
}

/// The device that made `frame`, as far as its memory or its timeline tells.
pub(super) fn maker(frame: &Frame) -> Option<Uuid> {
    owner(frame).or_else(|| match frame.acquire() {
        SyncPoint::Timeline { which, .. } => Some(Uuid(which.device().device_uuid)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_that_cannot_do_what_was_promised_says_what() {
        let size = |side| Extent { width: side, height: side };
        let promised = Caps {
            codec: Codec::Hevc,
            least: size(128),
            most: size(8192),
            formats: [Fourcc::NV12, Fourcc::P010].into_iter().filter_map(Format::of).collect(),
            rates: 0,
            resizes: false,
            changes_rate: false,
            refreshes: false,
            sets_buffer: false,
            ten_bits: true,
            engines: 1,
        };
        let said = |caps: Caps| lacks(&caps, &promised).unwrap_or_default();
        let better = Caps { least: size(64), most: size(16384), engines: 3, ..promised.clone() };
        assert_eq!(said(better), "");
        let eight = Caps { ten_bits: false, ..promised.clone() };
        assert!(said(eight).contains("10 bits"));
        assert!(
            said(Caps {
                formats: Format::of(Fourcc::NV12).into_iter().collect(),
                ..promised.clone()
            })
            .contains("does not read")
        );
        let small = said(Caps { most: size(4096), ..promised.clone() });
        assert!(small.contains("4096x4096") && small.contains("8192x8192"), "{small}");
        let large = said(Caps { least: size(256), ..promised.clone() });
        assert!(large.contains("256x256") && large.contains("128x128"), "{large}");
    }
}
