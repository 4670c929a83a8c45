//! Devices that could be opened, and how one is chosen.

use std::ffi::CStr;
use std::fmt;
use std::sync::Arc;

use ash::vk;
use zerohop_frame::DeviceId;

use crate::error::Doing;
use crate::{Error, Instance};

/// A physical device. Cheap to clone; nothing is opened.
#[derive(Clone)]
pub struct PhysicalDevice {
    pub(crate) instance: Arc<Instance>,
    pub(crate) raw: vk::PhysicalDevice,
    pub(crate) properties: vk::PhysicalDeviceProperties,
    pub(crate) driver: vk::DriverId,
    index: usize,
    id: DeviceId,
    driver_name: String,
}

/// What kind of machine a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// A graphics card with memory of its own.
    Discrete,
    /// A GPU that shares the machine's memory.
    Integrated,
    /// A GPU of a virtual machine.
    Virtual,
    /// A program on the CPU. Its memory is plain memory, and its GPU work costs CPU time.
    Cpu,
    /// Something else.
    Other,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Cpu => "cpu",
            Self::Other => "other",
        })
    }
}

impl PhysicalDevice {
    pub(crate) fn new(instance: &Arc<Instance>, index: usize, raw: vk::PhysicalDevice) -> Self {
        let mut ids = vk::PhysicalDeviceIDProperties::default();
        let mut driver = vk::PhysicalDeviceDriverProperties::default();
        let mut all =
            vk::PhysicalDeviceProperties2::default().push_next(&mut ids).push_next(&mut driver);
        // SAFETY: `raw` is of this instance, and the chain points to locals.
        unsafe { instance.raw().get_physical_device_properties2(raw, &mut all) };
        let properties = all.properties;
        let text = |name: Result<&CStr, _>| {
            name.map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
        };
        let driver_name = format!(
            "{} {}",
            text(driver.driver_name_as_c_str()),
            text(driver.driver_info_as_c_str())
        );
        Self {
            instance: Arc::clone(instance),
            raw,
            properties,
            driver: driver.driver_id,
            index,
            id: DeviceId { device_uuid: ids.device_uuid, driver_uuid: ids.driver_uuid },
            driver_name,
        }
    }

    /// Whose it is.
    pub fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// The device's own name, as in "llvmpipe (LLVM 15.0.6, 256 bits)".
    pub fn name(&self) -> String {
        let name = self.properties.device_name_as_c_str();
        name.map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
    }

    /// The driver's name and version, as in "llvmpipe Mesa 25.0.7".
    pub fn driver_name(&self) -> &str {
        &self.driver_name
    }

    /// Its place in the loader's list.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Who may open the opaque handles that this device exports.
    pub fn id(&self) -> DeviceId {
        self.id
    }

    /// What kind of machine it is.
    pub fn kind(&self) -> DeviceKind {
        match self.properties.device_type {
            vk::PhysicalDeviceType::DISCRETE_GPU => DeviceKind::Discrete,
            vk::PhysicalDeviceType::INTEGRATED_GPU => DeviceKind::Integrated,
            vk::PhysicalDeviceType::VIRTUAL_GPU => DeviceKind::Virtual,
            vk::PhysicalDeviceType::CPU => DeviceKind::Cpu,
            _ => DeviceKind::Other,
        }
    }

    /// `vendorID` and `deviceID`, as in `MESA_VK_DEVICE_SELECT`.
    pub fn vendor_and_device(&self) -> (u32, u32) {
        (self.properties.vendor_id, self.properties.device_id)
    }

    /// The Vulkan version it speaks: major, minor, patch.
    pub fn api_version(&self) -> (u32, u32, u32) {
        let version = self.properties.api_version;
        (
            vk::api_version_major(version),
            vk::api_version_minor(version),
            vk::api_version_patch(version),
        )
    }

    /// The names of its extensions.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn extensions(&self) -> Result<Vec<String>, Error> {
        // SAFETY: `raw` is of this instance, which we hold.
        let found = unsafe { self.instance.raw().enumerate_device_extension_properties(self.raw) }
            .doing("list the device extensions")?;
        Ok(found
            .iter()
            .filter_map(|one| one.extension_name_as_c_str().ok())
            .map(|name| name.to_string_lossy().into_owned())
            .collect())
    }
}

impl fmt::Debug for PhysicalDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.index, self.name(), self.driver_name)
    }
}

/// Which device to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first of the best kind: discrete, integrated, virtual, anything else, CPU.
    #[default]
    Any,
    /// The one at this place of the loader's list.
    Index(usize),
    /// The one with this `deviceUUID`.
    Uuid([u8; 16]),
    /// The first whose name contains this, in any case.
    Name(String),
    /// The one that made an opaque handle, and so the only one that can open it.
    Owner(DeviceId),
}

impl DeviceChoice {
    /// Reads a user's words: a number is an index, 32 hexadecimal digits (dashes allowed) are a
    /// UUID, anything else is a part of the name.
    pub fn parse(text: &str) -> Self {
        if let Ok(index) = text.parse() {
            return Self::Index(index);
        }
        uuid(text).map_or_else(|| Self::Name(text.to_owned()), Self::Uuid)
    }

    /// The device that is meant.
    ///
    /// # Errors
    ///
    /// [`Error::NoDevice`], [`Error::NoSuchDevice`] with the names of all.
    pub fn pick(&self, instance: &Arc<Instance>) -> Result<PhysicalDevice, Error> {
        let all = instance.devices()?;
        if all.is_empty() {
            return Err(Error::NoDevice);
        }
        let found = match self {
            Self::Any => all.iter().min_by_key(|device| rank(device.kind())),
            Self::Index(index) => all.get(*index),
            Self::Uuid(uuid) => all.iter().find(|device| device.id.device_uuid == *uuid),
            Self::Name(part) => {
                let part = part.to_lowercase();
                all.iter().find(|device| device.name().to_lowercase().contains(&part))
            }
            Self::Owner(id) => all.iter().find(|device| device.id == *id),
        };
        found.cloned().ok_or_else(|| Error::NoSuchDevice {
            asked: self.to_string(),
            found: all.iter().map(PhysicalDevice::name).collect::<Vec<_>>().join(", "),
        })
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Index(index) => write!(f, "{index}"),
            Self::Name(name) => f.write_str(name),
            Self::Uuid(uuid) | Self::Owner(DeviceId { device_uuid: uuid, .. }) => {
                uuid.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// The order in which [`DeviceChoice::Any`] prefers kinds.
fn rank(kind: DeviceKind) -> u8 {
    match kind {
        DeviceKind::Discrete => 0,
        DeviceKind::Integrated => 1,
        DeviceKind::Virtual => 2,
        DeviceKind::Other => 3,
        DeviceKind::Cpu => 4,
    }
}

/// Sixteen bytes of hexadecimal digits, with or without dashes.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|&c| c != '-')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let pairs: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (digits.len() == 32).then(|| pairs.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_words_are_an_index_a_uuid_or_a_name() {
        assert_eq!(DeviceChoice::parse("3"), DeviceChoice::Index(3));
        assert_eq!(DeviceChoice::parse("llvm"), DeviceChoice::Name("llvm".into()));
        let uuid = DeviceChoice::parse("6d657361-3235-2e30-2e37-2d327e627000");
        assert_eq!(uuid, DeviceChoice::Uuid(*b"mesa25.0.7-2~bp\0"));
        assert_eq!(uuid.to_string(), "6d65736132352e302e372d327e627000");
    }
}
