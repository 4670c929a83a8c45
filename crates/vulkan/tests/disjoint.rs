//! Images whose planes are bound one by one, each in a memory object of its own or all in one, with and
//! without control planes: pixel for pixel.
//!
//! A program of its own, over `VK_LAYER_ZEROHOP_modifiers` as `modifiers`, and the one without the validation
//! layer: that of 1.4.309 crashes when planes are bound by `MEMORY_PLANE_1` and on, as the specification wants
//! it (VUID-VkBindImagePlaneMemoryInfo-planeAspect-02284), since it takes all of them for the first. What it
//! would look at is looked at by the layer: which planes are bound, all at once, and to what.

mod common;
#[path = "planes/controlled.rs"]
mod controlled;
#[path = "planes/every.rs"]
mod every;
#[path = "planes/picture.rs"]
mod picture;

use std::process::ExitCode;
use std::sync::Arc;

use common::{Machine, Test, begin_over, one, open_unheard, takes_dma_bufs};
use controlled::{by, changed, refusal};
use libtest_mimic::Arguments;
use picture::Shape;
use zerohop_layer_modifiers::{LAYER_NAME, LIBRARY, install};
use zerohop_vulkan::{Error, Way};

fn main() -> ExitCode {
    if let Err(err) = begin_over(LAYER_NAME, LIBRARY, install) {
        eprintln!("disjoint: {err}");
        return ExitCode::FAILURE;
    }
    let machine = open_unheard().map(Arc::new);
    let trial = |name, test: Test| one("dma_buf", name, machine.clone(), takes_dma_bufs, test);
    let tests = vec![
        trial("planes_are_bound_one_by_one", bound),
        trial("the_best_way_of_each_shape_is_taken", best),
        trial("a_control_plane_elsewhere_is_noticed", elsewhere),
        trial("a_plane_that_does_not_fit_its_object_is_refused", small),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn bound(machine: &Machine) -> Result<(), Error> {
    assert!(by(machine, &[Way::Disjoint])? >= 40, "16 formats");
    Ok(())
}

fn best(machine: &Machine) -> Result<(), Error> {
    assert!(by(machine, &Way::ALL)? >= 80, "28 formats");
    Ok(())
}

/// What our own stand-in says, so that the tests above could fail.
fn elsewhere(machine: &Machine) -> Result<(), Error> {
    let swapped = changed(Shape::Apart, |it| it.planes.swap(2, 3));
    let why = refusal(machine, &swapped, Way::Disjoint);
    assert!(why.ends_with("ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT"), "{why}");
    Ok(())
}

fn small(machine: &Machine) -> Result<(), Error> {
    let far = changed(Shape::Apart, |it| it.planes[1].offset = 3 << 10);
    let why = refusal(machine, &far, Way::Disjoint);
    assert_eq!(why, "the picture needs 4608 bytes, the memory has 4096");
    Ok(())
}
