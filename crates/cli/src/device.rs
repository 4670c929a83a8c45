//! Which device the user means, and how an application is made to use it.

use std::ffi::OsString;
use std::sync::Arc;

use zerohop_encode::Uuid;
use zerohop_frame::{DeviceId, with_causes};
use zerohop_kernel::trim_heap;
use zerohop_vulkan::{DeviceChoice, Instance, InstanceOptions, PhysicalDevice};

use crate::failure::Failure;

/// A device that the user chose, or any.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// For the pipeline.
    pub(crate) choice: DeviceChoice,
    /// For the application.
    pub(crate) environment: Option<(&'static str, OsString)>,
}

impl Chosen {
    /// What CUDA would call it, if it is one.
    pub(crate) fn gpu(&self) -> Option<Uuid> {
        match &self.choice {
            DeviceChoice::Owner(id) => Some(Uuid(id.device_uuid)),
            _ => None,
        }
    }
}

/// The device that `words` name.
///
/// # References
///
/// Mesa's documentation, "Environment Variables", `MESA_VK_DEVICE_SELECT`: vendor and device in
/// hexadecimal; an exclamation mark hides the other devices.
pub(crate) fn choose(words: Option<&str>) -> Result<Chosen, Failure> {
    let Some(words) = words else { return Ok(Chosen::default()) };
    let found = Instance::new(InstanceOptions::default())
        .and_then(|instance| DeviceChoice::parse(words).pick(&instance));
    let device = found.map_err(|err| {
        Failure::new(
            format!("--device {words}"),
            with_causes(&err),
            "see zerohop doctor for the devices",
        )
    })?;
    let (vendor, model) = device.vendor_and_device();
    let select = OsString::from(format!("{vendor:x}:{model:x}!"));
    Ok(Chosen {
        choice: DeviceChoice::Owner(device.id()),
        environment: Some(("MESA_VK_DEVICE_SELECT", select)),
    })
}

/// The devices whose timelines can be waited for where pictures are read on `choice`.
pub(crate) fn timelines(choice: &DeviceChoice) -> Vec<DeviceId> {
    // Without Vulkan there are none, and the first picture says so.
    let found =
        Instance::new(InstanceOptions::default()).map(|instance| sharing(&instance, choice));
    // Drivers that were asked and left leave much behind: 6.5 MiB for each run on an H200.
    trim_heap();
    found.unwrap_or_default()
}

fn sharing(instance: &Arc<Instance>, choice: &DeviceChoice) -> Vec<DeviceId> {
    let devices = match choice {
        DeviceChoice::Any => instance.devices().unwrap_or_default(),
        chosen => chosen.pick(instance).into_iter().collect(),
    };
    let shares = |device: &PhysicalDevice| device.capabilities().is_ok_and(|it| it.timeline_fd);
    devices.iter().filter(|device| shares(device)).map(PhysicalDevice::id).collect()
}
