//! `VK_KHR_present_id` and `VK_KHR_present_wait`.

use std::thread;
use std::time::{Duration, Instant};

use ash::{khr, vk};
use zerohop_testkit::rig::{DeviceOptions, Easel, Features, Swapchain};

use super::Case;
use crate::bench::{Bench, Outcome, Stage, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("present_id::zero", zero),
    Case::new("present_id::increasing", increasing),
    Case::new("present_id::none", none).without_validation(),
    Case::new("present_wait::single_frame", single_frame),
    Case::new("present_wait::every_frame", every_frame),
    Case::new("present_wait::past_frames", past_frames),
    Case::new("present_wait::between_sparse_ids", between_sparse_ids),
    Case::new("present_wait::no_frames", no_frames),
    Case::new("present_wait::future_frame", future_frame),
    Case::new("present_wait::before_the_present", before_the_present).without_validation(),
    Case::new("present_wait::two_swapchains", two_swapchains),
    Case::new("present_wait::every_mode", every_mode),
];

const SECOND: Duration = Duration::from_secs(1);

fn id_stage(bench: &Bench) -> Outcome<Stage> {
    let features = Features { present_id: true, ..Features::default() };
    bench.stage_with(&DeviceOptions { extensions: &[khr::present_id::NAME], features })
}

fn wait_stage(bench: &Bench) -> Outcome<Stage> {
    let features = Features { present_id: true, present_wait: true, ..Features::default() };
    let extensions = [khr::present_id::NAME, khr::present_wait::NAME];
    bench.stage_with(&DeviceOptions { extensions: &extensions, features })
}

/// Shows one picture as present `id`.
fn show(easel: &mut Easel, swapchain: &Swapchain, id: u64) -> Outcome {
    let index = easel.draw(swapchain, u32::try_from(id).unwrap_or(0))?.index;
    let (wait, ids) = ([easel.drawn(index)], [id]);
    let (swapchains, indices) = ([swapchain.raw()], [index]);
    let mut id = vk::PresentIdKHR::default().present_ids(&ids);
    let info = vk::PresentInfoKHR::default()
        .wait_semaphores(&wait)
        .swapchains(&swapchains)
        .image_indices(&indices)
        .push_next(&mut id);
    swapchain.present_with(&info)?;
    Ok(())
}

/// `vkWaitForPresentKHR`.
fn wait(stage: &Stage, swapchain: &Swapchain, id: u64, timeout: Duration) -> vk::Result {
    let commands =
        khr::present_wait::Device::new(stage.device.instance().raw(), stage.device.raw());
    let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    // SAFETY: the extension and its feature are enabled; the swapchain lives.
    match unsafe { commands.wait_for_present(swapchain.raw(), id, timeout) } {
        Ok(()) => vk::Result::SUCCESS,
        Err(code) => code,
    }
}

fn zero(bench: &Bench) -> Outcome {
    let stage = id_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    (0..4).try_for_each(|_| show(&mut easel, &swapchain, 0))
}

fn increasing(bench: &Bench) -> Outcome {
    let stage = id_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    [1, 2, 7, 0, 8, 1 << 40].into_iter().try_for_each(|id| show(&mut easel, &swapchain, id))
}

/// "pPresentIds is NULL or an array".
fn none(bench: &Bench) -> Outcome {
    let stage = id_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    for frame in 0..3 {
        let index = easel.draw(&swapchain, frame)?.index;
        let (wait, swapchains, indices) = ([easel.drawn(index)], [swapchain.raw()], [index]);
        let mut id = vk::PresentIdKHR { swapchain_count: 1, ..Default::default() };
        let info = vk::PresentInfoKHR::default()
            .wait_semaphores(&wait)
            .swapchains(&swapchains)
            .image_indices(&indices)
            .push_next(&mut id);
        swapchain.present_with(&info)?;
    }
    Ok(())
}

fn single_frame(bench: &Bench) -> Outcome {
    let stage = wait_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    show(&mut easel, &swapchain, 1)?;
    let code = wait(&stage, &swapchain, 1, Duration::from_nanos(u64::MAX));
    ensure!(code == vk::Result::SUCCESS, "{code:?}");
    Ok(())
}

fn every_frame(bench: &Bench) -> Outcome {
    let stage = wait_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    for id in 1..10 {
        show(&mut easel, &swapchain, id)?;
        let code = wait(&stage, &swapchain, id, SECOND);
        ensure!(code == vk::Result::SUCCESS, "{code:?} for {id}");
    }
    Ok(())
}

fn past_frames(bench: &Bench) -> Outcome {
    let stage = wait_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    for id in 1..6 {
        show(&mut easel, &swapchain, id)?;
    }
    for id in [5, 3, 1, 5] {
        let code = wait(&stage, &swapchain, id, SECOND);
        ensure!(code == vk::Result::SUCCESS, "{code:?} for {id}");
    }
    // What was shown is known at once.
    let code = wait(&stage, &swapchain, 2, Duration::ZERO);
    ensure!(code == vk::Result::SUCCESS, "{code:?} for a picture long shown");
    Ok(())
}

/// "presentId greater than or equal to": an id that was never used is reached by a later one.
fn between_sparse_ids(bench: &Bench) -> Outcome {
    let stage = wait_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    for id in [10, 20, 1000] {
        show(&mut easel, &swapchain, id)?;
        let code = wait(&stage, &swapchain, id - 5, SECOND);
        ensure!(code == vk::Result::SUCCESS, "{code:?} for {id} - 5");
    }
    Ok(())
}

fn no_frames(bench: &Bench) -> Outcome {
    let stage = wait_stage(bench)?;
    let swapchain = stage.swapchain()?;
    for timeout in [Duration::ZERO, Duration::from_millis(60)] {
        let begin = Instant::now();
        let code = wait(&stage, &swapchain, 1, timeout);
        ensure!(code == vk::Result::TIMEOUT, "{code:?} with {timeout:?}");
        let took = begin.elapsed();
        ensure!(took + Duration::from_micros(100) >= timeout, "{took:?} instead of {timeout:?}");
        ensure!(took < timeout + SECOND, "{took:?} instead of {timeout:?}");
    }
    Ok(())
}

fn future_frame(bench: &Bench) -> Outcome {
    let stage = wait_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    show(&mut easel, &swapchain, 1)?;
    show(&mut easel, &swapchain, 2)?;
    let code = wait(&stage, &swapchain, 3, Duration::from_millis(100));
    ensure!(code == vk::Result::TIMEOUT, "{code:?}");
    show(&mut easel, &swapchain, 3)?;
    let code = wait(&stage, &swapchain, 3, SECOND);
    ensure!(code == vk::Result::SUCCESS, "{code:?}");
    Ok(())
}

/// The wait begins first, in another thread.
fn before_the_present(bench: &Bench) -> Outcome {
    let stage = wait_stage(bench)?;
    let swapchain = stage.swapchain()?;
    let mut easel = stage.easel(&swapchain)?;
    thread::scope(|scope| {
        let waiter = scope.spawn(|| wait(&stage, &swapchain, 1, 5 * SECOND));
        thread::sleep(Duration::from_millis(50));
        show(&mut easel, &swapchain, 1)?;
        let code = waiter.join().map_err(|_| Verdict::Failed("a panic".to_owned()))?;
        ensure!(code == vk::Result::SUCCESS, "{code:?}");
        Ok(())
    })
}

fn two_swapchains(bench: &Bench) -> Outcome {
    let one = wait_stage(bench)?;
    let two = Stage::new(one.device.clone(), bench.surface()?)?;
    let (a, b) = (one.swapchain()?, two.swapchain()?);
    let (mut left, mut right) = (one.easel(&a)?, two.easel(&b)?);
    for turn in 1..5 {
        show(&mut left, &a, turn)?;
        show(&mut right, &b, 100 * turn)?;
        let codes = [wait(&one, &a, turn, SECOND), wait(&two, &b, 100 * turn, SECOND)];
        ensure!(codes == [vk::Result::SUCCESS; 2], "{codes:?} in turn {turn}");
        let code = wait(&one, &a, 100 * turn, Duration::ZERO);
        ensure!(code == vk::Result::TIMEOUT, "{code:?} for an id of the other swapchain");
    }
    Ok(())
}

fn every_mode(bench: &Bench) -> Outcome {
    let stage = wait_stage(bench)?;
    for mode in stage.surface.present_modes(stage.device.physical())? {
        let swapchain = stage.swapchain_in(mode)?;
        let mut easel = stage.easel(&swapchain)?;
        for id in 1..8 {
            show(&mut easel, &swapchain, id)?;
        }
        // Whether shown or replaced by a newer one, every id is reached.
        let code = wait(&stage, &swapchain, 7, SECOND);
        ensure!(code == vk::Result::SUCCESS, "{code:?} in {mode:?}");
        let code = wait(&stage, &swapchain, 4, SECOND);
        ensure!(code == vk::Result::SUCCESS, "{code:?} in {mode:?} for an earlier one");
    }
    Ok(())
}
