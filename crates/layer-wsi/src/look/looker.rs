//! What all looks at the pictures of one swapchain on one queue share.

use std::sync::atomic::{AtomicU32, Ordering};

use ash::vk;
use vk::MemoryPropertyFlags as P;
use zerohop_frame::Extent;
use zerohop_layer::{Doing, LayerError};

use super::store::Store;
use super::{Hash, Keys, Reading, SIDE};

/// Bytes from the word of one image to the next: the most that `minStorageBufferOffsetAlignment`
/// may be ("Required Limits").
const APART: usize = 256;

/// A device, as far as it is needed here.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// Its commands.
    pub raw: &'a ash::Device,
    /// Its memory.
    pub memory: &'a vk::PhysicalDeviceMemoryProperties,
}

/// The shader, its keys, the hashes of the last picture that was looked at, and one word for each
/// image. The device outlives it, and whoever has submitted a look waits for that before the last
/// owner lets go.
pub struct Looker {
    pub(super) raw: ash::Device,
    pub(super) set_layout: vk::DescriptorSetLayout,
    pub(super) layout: vk::PipelineLayout,
    pub(super) pipeline: vk::Pipeline,
    /// Keys, hashes and words, in the order of the bindings.
    stores: [Store; 3],
    keys: Keys,
    /// What each image is viewed as.
    pub(super) view: vk::Format,
    size: Extent,
    images: usize,
}

impl Looker {
    /// For `images` images of `size` that are viewed as `view`. Compiles the shader, which may take
    /// long.
    ///
    /// # Errors
    ///
    /// [`LayerError`] for a format that has no [`Reading`], and what the device reports.
    pub fn new(
        ground: Ground<'_>,
        view: vk::Format,
        size: Extent,
        images: usize,
    ) -> Result<Self, LayerError> {
        let refused = || {
            let code = vk::Result::ERROR_FORMAT_NOT_SUPPORTED;
            LayerError::refused(code, format!("pixels of {view:?} have no words"))
        };
        let reading = Reading::of(view).ok_or_else(refused)?;
        let keys = Keys::random(reading.words());
        let stores = stores(&ground, &keys, size, images)?;
        // What is made is freed by `drop`, also when a later step fails.
        let mut new = Self {
            raw: ground.raw.clone(),
            set_layout: vk::DescriptorSetLayout::null(),
            layout: vk::PipelineLayout::null(),
            pipeline: vk::Pipeline::null(),
            stores,
            keys,
            view,
            size,
            images,
        };
        new.write_keys()?;
        new.lay_out()?;
        new.compile(reading)?;
        Ok(new)
    }

    /// The keys, for a twin.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The hashes of the picture that was looked at last, row by row of blocks; `TRANSFER_SRC`.
    pub fn hashes(&self) -> vk::Buffer {
        self.stores[1].buffer
    }

    /// How many blocks there are, across and down.
    pub fn blocks(&self) -> [u32; 2] {
        [self.size.width, self.size.height].map(|pixels| pixels.div_ceil(SIDE))
    }

    /// What a set of image `index` binds after the picture.
    pub(super) fn bindings(&self, index: usize) -> [vk::DescriptorBufferInfo; 3] {
        let [keys, hashes, words] = self.stores.each_ref().map(|store| {
            vk::DescriptorBufferInfo::default().buffer(store.buffer).range(vk::WHOLE_SIZE)
        });
        [keys, hashes, words.offset((index * APART) as u64).range(size_of::<u32>() as u64)]
    }

    /// Before a look at image `index` is submitted, and after the last one is done.
    pub fn begin(&self, index: usize) {
        if let Some(word) = self.word(index) {
            word.store(0, Ordering::Relaxed);
        }
    }

    /// Whether the last look at image `index`, which is done, found another picture than the look
    /// before it had seen. The first look says nothing: there is nothing to compare with.
    pub fn differs(&self, index: usize) -> bool {
        self.word(index).is_none_or(|word| word.load(Ordering::Acquire) != 0)
    }

    fn word(&self, index: usize) -> Option<&AtomicU32> {
        let first = self.stores[2].address().ok().filter(|_| index < self.images)?;
        let word = std::ptr::with_exposed_provenance::<AtomicU32>(first + index * APART);
        // SAFETY: mapped, coherent, as long as the store; its `APART` bytes are this word's.
        Some(unsafe { &*word })
    }

    fn write_keys(&self) -> Result<(), LayerError> {
        let to = std::ptr::with_exposed_provenance_mut::<Hash>(self.stores[0].address()?);
        let keys = self.keys.all();
        // SAFETY: as many are mapped (`stores`), and nobody reads them yet.
        unsafe { to.copy_from_nonoverlapping(keys.as_ptr(), keys.len()) };
        Ok(())
    }

    fn lay_out(&mut self) -> Result<(), LayerError> {
        let binding = |(binding, kind)| {
            vk::DescriptorSetLayoutBinding::default()
                .binding(binding)
                .descriptor_type(kind)
                .descriptor_count(1)
                .stage_flags(vk::ShaderStageFlags::COMPUTE)
        };
        let (image, buffer) =
            (vk::DescriptorType::SAMPLED_IMAGE, vk::DescriptorType::STORAGE_BUFFER);
        let bindings = [(0, image), (1, buffer), (2, buffer), (3, buffer)].map(binding);
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        // SAFETY: the info points to locals.
        self.set_layout = unsafe { self.raw.create_descriptor_set_layout(&info, None) }
            .doing("create a set layout")?;
        let layouts = [self.set_layout];
        let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&layouts);
        // SAFETY: as above.
        self.layout = unsafe { self.raw.create_pipeline_layout(&info, None) }
            .doing("create a pipeline layout")?;
        Ok(())
    }

    fn compile(&mut self, reading: Reading) -> Result<(), LayerError> {
        let info = vk::ShaderModuleCreateInfo::default().code(reading.module());
        // SAFETY: the code is valid SPIR-V: naga made it.
        let module =
            unsafe { self.raw.create_shader_module(&info, None) }.doing("load a shader")?;
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(c"main");
        let info = vk::ComputePipelineCreateInfo::default().stage(stage).layout(self.layout);
        let cache = vk::PipelineCache::null();
        // SAFETY: the info points to locals; the shader's bindings are those of the layout.
        let made = unsafe { self.raw.create_compute_pipelines(cache, &[info], None) };
        // SAFETY: a pipeline needs its module no more.
        unsafe { self.raw.destroy_shader_module(module, None) };
        self.pipeline = made.map_err(|(_, err)| err).doing("compile a shader")?[0];
        Ok(())
    }
}

/// Keys, hashes and words. Keys and words are written or read by the CPU; the keys are read by the
/// device for each pixel, so they rather lie with it.
fn stores(
    ground: &Ground<'_>,
    keys: &Keys,
    size: Extent,
    images: usize,
) -> Result<[Store; 3], LayerError> {
    let blocks = u64::from(size.width.div_ceil(SIDE)) * u64::from(size.height.div_ceil(SIDE));
    let hash = size_of::<Hash>() as u64;
    let seen = P::HOST_VISIBLE | P::HOST_COHERENT;
    let near = [P::DEVICE_LOCAL | seen, seen];
    Ok([
        Store::new(ground, keys.all().len() as u64 * hash, &near)?,
        Store::new(ground, blocks * hash, &[P::DEVICE_LOCAL, P::empty()])?,
        Store::new(ground, (images * APART) as u64, &[P::HOST_CACHED | seen, seen])?,
    ])
}

impl Drop for Looker {
    fn drop(&mut self) {
        // SAFETY: no look is pending (see the type); null is allowed.
        unsafe { self.raw.destroy_pipeline(self.pipeline, None) };
        // SAFETY: as above.
        unsafe { self.raw.destroy_pipeline_layout(self.layout, None) };
        // SAFETY: as above; every set of it is freed (`Sight`).
        unsafe { self.raw.destroy_descriptor_set_layout(self.set_layout, None) };
    }
}
