//! `symbols.wgsl` on a device.

use std::sync::Arc;

use zerohop_frame::Frame;
use zerohop_symbols::{Header, Packet};
use zerohop_vulkan::{Bindings, Buffer, ComputePipeline, Device, Image, Queue, Recording, Sight};

use crate::Error;
use crate::luma::Codes;
use crate::shader::{self, Push, groups};

/// The shaders with their buffers. What a reader has stays on the device.
pub(super) struct Gpu {
    queue: Arc<Queue>,
    /// Decide, scan, write.
    pipelines: [Arc<ComputePipeline>; 3],
    bindings: [Arc<Bindings>; 3],
    actions: Arc<Buffer>,
    trits: Arc<Buffer>,
    first: Arc<Buffer>,
    sight: Sight,
}

/// Bytes of `Job` in the shader.
const JOB: u32 = 12 * 4;

impl Gpu {
    pub(super) fn new(
        device: &Arc<Device>,
        codes: &Codes,
        header: &Header,
        image: &Image,
    ) -> Result<Self, Error> {
        let sight = image.sight().unwrap_or(Sight::Images);
        let [decide, write] = code(codes, sight, image)?;
        let told = codes.push(image).bytes().len() as u32 + JOB;
        let make = |code, told| ComputePipeline::new(device, code, sight, 4, told);
        let pipelines = [make(decide, told)?, make(shader::SYMBOLS_SCAN, JOB)?, make(write, told)?];
        let blocks = header.blocks() as u64;
        let words = blocks * u64::from(header.planes) * header.plane_words() as u64;
        let side = u64::from(header.block);
        if words * 4 > device.longest_buffer() {
            return Err(Error::TooLarge(image.extent()));
        }
        let actions = Arc::new(Buffer::read_back(device, blocks * 4)?);
        let trits = Arc::new(Buffer::read_back(device, words * 4)?);
        let known = Arc::new(Buffer::new(device, blocks * side * side)?);
        let first = Arc::new(Buffer::read_back(device, (blocks + 1) * 4)?);
        let all = || vec![&actions, &trits, &known, &first].into_iter().map(Arc::clone).collect();
        let bind = |pipeline: &ComputePipeline| Bindings::new(pipeline, all()).map(Arc::new);
        let [decide, scan, write] = &pipelines;
        let bindings = [bind(decide)?, bind(scan)?, bind(write)?];
        Ok(Self { queue: Queue::new(device), pipelines, bindings, actions, trits, first, sight })
    }

    pub(super) fn sight(&self) -> Sight {
        self.sight
    }

    /// The symbols of a picture.
    pub(super) fn write(
        &self,
        codes: &Codes,
        header: Header,
        (frame, image): (&Arc<Frame>, &Arc<Image>),
    ) -> Result<Packet, Error> {
        let mut recording = Recording::begin(&self.queue)?;
        recording.read(frame, image)?;
        let blocks = groups(header.blocks(), 1);
        for (index, groups) in [blocks, [1; 3], blocks].into_iter().enumerate() {
            let of = if index == 1 { Push::default() } else { codes.push(image) };
            let push = push(of, &header);
            let (pipeline, bindings) = (&self.pipelines[index], &self.bindings[index]);
            recording.dispatch(pipeline, image, bindings, push.bytes(), groups)?;
            recording.barrier();
        }
        let _ = recording.submit_and_wait()?;
        let mut count = [0; 4];
        self.first.read_into(header.blocks() as u64 * 4, &mut count);
        let words = (u32::from_ne_bytes(count) as usize).min(self.trits.size() as usize / 4);
        let actions = read(&self.actions, header.blocks());
        Ok(Packet { header, actions, trits: read(&self.trits, words) })
    }
}

/// The shaders that decide and write.
fn code(codes: &Codes, sight: Sight, image: &Image) -> Result<[&'static [u32]; 2], Error> {
    match (codes, sight) {
        (Codes::YCbCr(_), Sight::Images) => {
            Ok([shader::SYMBOLS_DECIDE_IMAGES, shader::SYMBOLS_WRITE_IMAGES])
        }
        (Codes::YCbCr(_), Sight::Buffers) => {
            Ok([shader::SYMBOLS_DECIDE_BUFFERS, shader::SYMBOLS_WRITE_BUFFERS])
        }
        (Codes::Rgb { format, .. }, Sight::Images) if !shader::is_half(*format) => {
            Ok([shader::SYMBOLS_DECIDE_PACKED, shader::SYMBOLS_WRITE_PACKED])
        }
        _ => Err(Error::Sight(image.fourcc())),
    }
}

fn push(of: Push, header: &Header) -> Push {
    let columns = header.columns() as u32;
    of.words([header.width, header.height, columns, header.blocks() as u32])
        .words([header.block, header.step, header.plane_words() as u32])
        .words([columns * header.block / 4, u32::from(header.key), 0, 0, 0])
}

fn read(buffer: &Buffer, words: usize) -> Vec<u32> {
    let mut bytes = vec![0; words * 4];
    buffer.read_into(0, &mut bytes);
    bytes.as_chunks().0.iter().map(|word| u32::from_ne_bytes(*word)).collect()
}
