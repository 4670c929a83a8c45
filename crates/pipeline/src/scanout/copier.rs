//! Copies of pictures in memory of a card, by whom it costs least.

use std::sync::{Arc, Mutex};

use zerohop_frame::{
    BoxError, Damage, Fourcc, Frame, FrameDescriptor, FrameInfo, Modifier, SyncPoint, with_causes,
};
use zerohop_kms::{Copier as By, Screen};
use zerohop_passes::{Fit, FitShader, FitTarget, Plain};
use zerohop_vulkan::{Buffer, Copies, Image, Queue, ReadBack, Sight, read_back, wait_on_cpu};

use super::canvases::{Easel, Easels};
use super::lock;

/// Copies pictures of one shape into the middle of canvases.
pub(super) struct Copier {
    shape: FrameDescriptor,
    /// What shaders see of the pictures.
    sight: Option<Sight>,
    /// The shape of the canvases.
    to: FrameDescriptor,
    fit: Fit,
    hand: Hand,
    easels: Arc<Easels>,
    /// Why no GPU writes the card's memory, where one was to.
    pub(super) why: Option<String>,
}

/// Why no shader copies, where one was to.
const UNSEEN: &str = "its shaders may not sample the picture";

/// Who copies.
enum Hand {
    /// The GPU, in the card's own memory.
    Gpu(FitShader),
    /// The GPU, in memory of its own, and from there the CPU.
    Both(FitShader, FitTarget),
    /// The CPU, from where the picture lies; or where neither it nor a shader sees that, from where the
    /// device brings it.
    Cpu,
}

impl Copier {
    /// For pictures like `image`, whose shape is `shape`.
    ///
    /// # Errors
    ///
    /// The screen shows no such format; the card or the device is out of memory.
    pub(super) fn new(
        screen: &Mutex<Screen>,
        queue: &Arc<Queue>,
        image: &Image,
        shape: &FrameDescriptor,
    ) -> Result<Self, BoxError> {
        let screen = lock(screen);
        let fourcc = target(shape.fourcc, screen.formats())
            .ok_or_else(|| format!("the screen shows no format like {}", shape.fourcc))?;
        let sight = image.sight();
        let shown = sight == Some(Sight::Images);
        let wanted_by_cpu = match screen.copier() {
            By::Best => image.pixels().is_some() && queue.device().is_cpu(),
            By::Gpu => false,
            By::Cpu => true,
        };
        let by_cpu = wanted_by_cpu || !shown;
        let canvas = screen.canvas(screen.mode().extent(), fourcc)?;
        let to = canvas.buffer().descriptor().clone();
        // A GPU scales for nothing what it copies anyway.
        let place = screen.middle(shape.extent, screen.fills() || !by_cpu);
        drop(screen);
        let fit = Fit::new(shape, &to, place)?;
        let mut easel = Easel { canvas, target: None };
        let in_place = by_cpu && (image.pixels().is_some() || !shown);
        let shader = (!in_place).then(|| fit.shader(queue)).transpose()?;
        let (hand, why) = match shader {
            None => (Hand::Cpu, (!wanted_by_cpu).then(|| UNSEEN.to_owned())),
            Some(shader) if by_cpu => (beside(shader, &fit, queue)?, None),
            Some(shader) => match bind(&shader, queue, &mut easel) {
                Ok(()) => (Hand::Gpu(shader), None),
                Err(err) => (not_in_place(shader, &fit, queue, image)?, Some(err)),
            },
        };
        let easels = Arc::<Easels>::default();
        easels.give_back(easel);
        Ok(Self { shape: shape.clone(), sight, to, fit, hand, easels, why })
    }

    /// Whether it is for pictures like `image`, whose shape is `shape`.
    pub(super) fn fits(&self, shape: &FrameDescriptor, image: &Image) -> bool {
        self.shape == *shape && self.sight == image.sight()
    }

    /// What a copy costs, in words.
    pub(super) fn cost(&self) -> &'static str {
        match self.hand {
            Hand::Gpu(_) => "the GPU copies each picture into memory of the card",
            Hand::Both(..) => {
                "the GPU copies each picture, and the CPU copies it on into memory of the card"
            }
            Hand::Cpu => "the CPU copies each picture into memory of the card",
        }
    }

    /// The picture in memory of the card, and what that cost. Who copies may be another from now on.
    pub(super) fn copy(
        &mut self,
        screen: &Mutex<Screen>,
        queue: &Arc<Queue>,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(Arc<Frame>, Copies), BoxError> {
        let mut easel = self.easel(screen, queue, image)?;
        let copied = self.paint(&mut easel, queue, frame, image);
        let (acquire, copies) = match copied {
            Ok(copied) => copied,
            Err(err) => {
                self.easels.give_back(easel);
                return Err(err);
            }
        };
        let buffer = Arc::clone(easel.canvas.buffer());
        let info = FrameInfo { damage: Damage::Unknown, ..frame.info().clone() };
        let home = self.easels.lend(easel, frame);
        let mut copy = Frame::new(buffer, info, acquire, home);
        copy.set_replaceable(frame.is_replaceable());
        Ok((Arc::new(copy), copies))
    }

    /// A canvas that nobody shows, black but for a picture of this shape.
    fn easel(
        &mut self,
        screen: &Mutex<Screen>,
        queue: &Arc<Queue>,
        image: &Image,
    ) -> Result<Easel, BoxError> {
        if let Some(easel) = self.easels.take()? {
            return Ok(easel);
        }
        let canvas = lock(screen).canvas(self.to.extent, self.to.fourcc)?;
        if canvas.buffer().descriptor() != &self.to {
            return Err("the card gives its buffers different shapes".into());
        }
        let mut easel = Easel { canvas, target: None };
        let Hand::Gpu(shader) = &self.hand else { return Ok(easel) };
        if let Err(err) = bind(shader, queue, &mut easel) {
            self.why = Some(err);
            if let Hand::Gpu(shader) = std::mem::replace(&mut self.hand, Hand::Cpu) {
                self.hand = not_in_place(shader, &self.fit, queue, image)?;
            }
        }
        Ok(easel)
    }

    fn paint(
        &self,
        easel: &mut Easel,
        queue: &Arc<Queue>,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<(SyncPoint, Copies), BoxError> {
        // A shader's, which opens the picture for that.
        let mut copies = image.copies();
        match (&self.hand, &easel.target) {
            (Hand::Gpu(shader), Some(target)) => {
                copies.gpu += 1;
                Ok((known_to_kernel(shader.run(frame, image, target)?)?, copies))
            }
            (Hand::Both(shader, target), _) => {
                wait_on_cpu(&shader.run(frame, image, target)?)?;
                let out = easel.canvas.bytes_mut();
                for row in self.fit.rows() {
                    target.buffer().read_into(row.start as u64, &mut out[row]);
                }
                copies.gpu += 1;
                copies.cpu_bytes += self.bytes();
                Ok((SyncPoint::Signaled, copies))
            }
            _ => {
                let out = easel.canvas.bytes_mut();
                if let Some(pixels) = image.pixels() {
                    wait_on_cpu(frame.acquire())?;
                    self.fit.paint(&pixels, out);
                    copies = Copies::default();
                } else {
                    let ReadBack { bytes, copies: before } = read_back(queue, frame, image)?;
                    let stride = image.planes()[0].row_bytes();
                    self.fit.paint(&Plain { bytes: &bytes, stride }, out);
                    copies = before;
                }
                copies.cpu_bytes += self.bytes();
                Ok((SyncPoint::Signaled, copies))
            }
        }
    }

    /// Bytes that are written of a picture.
    fn bytes(&self) -> u64 {
        self.fit.rows().map(|row| row.len() as u64).sum()
    }
}

/// Has `shader` write into the canvas.
fn bind(shader: &FitShader, queue: &Arc<Queue>, easel: &mut Easel) -> Result<(), String> {
    let buffer = Buffer::of_dma_buf(queue.device(), easel.canvas.buffer());
    let target = buffer.map_err(Into::into).and_then(|buffer| shader.onto(buffer));
    easel.target = Some(target.map_err(|err| with_causes(&err))?);
    Ok(())
}

/// Who copies pictures like `image` where `shader` does not write the card's memory.
fn not_in_place(
    shader: FitShader,
    fit: &Fit,
    queue: &Arc<Queue>,
    image: &Image,
) -> Result<Hand, BoxError> {
    if image.pixels().is_some() { Ok(Hand::Cpu) } else { beside(shader, fit, queue) }
}

/// Has `shader` write into memory that the CPU reads.
fn beside(shader: FitShader, fit: &Fit, queue: &Arc<Queue>) -> Result<Hand, BoxError> {
    let buffer = Arc::new(Buffer::read_back(queue.device(), fit.end())?);
    let target = shader.onto(buffer)?;
    Ok(Hand::Both(shader, target))
}

/// The point as a card can wait for it: a timeline is nothing that it knows.
fn known_to_kernel(point: SyncPoint) -> Result<SyncPoint, BoxError> {
    if let SyncPoint::Timeline { .. } = &point {
        wait_on_cpu(&point)?;
        return Ok(SyncPoint::Signaled);
    }
    Ok(point)
}

/// The format of a copy of pixels in `fourcc`: the order of its colours if the screen shows that, else any
/// that it shows.
fn target(fourcc: Fourcc, shown: &[(Fourcc, Modifier)]) -> Option<Fourcc> {
    use Fourcc as F;
    let reversed = [
        F::XBGR8888,
        F::ABGR8888,
        F::XBGR2101010,
        F::ABGR2101010,
        F::XBGR16161616F,
        F::ABGR16161616F,
    ];
    let (first, then) = match fourcc {
        F::RGB565 => (F::RGB565, F::XRGB8888),
        _ if reversed.contains(&fourcc) => (F::XBGR8888, F::XRGB8888),
        _ => (F::XRGB8888, F::XBGR8888),
    };
    let shows = |fourcc: &Fourcc| shown.contains(&(*fourcc, Modifier::LINEAR));
    [first, then, F::XBGR8888, F::RGB565].into_iter().find(shows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_in_a_format_that_the_screen_shows() {
        let linear = |fourcc| (fourcc, Modifier::LINEAR);
        let (x, b, short) = (Fourcc::XRGB8888, Fourcc::XBGR8888, Fourcc::RGB565);
        assert_eq!(target(Fourcc::ARGB8888, &[linear(x)]), Some(x));
        assert_eq!(target(Fourcc::ABGR8888, &[linear(x)]), Some(x));
        assert_eq!(target(Fourcc::ABGR2101010, &[linear(x), linear(b)]), Some(b));
        assert_eq!(target(short, &[linear(x), linear(short)]), Some(short));
        assert_eq!(target(x, &[linear(short)]), Some(short));
        assert_eq!(target(x, &[(x, Modifier(7))]), None);
    }
}
