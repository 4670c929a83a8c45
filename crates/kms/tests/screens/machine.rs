//! Cards and pictures for the tests.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MemoryHandle, Modifier,
    PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd, clock_monotonic};
use zerohop_kms::{Card, Error, Screen, Shown, Spec};

use zerohop_testkit::vkms::{self, debug_folder};

/// How long anything may take on a machine that is emulated and busy.
const LIMIT: Duration = Duration::from_secs(20);

/// The first card with this driver.
pub(crate) fn card(driver: &str) -> Result<PathBuf, String> {
    let named = |path: &PathBuf| Card::open(path).is_ok_and(|card| card.driver() == driver);
    let found = Card::list().into_iter().find(named);
    let path = found.ok_or_else(|| format!("there is no card with the driver {driver}"))?;
    match fs::metadata(debug_folder(&path)) {
        Ok(_) => Ok(path),
        Err(err) => Err(format!("the kernel does not show its inside: {err}")),
    }
}

/// A screen of `card`, in the mode that fits the tests.
pub(crate) fn screen(card: &Path, more: &str) -> Screen {
    open(card, more).unwrap()
}

pub(crate) fn open(card: &Path, more: &str) -> Result<Screen, Error> {
    let spec: Spec = format!("{},{more}", card.display()).parse().unwrap();
    Screen::open(&spec)
}

/// Remembers which pictures came home.
#[derive(Default)]
pub(crate) struct Home(pub(crate) Mutex<Vec<u64>>);

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        self.0.lock().unwrap().push(release.sequence);
    }
}

impl Home {
    pub(crate) fn came(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }
}

/// A picture in shared memory that can be drawn into while it is shown.
pub(crate) struct Picture {
    pub(crate) buffer: Arc<SharedBuffer>,
    pub(crate) pixels: MappingMut,
    extent: Extent,
}

impl Picture {
    pub(crate) fn new(extent: Extent, fourcc: Fourcc) -> Self {
        let stride = extent.width * 4;
        let size = (u64::from(stride) * u64::from(extent.height)).next_multiple_of(4096);
        let memfd = Memfd::create("picture", size).unwrap();
        let pixels = MappingMut::new(&memfd).unwrap();
        let descriptor = FrameDescriptor {
            extent,
            fourcc,
            modifier: Modifier::LINEAR,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]),
            color: Color::SRGB,
        };
        let memory = ArrayVec::from_iter([MemoryHandle::Shm(OwnedFd::from(memfd))]);
        let buffer = SharedBuffer::new(descriptor, memory).unwrap();
        Self { buffer, pixels, extent }
    }

    /// Draws a pattern in which no two neighbours are alike, and returns its checksum on `screen`,
    /// in whose middle it is.
    pub(crate) fn draw(&mut self, seed: u32, screen: Extent) -> u32 {
        let Extent { width, height } = self.extent;
        let count = (width * height) as usize;
        for (place, pixel) in self.pixels.as_mut_slice().chunks_exact_mut(4).take(count).enumerate()
        {
            let mixed = (place as u32).wrapping_mul(0x9e37_79b1).wrapping_add(seed);
            pixel.copy_from_slice(&mixed.to_le_bytes());
        }
        let (left, top) = ((screen.width - width) / 2, (screen.height - height) / 2);
        let pixels = self.pixels.as_slice();
        let at = |x: u32, y: u32| -> Option<[u8; 4]> {
            let (x, y) = (x.checked_sub(left)?, y.checked_sub(top)?);
            let inside = x < width && y < height;
            let start = (y * width + x) as usize * 4;
            pixels.get(start..start + 4).filter(|_| inside)?.try_into().ok()
        };
        let rows = (0..screen.height).flat_map(|y| (0..screen.width).map(move |x| (x, y)));
        vkms::of(rows.map(|(x, y)| at(x, y).unwrap_or_default()))
    }

    pub(crate) fn frame(&self, sequence: u64, home: &Arc<Home>) -> Arc<Frame> {
        frame(&self.buffer, sequence, home)
    }
}

/// A picture in `buffer`, which is complete.
pub(crate) fn frame(buffer: &Arc<SharedBuffer>, sequence: u64, home: &Arc<Home>) -> Arc<Frame> {
    let now = clock_monotonic();
    let info = FrameInfo { sequence, timestamp: now, presented: now, damage: Damage::Unknown };
    let home = Arc::clone(home) as _;
    Arc::new(Frame::new(Arc::clone(buffer), info, SyncPoint::Signaled, home))
}

/// Waits until the picture that is on its way is on the screen.
pub(crate) fn wait(screen: &mut Screen) -> Result<Shown, Error> {
    let begin = Instant::now();
    loop {
        if let Some(shown) = screen.poll_event()? {
            return Ok(shown);
        }
        assert!(begin.elapsed() < LIMIT, "it did not come on the screen");
        let left = screen.deadline().unwrap().saturating_sub(clock_monotonic());
        let timeout = Timespec::try_from(left).unwrap();
        poll(&mut [PollFd::new(screen, PollFlags::IN)], Some(&timeout)).unwrap();
    }
}
