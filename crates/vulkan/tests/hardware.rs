//! Tests that need a device. Each says what it needs; what is missing is reported as ignored,
//! or as a failure when `ZEROHOP_REQUIRE` names it (`ZEROHOP_REQUIRE=device,sync_file cargo test`).

use std::process::ExitCode;
use std::sync::Arc;

use arrayvec::ArrayVec;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use zerohop_frame::{
    Extent, Fourcc, FrameDescriptor, Modifier, PlaneLayout, SharedBuffer, SyncPoint,
};
use zerohop_vulkan::{Device, Error, Image, Instance, Memory, Semaphore, UnboundImage};

fn main() -> ExitCode {
    let device = open_any();
    let tests = vec![
        trial("device", "opaque_memory_is_shared", &device, |_| true, opaque_memory_is_shared),
        trial("device", "another_device_is_refused", &device, |_| true, another_device_is_refused),
        trial(
            "device",
            "a_refused_import_is_an_error",
            &device,
            |_| true,
            a_refused_import_is_an_error,
        ),
        trial(
            "sync_file",
            "a_past_fence_imports",
            &device,
            Device::has_sync_files,
            a_past_fence_imports,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn open_any() -> Result<Arc<Device>, String> {
    let instance = Instance::new().map_err(|err| err.to_string())?;
    let all = instance.physical_devices().map_err(|err| err.to_string())?;
    let first = *all.first().ok_or("no device")?;
    Device::open(&instance, first).map_err(|err| err.to_string())
}

fn trial(
    need: &'static str,
    name: &'static str,
    device: &Result<Arc<Device>, String>,
    has: fn(&Device) -> bool,
    test: fn(&Arc<Device>) -> Result<(), Error>,
) -> Trial {
    let device = device.clone();
    Trial::ignorable_test(name, move || match device {
        Ok(device) if has(&device) => {
            test(&device).map(|()| Completion::Completed).map_err(Failed::from)
        }
        Ok(_) => absent(need, "the device lacks it"),
        Err(why) => absent(need, &why),
    })
    .with_kind(need)
}

fn absent(need: &str, why: &str) -> Result<Completion, Failed> {
    let required = std::env::var("ZEROHOP_REQUIRE").unwrap_or_default();
    if required.split(',').any(|one| one == need) {
        return Err(format!("{need} is required here, but {why}").into());
    }
    Ok(Completion::ignored_with(format!("no {need}: {why}")))
}

fn picture() -> FrameDescriptor {
    FrameDescriptor {
        extent: Extent { width: 64, height: 64 },
        fourcc: Fourcc::XRGB8888,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 256 }]),
    }
}

fn exported(device: &Arc<Device>) -> Result<zerohop_frame::MemoryHandle, Error> {
    let image = UnboundImage::opaque(device, &picture())?;
    let memory = Memory::exportable(&image)?;
    image.bind(memory)?.export()
}

fn opaque_memory_is_shared(device: &Arc<Device>) -> Result<(), Error> {
    let memory = ArrayVec::from_iter([exported(device)?]);
    let buffer = SharedBuffer::new(picture(), memory).expect("the descriptor is sound");
    Image::import(device, &buffer).map(drop)
}

fn another_device_is_refused(device: &Arc<Device>) -> Result<(), Error> {
    let mut handle = exported(device)?;
    if let zerohop_frame::MemoryHandle::OpaqueFd { device, .. } = &mut handle {
        device.driver_uuid[0] ^= 0xff;
    }
    let image = UnboundImage::opaque(device, &picture())?;
    let err = Memory::import(&image, &handle).err().expect("a foreign handle");
    assert_eq!(err.to_string(), "the memory belongs to another device");
    Ok(())
}

fn a_past_fence_imports(device: &Arc<Device>) -> Result<(), Error> {
    Semaphore::new(device)?.import(&SyncPoint::Signaled)
}

/// The descriptor of a refused import is closed once, by us or by the driver: twice would abort.
fn a_refused_import_is_an_error(device: &Arc<Device>) -> Result<(), Error> {
    let mut handle = exported(device)?;
    if let zerohop_frame::MemoryHandle::OpaqueFd { fd, .. } = &mut handle {
        *fd = std::fs::File::open("/dev/null").expect("/dev/null").into();
    }
    let image = UnboundImage::opaque(device, &picture())?;
    let err = Memory::import(&image, &handle).err().expect("no memory there");
    assert_eq!(err.to_string(), "could not import memory");
    Ok(())
}
