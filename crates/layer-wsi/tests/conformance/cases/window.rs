//! What becomes of a swapchain when its window changes.

use std::time::Duration;

use ash::vk;
use zerohop_frame::Extent;
use zerohop_testkit::rig::{Easel, Swapchain, Window};

use super::Case;
use crate::bench::{Bench, Outcome, Stage, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("window::resized", resized),
    Case::new("window::resized_while_acquired", resized_while_acquired),
    Case::new("window::resized_many_times", resized_many_times),
    Case::new("window::unmapped", unmapped),
    Case::new("window::destroyed", destroyed),
    Case::new("window::created_for_an_older_size", created_for_an_older_size),
];

/// How many pictures may pass until a change is noticed.
const SOON: u32 = 10;

fn window(stage: &Stage) -> Outcome<&Window> {
    let window = stage.surface.window();
    let none = || Verdict::Unsupported("the platform has no windows".to_owned());
    window.is_real().then_some(window).ok_or_else(none)
}

/// Shows pictures until one is suboptimal or fails, and gives what was said.
fn until_noticed(easel: &mut Easel, swapchain: &Swapchain) -> Outcome<vk::Result> {
    for frame in 0..SOON {
        match easel.show(swapchain, frame) {
            Ok(false) => {}
            Ok(true) => return Ok(vk::Result::SUBOPTIMAL_KHR),
            Err(err) => return err.code().ok_or_else(|| Verdict::Failed(err.to_string())),
        }
        // A real server takes its time to say so.
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(vk::Result::SUCCESS)
}

fn stale(code: vk::Result) -> bool {
    matches!(code, vk::Result::SUBOPTIMAL_KHR | vk::Result::ERROR_OUT_OF_DATE_KHR)
}

fn resized(bench: &Bench) -> Outcome {
    let mut stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    easel.show(&swapchain, 0)?;
    window(&stage)?.resize(Extent { width: 200, height: 150 })?;
    let code = until_noticed(&mut easel, &swapchain)?;
    ensure!(stale(code), "{code:?} after a resize");
    stage.caps = stage.surface.capabilities(stage.device.physical())?;
    let want = vk::Extent2D { width: 200, height: 150 };
    ensure!(stage.caps.current_extent == want, "{:?}", stage.caps.current_extent);
    let info = stage.info().old_swapchain(swapchain.raw());
    let new = Swapchain::new(&stage.device, &info)?;
    let mut easel = stage.easel(&new)?;
    let code = until_noticed(&mut easel, &new)?;
    ensure!(code == vk::Result::SUCCESS, "{code:?} at the right size");
    Ok(())
}

fn resized_while_acquired(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    let index = easel.draw(&swapchain, 0)?.index;
    window(&stage)?.resize(Extent { width: 20, height: 15 })?;
    match swapchain.present(index, &[easel.drawn(index)]) {
        Ok(_) | Err(vk::Result::ERROR_OUT_OF_DATE_KHR) => {}
        Err(code) => return Err(code.into()),
    }
    let code = until_noticed(&mut easel, &swapchain)?;
    ensure!(stale(code), "{code:?} after a resize");
    Ok(())
}

fn resized_many_times(bench: &Bench) -> Outcome {
    let mut stage = bench.stage()?;
    let mut swapchain = stage.swapchain()?;
    for turn in 1..30 {
        window(&stage)?.resize(Extent { width: 10 * turn, height: 300 / turn })?;
        stage.caps = stage.surface.capabilities(stage.device.physical())?;
        let info = stage.info().old_swapchain(swapchain.raw());
        swapchain = Swapchain::new(&stage.device, &info)?;
        stage.easel(&swapchain)?.show(&swapchain, turn)?;
    }
    Ok(())
}

/// Nothing is seen, and nothing stops.
fn unmapped(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    easel.show(&swapchain, 0)?;
    window(&stage)?.show(false)?;
    for frame in 1..SOON {
        easel.show(&swapchain, frame)?;
    }
    window(&stage)?.show(true)?;
    easel.show(&swapchain, SOON)?;
    Ok(())
}

fn destroyed(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    easel.show(&swapchain, 0)?;
    window(&stage)?.destroy()?;
    let code = until_noticed(&mut easel, &swapchain)?;
    let lost = vk::Result::ERROR_SURFACE_LOST_KHR;
    ensure!(code == lost || code == vk::Result::ERROR_OUT_OF_DATE_KHR, "{code:?}");
    let code = stage.surface.capabilities(stage.device.physical()).err();
    ensure!(code == Some(lost), "{code:?} from the capabilities");
    Ok(())
}

/// The window was resized between the query and the creation: it must not fail, since the
/// application cannot know.
fn created_for_an_older_size(bench: &Bench) -> Outcome {
    let stage = bench.stage()?;
    window(&stage)?.resize(Extent { width: 50, height: 40 })?;
    match Swapchain::new(&stage.device, &stage.info()) {
        Ok(swapchain) => {
            let mut easel = stage.easel(&swapchain)?;
            let code = until_noticed(&mut easel, &swapchain)?;
            ensure!(stale(code), "{code:?} at the wrong size");
            Ok(())
        }
        Err(vk::Result::ERROR_INITIALIZATION_FAILED) => Ok(()),
        Err(code) => Err(code.into()),
    }
}
