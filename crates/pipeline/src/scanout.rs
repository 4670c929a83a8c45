//! Pictures for a screen: as they are where it takes them, else in memory of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zerohop_frame::{
    BoxError, BufferId, Damage, Extent, Fallback, Fourcc, Frame, FrameDescriptor, FrameInfo,
    Modifier, Observer as _, Recycle, Release, SyncPoint,
};
use zerohop_kms::{Canvas, Refusal, Screen};
use zerohop_passes::{Grid, Rgba, TileSet};
use zerohop_vulkan::{
    Copies, Device, DeviceChoice, Image, InstanceOptions, Queue, read_back, wait_on_cpu,
};

use crate::machine::{Machine, owner};
use crate::{Measurements, Stages};

/// Why a picture is copied.
const WHY: &str = "the screen does not show the application's memory";

/// The most pictures that are copied and not home yet. Producers have fewer buffers.
const MOST: usize = 16;

/// Hands on every picture that the screen accepts, untouched. What it refuses is copied into a
/// buffer of the card's own, in the middle of the screen, and that is said once. Y'CbCr pictures,
/// as decoders make them, become RGB ones before, where the card does not show them.
pub struct Scanout {
    screen: Arc<Mutex<Screen>>,
    choice: DeviceChoice,
    instance: InstanceOptions,
    measurements: Arc<Measurements>,
    machine: Option<Machine>,
    pool: Arc<Pool>,
    refused: Option<Refusal>,
    /// Makes RGB of pictures of one shape.
    rgba: Option<(FrameDescriptor, Rgba)>,
}

/// Canvases of one shape at home, and those that are out.
#[derive(Default)]
struct Pool {
    free: Mutex<(Option<Shape>, Vec<Canvas>)>,
    out: Mutex<HashMap<BufferId, Canvas>>,
}

/// What a canvas was painted with: the format, and the size of the picture, since it stays black
/// around it.
type Shape = (Fourcc, Extent);

/// Keeps the application's picture while its copy is shown, so that the application goes at the
/// screen's pace.
struct Home {
    pool: Arc<Pool>,
    shape: Shape,
    _source: Arc<Frame>,
}

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        let canvas = lock(&self.pool.out).remove(&release.buffer);
        let mut free = lock(&self.pool.free);
        if free.0 == Some(self.shape) {
            free.1.extend(canvas);
        }
    }
}

impl Scanout {
    /// The way to `screen`. `choice` is for memory that any device can read.
    pub fn new(
        screen: Arc<Mutex<Screen>>,
        choice: DeviceChoice,
        instance: InstanceOptions,
        measurements: Arc<Measurements>,
    ) -> Self {
        let (machine, pool) = (None, Arc::default());
        Self { screen, choice, instance, measurements, machine, pool, refused: None, rgba: None }
    }

    /// The device that copies, if there is one.
    pub fn device(&self) -> Option<&Arc<Device>> {
        self.machine.as_ref().map(|machine| &machine.device)
    }

    /// Says why pictures are copied, when the reason is new.
    fn announce(&mut self, refusal: Refusal) {
        if self.refused.as_ref() != Some(&refusal) {
            let (what, reason) = ("screen".into(), refusal.to_string());
            let cost = "each picture is copied into memory of the card".into();
            self.measurements.fallback(Fallback { what, reason, cost });
            self.refused = Some(refusal);
        }
    }

    /// The image of the frame's buffer.
    fn import(&mut self, frame: &Frame) -> Result<(Arc<Queue>, Arc<Image>), BoxError> {
        let owner = owner(frame);
        let fitting = self.machine.take().filter(|machine| machine.fits(owner));
        let (choice, measurements) = (&self.choice, &self.measurements);
        let machine = match fitting {
            Some(machine) => machine,
            None => Machine::open(self.instance, choice, owner, measurements)?,
        };
        let machine = self.machine.insert(machine);
        Ok((Arc::clone(&machine.queue), machine.import(frame, &self.measurements)?))
    }

    /// A canvas of the screen's size that nobody shows, black but for a picture of this shape.
    fn canvas(&self, shape: Shape) -> Result<Canvas, BoxError> {
        let extent = lock(&self.screen).mode().extent();
        let mut free = lock(&self.pool.free);
        if free.0 != Some(shape) {
            *free = (Some(shape), Vec::new());
        }
        if let Some(canvas) = free.1.pop() {
            return Ok(canvas);
        }
        drop(free);
        if lock(&self.pool.out).len() >= MOST {
            return Err("the screen holds all buffers of its card".into());
        }
        Ok(lock(&self.screen).canvas(extent, shape.0)?)
    }

    /// The picture in memory of the card.
    fn copy(&mut self, frame: &Arc<Frame>) -> Result<Arc<Frame>, BoxError> {
        let (queue, image) = self.import(frame)?;
        let shape = frame.buffer().descriptor();
        let (fourcc, swap) = target(shape.fourcc, lock(&self.screen).formats())
            .ok_or_else(|| format!("the screen shows no format like {}", shape.fourcc))?;
        let painted = (fourcc, shape.extent);
        let mut canvas = self.canvas(painted)?;
        let copies = paint(&mut canvas, &queue, frame, &image, swap)?;
        copies.report(frame, &*self.measurements, WHY);
        let buffer = Arc::clone(canvas.buffer());
        lock(&self.pool.out).insert(buffer.id(), canvas);
        let info = FrameInfo { damage: Damage::Unknown, ..frame.info().clone() };
        let (pool, source) = (Arc::clone(&self.pool), Arc::clone(frame));
        let home = Home { pool, shape: painted, _source: source };
        let mut copy = Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(home));
        copy.set_replaceable(frame.is_replaceable());
        Ok(Arc::new(copy))
    }
}

/// Keeps a picture of colours, and the one that it was made of, until the screen has let go of it.
struct Colored {
    _picture: Arc<Frame>,
    _source: Arc<Frame>,
}

impl Recycle for Colored {
    fn recycle(&self, _: Release) {}
}

impl Scanout {
    /// The picture in RGB. `None` when too many are out.
    fn color(&mut self, frame: &Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        let (queue, image) = self.import(frame)?;
        let shape = frame.buffer().descriptor();
        let fitting = self.rgba.take().filter(|(known, _)| known == shape);
        let (_, rgba) = match fitting {
            Some(known) => self.rgba.insert(known),
            None => {
                let (siting, observer) = (shape.color.sited(), Arc::clone(&self.measurements));
                let rgba = Rgba::new(queue.device(), shape, siting, observer as _)?;
                self.rgba.insert((shape.clone(), rgba))
            }
        };
        let tiles = TileSet::all(Grid::of(shape.extent));
        let Some(picture) = rgba.convert(frame, &image, &tiles)? else {
            let why = "the screen holds all converted pictures";
            self.measurements.dropped(frame.info().sequence, why);
            return Ok(None);
        };
        let (buffer, info) = (Arc::clone(picture.buffer()), picture.info().clone());
        let acquire = picture.acquire().clone();
        let home = Colored { _picture: picture, _source: Arc::clone(frame) };
        let mut colored = Frame::new(buffer, info, acquire, Arc::new(home));
        colored.set_replaceable(frame.is_replaceable());
        Ok(Some(Arc::new(colored)))
    }
}

impl Stages for Scanout {
    fn reshape(&mut self, _: &FrameDescriptor) -> Result<(), BoxError> {
        Ok(())
    }

    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        let accepted = lock(&self.screen).accepts(frame.buffer());
        match accepted {
            Ok(()) => Ok(Some(frame)),
            Err(_) if is_ycbcr(&frame) => match self.color(&frame)? {
                // Once: what comes out is RGB.
                Some(frame) => self.run(frame),
                None => Ok(None),
            },
            Err(refusal) => {
                self.announce(refusal);
                self.copy(&frame).map(Some)
            }
        }
    }
}

/// Whether the picture is not in RGB (H.273, `MatrixCoefficients`).
fn is_ycbcr(frame: &Frame) -> bool {
    frame.buffer().descriptor().color.matrix != 0
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a copy of pixels in `fourcc` is called, and whether red and blue change places.
fn target(fourcc: Fourcc, shown: &[(Fourcc, Modifier)]) -> Option<(Fourcc, bool)> {
    let shows = |fourcc: &Fourcc| shown.contains(&(*fourcc, Modifier::LINEAR));
    let (same, swapped) = match fourcc {
        Fourcc::XRGB8888 | Fourcc::ARGB8888 => (Fourcc::XRGB8888, Fourcc::XBGR8888),
        Fourcc::XBGR8888 | Fourcc::ABGR8888 => (Fourcc::XBGR8888, Fourcc::XRGB8888),
        Fourcc::RGB565 => (Fourcc::RGB565, Fourcc::RGB565),
        _ => return None,
    };
    let found = Some((same, false)).filter(|_| shows(&same));
    found.or_else(|| Some((swapped, true)).filter(|_| shows(&swapped)))
}

/// Copies the picture into the middle of the canvas, which is black around it. What is larger is
/// cut.
fn paint(
    canvas: &mut Canvas,
    queue: &Arc<Queue>,
    frame: &Arc<Frame>,
    image: &Arc<Image>,
    swap: bool,
) -> Result<Copies, BoxError> {
    let pixel = image.format().bytes();
    let (screen, picture) = (canvas.buffer().descriptor().extent, image.extent());
    let width = picture.width.min(screen.width) as usize * pixel;
    let height = picture.height.min(screen.height) as usize;
    let middle = |all: u32, part: u32| (all.saturating_sub(part) / 2) as usize;
    let left = middle(screen.width, picture.width) * pixel;
    let top = middle(screen.height, picture.height);
    let (cut_left, cut_top) =
        (middle(picture.width, screen.width) * pixel, middle(picture.height, screen.height));
    let stride = canvas.stride();
    let read = match image.pixels() {
        Some(_) => None,
        None => Some(read_back(queue, frame, image)?),
    };
    wait_on_cpu(frame.acquire())?;
    let row_bytes = picture.width as usize * pixel;
    let rows = canvas.bytes_mut().chunks_exact_mut(stride).skip(top).take(height);
    for (y, row) in rows.enumerate() {
        let (y, out) = (y + cut_top, &mut row[left..left + width]);
        match (&read, image.pixels()) {
            (Some(read), _) => {
                let at = y * row_bytes + cut_left;
                out.copy_from_slice(&read.bytes[at..at + width]);
            }
            (None, Some(pixels)) => pixels.read_into(y, cut_left, out),
            (None, None) => {}
        }
        if swap {
            out.chunks_exact_mut(4).for_each(|pixel| pixel.swap(0, 2));
        }
    }
    let before = read.map(|read| read.copies).unwrap_or_default();
    Ok(Copies { cpu_bytes: before.cpu_bytes + (width * height) as u64, ..before })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_in_a_format_that_the_screen_shows() {
        let linear = |fourcc| (fourcc, Modifier::LINEAR);
        let (x, b) = (Fourcc::XRGB8888, Fourcc::XBGR8888);
        assert_eq!(target(Fourcc::ARGB8888, &[linear(x)]), Some((x, false)));
        assert_eq!(target(Fourcc::ABGR8888, &[linear(x)]), Some((x, true)));
        assert_eq!(target(Fourcc::ABGR8888, &[linear(x), linear(b)]), Some((b, false)));
        assert_eq!(target(Fourcc::RGB565, &[linear(x)]), None);
        assert_eq!(target(x, &[(x, Modifier(7))]), None);
    }
}
