//! Modifiers with more planes in memory than the format has: every format, in one memory object and in
//! several, pixel for pixel.
//!
//! No driver here has such. The program begins itself anew with `VK_LAYER_ZEROHOP_modifiers`, which adds
//! them to the driver and looks that each plane is where it was said to be, below the validation layer,
//! which looks that it was said as the specification wants it. It also looks that memory of others is taken
//! from them and given back.

mod common;
#[path = "planes/controlled.rs"]
mod controlled;
#[path = "planes/every.rs"]
mod every;
#[path = "planes/owned.rs"]
mod owned;
#[path = "planes/picture.rs"]
mod picture;

use std::process::ExitCode;
use std::sync::Arc;

use common::{Machine, Test, VALIDATION, begin_over, one, open, takes_dma_bufs};
use controlled::{by, changed, refusal};
use libtest_mimic::Arguments;
use picture::Shape;
use zerohop_layer_modifiers::{LAYER_NAME, LIBRARY, install};
use zerohop_vulkan::{Device, Error, Way};

fn main() -> ExitCode {
    if let Err(err) = begin_over(&format!("{VALIDATION}:{LAYER_NAME}"), LIBRARY, install) {
        eprintln!("modifiers: {err}");
        return ExitCode::FAILURE;
    }
    let machine = open().map(Arc::new);
    let trial = |name, test: Test| one("dma_buf", name, machine.clone(), takes_dma_bufs, test);
    let always: fn(&Device) -> bool = |_| true;
    let plain = |name, test: Test| one("device", name, machine.clone(), always, test);
    let tests = vec![
        trial("all_memory_planes_in_one_object_are_one_image", whole),
        trial("each_plane_takes_the_planes_that_belong_to_it", each),
        trial("a_device_copies_what_its_shaders_do_not_read", copied),
        trial("another_number_of_memory_planes_is_refused", number),
        trial("a_control_plane_elsewhere_is_noticed", elsewhere),
        trial("a_control_plane_outside_of_its_memory_is_refused", outside),
        trial("a_dma_buf_passes_to_foreign_and_back_with_what_is_in_it", owned::dma_bufs),
        plain("opaque_memory_passes_to_external_and_back_with_what_is_in_it", owned::opaque),
        plain("an_opaque_image_is_taken_and_given_back", owned::images),
        plain("what_others_have_too_is_not_written_unopened", owned::unopened),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn whole(machine: &Machine) -> Result<(), Error> {
    assert!(by(machine, &[Way::Image])? >= 60, "28 formats, most with control planes");
    Ok(())
}

fn each(machine: &Machine) -> Result<(), Error> {
    assert!(by(machine, &[Way::PlaneImages])? >= 40, "18 formats");
    Ok(())
}

fn copied(machine: &Machine) -> Result<(), Error> {
    assert!(by(machine, &[Way::DeviceCopy])? >= 40, "18 formats");
    Ok(())
}

fn number(machine: &Machine) -> Result<(), Error> {
    let few = changed(Shape::Padded, |it| it.planes.truncate(3));
    let why = refusal(machine, &few, Way::Image);
    let begins = why.starts_with("modifier 0x7f00000000000101 of format");
    assert!(begins && why.ends_with("has 4 memory planes, not 3"), "{why}");
    let why = refusal(machine, &few, Way::PlaneImages);
    assert_eq!(why, "cannot import memory planes that belong to no plane");
    Ok(())
}

/// What our own stand-in says, so that the tests above could fail.
fn elsewhere(machine: &Machine) -> Result<(), Error> {
    let swapped = changed(Shape::Padded, |it| it.planes.swap(2, 3));
    for way in [Way::Image, Way::PlaneImages] {
        let why = refusal(machine, &swapped, way);
        assert!(why.ends_with("ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT"), "{why}");
    }
    Ok(())
}

fn outside(machine: &Machine) -> Result<(), Error> {
    let far = changed(Shape::Padded, |it| it.planes[3].offset = 1 << 20);
    let why = refusal(machine, &far, Way::Image);
    assert!(why.ends_with("plane 3 ends at byte 1048577 of object 0, which has 12288"), "{why}");
    // It begins inside, and only the driver knows how long it is.
    let last = changed(Shape::Padded, |it| it.planes[3].offset = 12_287);
    let why = refusal(machine, &last, Way::Image);
    assert_eq!(why, "the picture needs 12303 bytes, the memory has 12288");
    Ok(())
}
