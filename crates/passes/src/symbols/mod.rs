//! A picture's luma as symbols: for each block an action, and balanced-ternary planes of what changed.
//!
//! The format is `zerohop-symbols`'s. The pass is closed: differences are to what a reader has, so
//! that errors do not add up, and each pixel is read within half a step of what it was. Nothing is
//! written for a block that a reader has already within that.
//!
//! Shader and twin agree bit for bit.

mod cpu;
mod gpu;

use std::sync::Arc;

use zerohop_frame::{Frame, FrameDescriptor, Observer};
use zerohop_symbols::{Header, Packet};
use zerohop_vulkan::{Device, Image, wait_on_cpu};

use crate::luma::{Codes, output, paint};
use crate::paint::{Output, Work};
use crate::{Error, Grid, Route, TileSet, check_shape};
use gpu::Gpu;

/// How pictures become symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolSettings {
    /// Pixels of a block's side: 8, 16 or 32.
    pub block: u32,
    /// The most trit planes, 1 to 6. They must reach a difference of 255: six for a step of 1, five
    /// from 3 on, four from 7 on.
    pub planes: u32,
    /// Codes of a step, 1 to 255. A step of 1 loses nothing.
    pub step: u32,
}

impl Default for SymbolSettings {
    fn default() -> Self {
        Self { block: 16, planes: 4, step: 7 }
    }
}

/// Writes the luma of pictures as symbols.
pub struct Symbols {
    device: Arc<Device>,
    descriptor: FrameDescriptor,
    codes: Codes,
    header: Header,
    route: Route,
    observer: Arc<dyn Observer>,
    /// What a reader has, and how it was written; `None` when it has nothing.
    known: Option<Known>,
    /// The luma of the picture, for the twin.
    output: Output,
    luma: Vec<u8>,
}

/// What a reader has of the last picture.
enum Known {
    /// In memory, rows of whole blocks.
    Cpu(Vec<u8>),
    /// On the device.
    Gpu(Gpu),
}

impl Symbols {
    /// For pictures of `descriptor`'s shape. Make a new one when it changes.
    ///
    /// # Errors
    ///
    /// [`Error::Symbols`] for settings that do not reach every difference, [`Error::Device`] for a
    /// format that no pass reads, [`Error::TooLarge`].
    pub fn new(
        device: &Arc<Device>,
        descriptor: &FrameDescriptor,
        settings: SymbolSettings,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Error> {
        let SymbolSettings { block, planes, step } = settings;
        let (width, height) = (descriptor.extent.width, descriptor.extent.height);
        let header = Header { width, height, block, planes, step, key: true, sequence: 0 };
        header.check()?;
        let codes = Codes::of(descriptor)?;
        Ok(Self {
            device: Arc::clone(device),
            descriptor: descriptor.clone(),
            output: output(descriptor.extent, codes.color(descriptor))?,
            codes,
            header,
            route: Route::Best,
            observer,
            known: None,
            luma: Vec::new(),
        })
    }

    /// Reads pictures another way than the best one: for tests and measurements.
    #[must_use]
    pub fn with_route(self, route: Route) -> Self {
        Self { route, ..self }
    }

    /// Makes the next picture a key picture: one that a reader needs nothing before for.
    pub fn begin_anew(&mut self) {
        self.known = None;
    }

    /// The symbols of a picture that has `image` for its buffer. Packets are numbered from 1 on,
    /// and the first is a key picture.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`]; [`Error::Device`], after which the next is a key picture.
    pub fn write(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<Packet, Error> {
        check_shape(self.descriptor.extent, self.descriptor.fourcc, image)?;
        self.header.sequence += 1;
        if let (Route::InPlace, Some(pixels)) = (self.route.of(image), image.pixels()) {
            wait_on_cpu(frame.acquire())?;
            self.luma.resize(self.output.size as usize, 0);
            let all = TileSet::all(Grid::of(self.descriptor.extent));
            let work = Work { tiles: &all, shown: None };
            paint(&pixels, &self.codes, &self.output, &work, &mut self.luma);
            return Ok(self.by_twin());
        }
        self.by_shader(frame, image)
    }

    fn by_twin(&mut self) -> Packet {
        let known = match self.known.take() {
            Some(Known::Cpu(known)) => Some(known),
            _ => None,
        };
        self.header.key = known.is_none();
        let header = self.header;
        let stride = header.columns() * header.block as usize;
        let mut known =
            known.unwrap_or_else(|| vec![0; header.blocks() * (header.block as usize).pow(2)]);
        let (actions, trits) = cpu::write(cpu::Job {
            header: &header,
            luma: &self.luma,
            luma_stride: self.output.descriptor.planes[0].stride as usize,
            known: &mut known,
            stride,
        });
        self.known = Some(Known::Cpu(known));
        Packet { header, actions, trits }
    }

    fn by_shader(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<Packet, Error> {
        let (gpu, key) = match self.known.take() {
            Some(Known::Gpu(gpu)) if Some(gpu.sight()) == image.sight() => (gpu, false),
            _ => (Gpu::new(&self.device, &self.codes, &self.header, image)?, true),
        };
        self.header.key = key;
        let why = "a shader cannot read the picture where it lies";
        image.copies().report(frame, &*self.observer, why);
        let packet = gpu.write(&self.codes, self.header, (frame, image))?;
        self.known = Some(Known::Gpu(gpu));
        Ok(packet)
    }
}
