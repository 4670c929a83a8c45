//! `PRESENT_SRC_KHR` on drivers that have no such layout: every place where Vulkan names the layout
//! of an image is known, and none lets it through.
#![allow(unsafe_code, reason = "a loader of our own calls the layer")]

mod below;
mod calls;
mod members;
mod table;

use std::collections::BTreeSet;
use std::process::ExitCode;

use ash::vk;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use calls::Application;
use members::Member;
use table::{PLACES, Treatment};

/// Where Debian's `libvulkan-dev` has it.
const HEADER: &str = "/usr/include/vulkan/vulkan_core.h";

fn main() -> ExitCode {
    let tests = vec![
        Trial::test("every_place_in_the_bindings_is_known", bindings),
        Trial::ignorable_test("every_place_in_the_header_is_known", header),
        Trial::test("every_place_that_may_name_it_is_rewritten", rewritten),
        Trial::test("a_driver_that_has_it_gets_it", untouched),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn bindings() -> Result<(), Failed> {
    known(&members::of_bindings(&members::bindings()?), 35)
}

fn header() -> Result<Completion, Failed> {
    match std::fs::read_to_string(HEADER) {
        Ok(text) => known(&members::of_header(&text), 35).map(|()| Completion::Completed),
        Err(err) => zerohop_needs::absent("vulkan_headers", &format!("{HEADER}: {err}")),
    }
}

/// Fails for a place that is not in the table, or when fewer than `least` were read.
fn known(found: &BTreeSet<Member>, least: usize) -> Result<(), Failed> {
    let is_known = |(owner, member): &Member| {
        PLACES.iter().any(|place| (place.0, place.1) == (owner.as_str(), member.as_str()))
    };
    let unknown: Vec<_> = found.iter().filter(|member| !is_known(member)).collect();
    if !unknown.is_empty() {
        return Err(format!("nothing is known of {unknown:?}: see tests/layouts/table.rs").into());
    }
    if found.len() < least {
        return Err(format!("only {} places were read: {found:?}", found.len()).into());
    }
    Ok(())
}

fn rewritten() -> Result<(), Failed> {
    each(&Application::new(false), vk::ImageLayout::GENERAL)
}

fn untouched() -> Result<(), Failed> {
    each(&Application::new(true), vk::ImageLayout::PRESENT_SRC_KHR)
}

/// Names the layout in every place that may, and fails unless the driver sees `expected`.
fn each(app: &Application, expected: vk::ImageLayout) -> Result<(), Failed> {
    for (owner, member, treatment) in PLACES {
        match treatment {
            Treatment::Excused("") => {
                return Err(format!("{owner}.{member} is excused without a rule").into());
            }
            Treatment::Excused(_) => {}
            Treatment::Rewritten(call) => {
                call(app);
                let seen = below::seen();
                if seen.is_empty() || seen.iter().any(|layout| *layout != expected) {
                    return Err(format!("{owner}.{member}: {seen:?}, not {expected:?}").into());
                }
            }
        }
    }
    Ok(())
}
