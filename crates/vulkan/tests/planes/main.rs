//! Pictures of several planes: every format, in every shape of memory, by every way in, pixel for
//! pixel.

#[path = "../common/mod.rs"]
mod common;
#[path = "../../fuzz/descriptors.rs"]
mod descriptors;
mod dma_bufs;
mod every;
mod memfds;
mod opaque;
mod picture;

use std::process::ExitCode;
use std::sync::Arc;

use common::{Test, one, open, takes_dma_bufs};
use dma_bufs::{dma_bufs, dma_bufs_by_themselves, fences, takes_disjoint, unknown};
use libtest_mimic::Arguments;
use memfds::{
    any_descriptor, imported_once, memfds_as_buffers, memfds_copied, other_kinds,
    sizes_are_checked, the_best_way,
};
use opaque::{opaque_planes, opaque_rows};
use zerohop_vulkan::{Device, Way};

fn main() -> ExitCode {
    let machine = open().map(Arc::new);
    let always = |_: &Device| true;
    let trial = |need, name, has: fn(&Device) -> bool, test: Test| {
        one(need, name, machine.clone(), has, test)
    };
    let host = Device::has_host_pointers;
    let tests = vec![
        trial("host_pointers", "memfd_planes_are_seen_as_buffers", host, memfds_as_buffers),
        trial("device", "memfd_planes_are_copied_where_nothing_else_works", always, memfds_copied),
        trial("device", "the_best_way_of_a_memfd_is_taken", always, the_best_way),
        trial(
            "device",
            "each_size_is_checked_before_the_driver_sees_it",
            always,
            sizes_are_checked,
        ),
        trial("device", "memory_of_another_kind_is_refused", always, other_kinds),
        trial("device", "a_decoders_surface_is_imported_once", always, imported_once),
        trial("device", "rows_in_opaque_memory_are_read_where_they_lie", always, opaque_rows),
        trial("device", "planes_of_one_opaque_image_are_read_one_by_one", always, opaque_planes),
        trial("device", "any_descriptor_is_read_rightly_or_refused", always, any_descriptor),
        trial("dma_buf", "dma_bufs_are_one_image", takes_dma_bufs, |it| dma_bufs(it, Way::Image)),
        trial("disjoint", "dma_bufs_are_a_disjoint_image", takes_disjoint, |it| {
            dma_bufs(it, Way::Disjoint)
        }),
        trial("dma_buf", "dma_bufs_are_an_image_for_each_plane", takes_dma_bufs, |it| {
            dma_bufs(it, Way::PlaneImages)
        }),
        trial("dma_buf", "dma_bufs_are_buffers", takes_dma_bufs, |it| dma_bufs(it, Way::Buffers)),
        trial("dma_buf", "dma_bufs_are_made_linear_by_the_device", takes_dma_bufs, |it| {
            dma_bufs(it, Way::DeviceCopy)
        }),
        trial("dma_buf", "dma_bufs_are_copied_by_the_cpu", takes_dma_bufs, |it| {
            dma_bufs(it, Way::CpuCopy)
        }),
        trial("dma_buf", "every_dma_buf_comes_in_unasked", takes_dma_bufs, dma_bufs_by_themselves),
        trial("dma_buf", "fences_of_dma_bufs_come_out_as_one", takes_dma_bufs, fences),
        trial("dma_buf", "an_unknown_modifier_is_refused_with_reasons", takes_dma_bufs, unknown),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
