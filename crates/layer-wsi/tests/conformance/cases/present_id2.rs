//! `VK_KHR_present_id2` and `VK_KHR_present_wait2`: the same, asked for by each swapchain.

use std::ffi::CStr;
use std::mem;
use std::time::Duration;

use ash::{khr, vk};
use zerohop_testkit::rig::newer::{
    PRESENT_ID_AND_WAIT_2, PresentId2, PresentWait2, SurfacePresentId2, SurfacePresentWait2,
    WaitForPresent2,
};
use zerohop_testkit::rig::{DeviceOptions, Easel, Features, Swapchain};

use super::Case;
use crate::bench::{Bench, Outcome, Stage, Verdict};
use crate::ensure;

pub(crate) const CASES: &[Case] = &[
    Case::new("present_id2::surface_support", surface_support),
    Case::new("present_id2::increasing", increasing).without_validation(),
    Case::new("present_wait2::every_frame", every_frame).without_validation(),
    Case::new("present_wait2::past_and_future", past_and_future).without_validation(),
    Case::new("present_wait2::every_mode", every_mode).without_validation(),
];

const SECOND: Duration = Duration::from_secs(1);
const NAMES: [&CStr; 2] = [c"VK_KHR_present_id2", c"VK_KHR_present_wait2"];

fn stage(bench: &Bench) -> Outcome<Stage> {
    let features = Features { present_id2: true, present_wait2: true, ..Features::default() };
    bench.stage_with(&DeviceOptions { extensions: &NAMES, features })
}

fn swapchain(stage: &Stage, mode: vk::PresentModeKHR) -> Outcome<Swapchain> {
    let info = stage.info().present_mode(mode).flags(PRESENT_ID_AND_WAIT_2);
    Ok(Swapchain::new(&stage.device, &info)?)
}

fn show(easel: &mut Easel, swapchain: &Swapchain, id: u64) -> Outcome {
    let index = easel.draw(swapchain, u32::try_from(id).unwrap_or(0))?.index;
    let (wait, swapchains, indices) = ([easel.drawn(index)], [swapchain.raw()], [index]);
    let mut id = PresentId2::new(&id);
    let info = vk::PresentInfoKHR::default()
        .wait_semaphores(&wait)
        .swapchains(&swapchains)
        .image_indices(&indices)
        .push_next(&mut id);
    swapchain.present_with(&info)?;
    Ok(())
}

fn wait(stage: &Stage, swapchain: &Swapchain, id: u64, timeout: Duration) -> Outcome<vk::Result> {
    let device = stage.device.raw().handle();
    let get = stage.device.instance().raw().fp_v1_0().get_device_proc_addr;
    // SAFETY: the device lives.
    let found = unsafe { get(device, c"vkWaitForPresent2KHR".as_ptr()) };
    let found = found.ok_or_else(|| Verdict::Failed("no vkWaitForPresent2KHR".to_owned()))?;
    // SAFETY: the type belongs to the name.
    let command: WaitForPresent2 = unsafe { mem::transmute(found) };
    let info = PresentWait2::new(id, u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
    // SAFETY: the swapchain was made for it and lives.
    Ok(unsafe { command(device, swapchain.raw(), &raw const info) })
}

fn surface_support(bench: &Bench) -> Outcome {
    let (stage, instance) = (stage(bench)?, bench.instance());
    let queries = khr::get_surface_capabilities2::Instance::new(instance.entry(), instance.raw());
    let info = vk::PhysicalDeviceSurfaceInfo2KHR::default().surface(stage.surface.raw());
    let (mut id, mut wait) = (SurfacePresentId2::new(false), SurfacePresentWait2::new(false));
    let mut caps = vk::SurfaceCapabilities2KHR::default().push_next(&mut id).push_next(&mut wait);
    let physical = stage.device.physical();
    // SAFETY: the surface lives; the chain is of extensions that the device lists.
    unsafe { queries.get_physical_device_surface_capabilities2(physical, &info, &mut caps) }?;
    ensure!((id.value, wait.value) == (1, 1), "{} and {}", id.value, wait.value);
    Ok(())
}

fn increasing(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    let swapchain = swapchain(&stage, vk::PresentModeKHR::FIFO)?;
    let mut easel = stage.easel(&swapchain)?;
    [1, 2, 7, 0, 8, 1 << 40].into_iter().try_for_each(|id| show(&mut easel, &swapchain, id))
}

fn every_frame(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    let swapchain = swapchain(&stage, vk::PresentModeKHR::FIFO)?;
    let mut easel = stage.easel(&swapchain)?;
    for id in 1..8 {
        show(&mut easel, &swapchain, id)?;
        let code = wait(&stage, &swapchain, id, SECOND)?;
        ensure!(code == vk::Result::SUCCESS, "{code:?} for {id}");
    }
    Ok(())
}

fn past_and_future(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    let swapchain = swapchain(&stage, vk::PresentModeKHR::FIFO)?;
    let code = wait(&stage, &swapchain, 1, Duration::ZERO)?;
    ensure!(code == vk::Result::TIMEOUT, "{code:?} before the first");
    let mut easel = stage.easel(&swapchain)?;
    show(&mut easel, &swapchain, 10)?;
    let code = wait(&stage, &swapchain, 5, SECOND)?;
    ensure!(code == vk::Result::SUCCESS, "{code:?} for one that was passed over");
    let code = wait(&stage, &swapchain, 11, Duration::from_millis(50))?;
    ensure!(code == vk::Result::TIMEOUT, "{code:?} for one to come");
    Ok(())
}

fn every_mode(bench: &Bench) -> Outcome {
    let stage = stage(bench)?;
    for mode in stage.surface.present_modes(stage.device.physical())? {
        let swapchain = swapchain(&stage, mode)?;
        let mut easel = stage.easel(&swapchain)?;
        for id in 1..8 {
            show(&mut easel, &swapchain, id)?;
        }
        for id in [7, 4] {
            let code = wait(&stage, &swapchain, id, SECOND)?;
            ensure!(code == vk::Result::SUCCESS, "{code:?} for {id} in {mode:?}");
        }
    }
    Ok(())
}
