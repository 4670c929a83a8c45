//! Every way into CUDA: what it has there is the picture, to the last bit. On a GPU that CUDA's driver
//! knows; elsewhere over a stand-in for that driver, which has the memory of the Vulkan device on the
//! CPU and the textures of Mesa's OpenGL ES.
//!
//! Each case runs in a process of its own. Its parent reads what the stand-in found: broken rules,
//! and what was not given back.

mod cases;
mod dma_bufs;
mod imports;
mod pictures;
mod stage;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use stage::{Case, trial};
use zerohop_manifest::DMABUF;

/// Every case: what it needs, its name, and what runs.
const CASES: &[Case] = &[
    Case::new("an_image_of_the_applications_is_an_array_without_a_copy", cases::opaque),
    Case::new("rows_of_the_applications_are_read_where_they_lie", cases::opaque_rows),
    Case::new("rows_in_a_memfd_are_locked_once_and_read_where_they_lie", cases::locked)
        // One proof and three pictures, each with locked memory to be read back to for every read.
        .at_most(&[("cuMemHostRegister_v2", 15)]),
    Case::new("rows_in_a_memfd_come_over_the_vulkan_bridge", cases::bridged).at_most(&[
        // One proof, and four copies of each of four shapes.
        ("cuImportExternalMemory", 17),
        ("cuStreamCreate", 1),
    ]),
    Case::new("many_pictures_take_what_a_few_take", cases::many)
        .at_most(&[("cuImportExternalMemory", 2), ("cuMemHostRegister_v2", 3)]),
    Case::new("the_cpu_copies_what_comes_no_other_way_and_it_is_said", cases::hosted),
    Case::new("the_cpu_copies_many_pictures_with_what_a_few_take", cases::many_hosted)
        // The sample and two pictures: made, filled and imported. What each of two sizes is read through.
        .without("memory=16")
        // Three of each size, and what is read back to: twice in the proof, and once here.
        .at_most(&[("cuMemHostRegister_v2", 9), ("cuStreamCreate", 1)]),
    Case::new("a_way_that_fails_its_proof_is_not_taken_and_says_why", cases::refused)
        .failing("cuExternalMemoryGetMappedBuffer:1=999"),
    Case::new("a_proven_way_that_fails_is_left_for_the_next_one", cases::latched)
        .failing("cuExternalMemoryGetMappedBuffer:2=999"),
    Case::new("a_picture_of_several_planes_comes_as_one_run_of_bytes", cases::planes),
    Case::new("a_picture_without_a_way_is_refused", cases::no_way),
    Case::new("more_imports_than_the_gpu_has_room_for_leave_nothing_behind", imports::flat),
    Case::new("what_is_no_memory_and_no_semaphore_is_refused_by_name", imports::garbage),
    Case::new("a_timeline_of_vulkans_is_waited_for_on_a_stream", imports::timeline),
    Case::new("luma_and_chroma_below_it_are_one_surface", imports::stacked),
    Case::new("planes_in_an_image_of_the_applications_are_copied_by_the_gpu", cases::opaque_planes),
    Case::new("a_texture_is_registered_once_and_mapped_for_every_picture", cases::texture)
        .needing("egl")
        .at_most(&[("cuGraphicsGLRegisterImage", 1)]),
    Case::new("dma_bufs_come_over_the_egl_bridge", dma_bufs::drawn).needing("dma_buf"),
    Case::new("dma_bufs_come_over_the_vulkan_bridge", dma_bufs::copied).needing("dma_buf"),
    Case::new("dma_bufs_come_to_a_driver_that_has_none", dma_bufs::copied)
        .needing("dma_buf")
        .without_dma_bufs(&[]),
    Case::new("dma_bufs_come_to_a_driver_under_the_layer_that_has_them", dma_bufs::copied)
        .needing("dma_buf")
        .without_dma_bufs(&[DMABUF.name]),
];

fn main() -> ExitCode {
    if let Some(code) = stage::child(CASES) {
        return code;
    }
    libtest_mimic::run(&Arguments::from_args(), CASES.iter().map(trial).collect()).exit_code()
}
