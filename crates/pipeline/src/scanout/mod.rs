//! Pictures for a screen: as they are where it takes them, else in memory of its own.

mod canvases;
mod copier;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zerohop_frame::{BoxError, Fallback, Frame, FrameDescriptor, Observer as _, Recycle, Release};
use zerohop_kms::{Refusal, Screen};
use zerohop_passes::{Grid, Rgba, TileSet};
use zerohop_vulkan::{Device, DeviceChoice, Image, InstanceOptions, Queue};

use crate::machine::{Machine, owner};
use crate::{Measurements, Stages};
use copier::Copier;

/// Why a picture is copied.
const WHY: &str = "the screen does not show the application's memory";

/// What was said of copies: why there are any, what each costs, and why no GPU makes them.
type Told = (Refusal, &'static str, Option<String>);

/// Hands on every picture that the screen accepts, untouched. What it refuses is copied into a
/// buffer of the card's own, by the GPU where it can, and that is said once. Y'CbCr pictures,
/// as decoders make them, become RGB ones before, where the card does not show them.
pub struct Scanout {
    screen: Arc<Mutex<Screen>>,
    choice: DeviceChoice,
    instance: InstanceOptions,
    measurements: Arc<Measurements>,
    machine: Option<Machine>,
    copier: Option<Box<Copier>>,
    told: Option<Told>,
    /// Makes RGB of pictures of one shape.
    rgba: Option<(FrameDescriptor, Rgba)>,
}

impl Scanout {
    /// The way to `screen`. `choice` is for memory that any device can read.
    pub fn new(
        screen: Arc<Mutex<Screen>>,
        choice: DeviceChoice,
        instance: InstanceOptions,
        measurements: Arc<Measurements>,
    ) -> Self {
        let (machine, copier) = (None, None);
        Self { screen, choice, instance, measurements, machine, copier, told: None, rgba: None }
    }

    /// The device that copies, if there is one.
    pub fn device(&self) -> Option<&Arc<Device>> {
        self.machine.as_ref().map(|machine| &machine.device)
    }

    /// The image of the frame's buffer.
    fn import(&mut self, frame: &Frame) -> Result<(Arc<Queue>, Arc<Image>), BoxError> {
        let owner = owner(frame);
        let fitting = self.machine.take().filter(|machine| machine.fits(owner));
        let (choice, measurements) = (&self.choice, &self.measurements);
        let machine = match fitting {
            Some(machine) => machine,
            None => {
                // What they made is of the device that they record on.
                (self.copier, self.rgba) = (None, None);
                Machine::open(self.instance, choice, owner, measurements)?
            }
        };
        let machine = self.machine.insert(machine);
        Ok((Arc::clone(&machine.queue), machine.import(frame, &self.measurements)?))
    }

    /// The picture in memory of the card, which is said when it is for a new reason or at a new cost.
    fn copy(&mut self, frame: &Arc<Frame>, refusal: Refusal) -> Result<Arc<Frame>, BoxError> {
        let (queue, image) = self.import(frame)?;
        let shape = frame.buffer().descriptor();
        let copier = match self.copier.take().filter(|copier| copier.fits(shape, &image)) {
            Some(copier) => copier,
            None => Box::new(Copier::new(&self.screen, &queue, &image, shape)?),
        };
        let copier = self.copier.insert(copier);
        let copied = copier.copy(&self.screen, &queue, frame, &image);
        // Known only now: a canvas may be the first that the GPU cannot write.
        let now = (refusal, copier.cost(), copier.why.clone());
        if self.told.as_ref() != Some(&now) {
            self.measurements.fallback(fallback(&now));
            self.told = Some(now);
        }
        let (copy, copies) = copied?;
        copies.report(frame, &*self.measurements, WHY);
        Ok(copy)
    }
}

fn fallback((refusal, cost, why): &Told) -> Fallback {
    let mut reason = refusal.to_string();
    if let Some(why) = why {
        reason = format!("{reason}; and the GPU does not write the card's memory: {why}");
    }
    Fallback { what: "screen".into(), reason, cost: (*cost).into() }
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
            Err(refusal) => self.copy(&frame, refusal).map(Some),
        }
    }

    /// What the validation layer has said, if it was asked for.
    fn finish(&mut self) -> Result<(), BoxError> {
        (self.copier, self.rgba) = (None, None);
        self.machine.as_ref().map_or(Ok(()), Machine::silence)
    }
}

/// Whether the picture is not in RGB (H.273, `MatrixCoefficients`).
fn is_ycbcr(frame: &Frame) -> bool {
    frame.buffer().descriptor().color.matrix != 0
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
