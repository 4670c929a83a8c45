//! Compute pipelines and what they read.
//!
//! Every shader sees the same two sets: set 0 binds the picture, and belongs to its
//! [`Image`](crate::Image); set 1 binds the storage buffers of the pass, from binding 0 on
//! ([`Bindings`]).
//!
//! A picture comes in one of three sights ([`Sight`]), with three bindings each: its planes as sampled
//! images, of codes or of words, or as storage buffers in which they lie by offset and stride.
//! Bindings past the last plane repeat it, so that one shader may name all three. Beside images there
//! is a sampler, binding 3, that takes the nearest texel and at the edge the last one: with it a
//! shader gathers four texels at once.

use std::sync::Arc;

use ash::vk;

use crate::error::Doing;
use crate::{Buffer, Device, Error};

/// The most planes that shaders see of a picture.
pub(crate) const SEEN: usize = 3;

/// What shaders see of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sight {
    /// Sampled images, one for each plane.
    Images,
    /// A sampled image of the only plane whose texels are the words of pixels, as they lie in memory:
    /// `R32_UINT`, or `R32G32_UINT` of pixels with 8 bytes.
    Words,
    /// Storage buffers, one for each plane, which is somewhere in it
    /// ([`Plane::place`](crate::Plane::place)).
    Buffers,
}

/// The sets that shaders see.
#[derive(Clone, Copy)]
pub(crate) enum SetLayout {
    /// Set 0.
    Picture(Sight),
    /// Set 1: this many storage buffers.
    Buffers(u32),
}

impl SetLayout {
    /// `sampler` is that beside images.
    pub(crate) fn create(
        self,
        device: &ash::Device,
        sampler: vk::Sampler,
    ) -> Result<vk::DescriptorSetLayout, Error> {
        let (count, kind) = self.content();
        let binding = |binding, kind| {
            vk::DescriptorSetLayoutBinding::default()
                .binding(binding)
                .descriptor_type(kind)
                .descriptor_count(1)
                .stage_flags(vk::ShaderStageFlags::COMPUTE)
        };
        let samplers = [sampler];
        let mut bindings: Vec<_> = (0..count).map(|index| binding(index, kind)).collect();
        if kind == vk::DescriptorType::SAMPLED_IMAGE {
            let beside = binding(count, vk::DescriptorType::SAMPLER);
            bindings.push(beside.immutable_samplers(&samplers));
        }
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        // SAFETY: `info` points to locals.
        unsafe { device.create_descriptor_set_layout(&info, None) }.doing("create a set layout")
    }

    fn content(self) -> (u32, vk::DescriptorType) {
        match self {
            Self::Picture(Sight::Images | Sight::Words) => {
                (SEEN as u32, vk::DescriptorType::SAMPLED_IMAGE)
            }
            Self::Picture(Sight::Buffers) => (SEEN as u32, vk::DescriptorType::STORAGE_BUFFER),
            Self::Buffers(count) => (count, vk::DescriptorType::STORAGE_BUFFER),
        }
    }
}

/// One descriptor set in a pool of its own.
pub(crate) struct Set {
    device: Arc<Device>,
    pool: vk::DescriptorPool,
    raw: vk::DescriptorSet,
}

impl Set {
    pub(crate) fn new(
        device: &Arc<Device>,
        kind: SetLayout,
        layout: vk::DescriptorSetLayout,
    ) -> Result<Self, Error> {
        let (count, kind) = kind.content();
        let size = |kind, count| vk::DescriptorPoolSize::default().ty(kind).descriptor_count(count);
        // Not every set has a sampler, but no pool may be without room for one that has.
        let sizes = [size(kind, count), size(vk::DescriptorType::SAMPLER, 1)];
        let info = vk::DescriptorPoolCreateInfo::default().max_sets(1).pool_sizes(&sizes);
        // SAFETY: `info` points to locals.
        let pool = unsafe { device.raw().create_descriptor_pool(&info, None) }
            .doing("create a descriptor pool")?;
        let mut set = Self { device: Arc::clone(device), pool, raw: vk::DescriptorSet::null() };
        let layouts = [layout];
        let info =
            vk::DescriptorSetAllocateInfo::default().descriptor_pool(pool).set_layouts(&layouts);
        // SAFETY: the pool was made for one such set.
        let sets = unsafe { device.raw().allocate_descriptor_sets(&info) };
        set.raw = sets.doing("allocate a descriptor set")?[0];
        Ok(set)
    }

    pub(crate) fn write(&self, writes: &[vk::WriteDescriptorSet<'_>]) {
        // SAFETY: callers write once, before the first use, and keep what they bind.
        unsafe { self.device.raw().update_descriptor_sets(writes, &[]) };
    }

    pub(crate) fn raw(&self) -> vk::DescriptorSet {
        self.raw
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        // SAFETY: a recording that uses the set keeps its owner until its submission is done.
        unsafe { self.device.raw().destroy_descriptor_pool(self.pool, None) };
    }
}

/// The storage buffers of a dispatch: set 1 of its shader.
pub struct Bindings {
    set: Set,
    /// Kept as long as the set names them.
    buffers: Vec<Arc<Buffer>>,
}

impl Bindings {
    /// Binds `buffers` in order, for shaders of `pipeline`.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    ///
    /// # Panics
    ///
    /// When the pipeline takes another number of buffers.
    pub fn new(pipeline: &ComputePipeline, buffers: Vec<Arc<Buffer>>) -> Result<Self, Error> {
        let count = u32::try_from(buffers.len()).unwrap_or(u32::MAX);
        assert_eq!(count, pipeline.buffers, "one buffer for each binding of the shader");
        let set = Set::new(&pipeline.device, SetLayout::Buffers(count), pipeline.set_layout)?;
        let infos: Vec<_> = buffers
            .iter()
            .map(|one| {
                [vk::DescriptorBufferInfo::default().buffer(one.raw()).range(vk::WHOLE_SIZE)]
            })
            .collect();
        let writes: Vec<_> = (0..)
            .zip(&infos)
            .map(|(binding, info)| {
                vk::WriteDescriptorSet::default()
                    .dst_set(set.raw())
                    .dst_binding(binding)
                    .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                    .buffer_info(info)
            })
            .collect();
        set.write(&writes);
        Ok(Self { set, buffers })
    }

    pub(crate) fn raw(&self) -> vk::DescriptorSet {
        self.set.raw()
    }

    pub(crate) fn buffers(&self) -> &[Arc<Buffer>] {
        &self.buffers
    }
}

/// A compute pipeline with its layouts.
pub struct ComputePipeline {
    device: Arc<Device>,
    set_layout: vk::DescriptorSetLayout,
    layout: vk::PipelineLayout,
    raw: vk::Pipeline,
    sight: Sight,
    buffers: u32,
    push_bytes: u32,
}

impl ComputePipeline {
    /// Compiles `spirv`, whose entry point is `main`, which sees pictures as `sight`, binds
    /// `buffers` storage buffers in set 1 and reads `push_bytes` of push constants.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn new(
        device: &Arc<Device>,
        spirv: &[u32],
        sight: Sight,
        buffers: u32,
        push_bytes: u32,
    ) -> Result<Arc<Self>, Error> {
        let flags = vk::PipelineShaderStageCreateFlags::empty();
        Self::with(device, spirv, sight, (buffers, push_bytes), flags)
    }

    /// As [`new`](Self::new), for a shader that relies on full subgroups.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where [`Capabilities::shuffles`](crate::Capabilities) says that there are
    /// none, [`Error::Call`].
    ///
    /// # References
    ///
    /// `VUID-VkPipelineShaderStageCreateInfo-flags-02759`: the width of a workgroup is a multiple of
    /// the subgroup's size.
    pub fn with_full_subgroups(
        device: &Arc<Device>,
        spirv: &[u32],
        sight: Sight,
        buffers: u32,
        push_bytes: u32,
    ) -> Result<Arc<Self>, Error> {
        if device.capabilities().shuffles.is_none() {
            return Err(Error::Missing("full subgroups that shuffle"));
        }
        let flags = vk::PipelineShaderStageCreateFlags::REQUIRE_FULL_SUBGROUPS;
        Self::with(device, spirv, sight, (buffers, push_bytes), flags)
    }

    fn with(
        device: &Arc<Device>,
        spirv: &[u32],
        sight: Sight,
        (buffers, push_bytes): (u32, u32),
        flags: vk::PipelineShaderStageCreateFlags,
    ) -> Result<Arc<Self>, Error> {
        let mut pipeline = Self {
            device: Arc::clone(device),
            set_layout: SetLayout::Buffers(buffers).create(device.raw(), vk::Sampler::null())?,
            layout: vk::PipelineLayout::null(),
            raw: vk::Pipeline::null(),
            sight,
            buffers,
            push_bytes,
        };
        pipeline.layout = pipeline.create_layout()?;
        pipeline.raw = pipeline.compile(spirv, flags)?;
        Ok(Arc::new(pipeline))
    }

    fn create_layout(&self) -> Result<vk::PipelineLayout, Error> {
        let sets = [self.device.picture_layout(self.sight), self.set_layout];
        let push = [vk::PushConstantRange::default()
            .stage_flags(vk::ShaderStageFlags::COMPUTE)
            .size(self.push_bytes)];
        let info =
            vk::PipelineLayoutCreateInfo::default().set_layouts(&sets).push_constant_ranges(&push);
        // SAFETY: both set layouts are alive: ours, and the device's, which we hold.
        unsafe { self.device.raw().create_pipeline_layout(&info, None) }
            .doing("create a pipeline layout")
    }

    fn compile(
        &self,
        spirv: &[u32],
        flags: vk::PipelineShaderStageCreateFlags,
    ) -> Result<vk::Pipeline, Error> {
        let device = self.device.raw();
        let info = vk::ShaderModuleCreateInfo::default().code(spirv);
        // SAFETY: the words come from the shader compiler at build time.
        let module =
            unsafe { device.create_shader_module(&info, None) }.doing("create a shader module")?;
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .flags(flags)
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(c"main");
        let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(self.layout)];
        let cache = vk::PipelineCache::null();
        // SAFETY: module and layout are alive.
        let made = unsafe { device.create_compute_pipelines(cache, &info, None) };
        // SAFETY: a module is not needed once its pipeline is made.
        unsafe { device.destroy_shader_module(module, None) };
        Ok(made.map_err(|(_, err)| err).doing("compile a shader")?[0])
    }

    pub(crate) fn raw(&self) -> vk::Pipeline {
        self.raw
    }

    /// What the shader sees pictures as.
    pub fn sight(&self) -> Sight {
        self.sight
    }

    pub(crate) fn layout(&self) -> vk::PipelineLayout {
        self.layout
    }

    pub(crate) fn push_bytes(&self) -> u32 {
        self.push_bytes
    }
}

impl Drop for ComputePipeline {
    fn drop(&mut self) {
        let device = self.device.raw();
        // SAFETY: a recording that uses the pipeline keeps it until its submission is done.
        unsafe { device.destroy_pipeline(self.raw, None) };
        // SAFETY: as above.
        unsafe { device.destroy_pipeline_layout(self.layout, None) };
        // SAFETY: as above; sets made from it live on without it (`vkDestroyDescriptorSetLayout`).
        unsafe { device.destroy_descriptor_set_layout(self.set_layout, None) };
    }
}
