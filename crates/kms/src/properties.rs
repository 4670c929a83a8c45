//! Properties of the card's objects, by name.

use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::os::fd::AsFd as _;

use crate::error::Doing as _;
use crate::{Card, Error};

/// What can be set about a connector, a CRTC or a plane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Properties {
    /// Number and value.
    by_name: HashMap<String, (u32, u64)>,
}

impl Properties {
    /// Reads those of object `id` of a kind (`DRM_MODE_OBJECT_*`).
    pub(crate) fn of(card: &Card, id: u32, kind: u32) -> Result<Self, Error> {
        let (mut numbers, mut values) = (Vec::new(), Vec::new());
        let fd = card.as_fd();
        drm_ffi::mode::get_properties(fd, id, kind, Some(&mut numbers), Some(&mut values))
            .doing("list properties")?;
        let mut by_name = HashMap::new();
        for (number, value) in numbers.into_iter().zip(values) {
            // They are told whether we want them or not.
            let (ranges, names) = (&mut Vec::new(), &mut Vec::new());
            let property = drm_ffi::mode::get_property(fd, number, Some(ranges), Some(names))
                .doing("look at a property")?;
            by_name.insert(name(&property.name), (number, value));
        }
        Ok(Self { by_name })
    }

    /// The number of the property `name`.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).map(|(number, _)| *number)
    }

    /// The value that the property `name` had.
    pub(crate) fn value(&self, name: &str) -> Option<u64> {
        self.by_name.get(name).map(|(_, value)| *value)
    }
}

fn name(chars: &[c_char]) -> String {
    let bytes: Vec<u8> = chars.iter().map(|char| *char as u8).collect();
    CStr::from_bytes_until_nul(&bytes)
        .map_or_else(|_| String::from_utf8_lossy(&bytes), CStr::to_string_lossy)
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_its_nul_or_at_its_end() {
        let chars = |text: &str| text.bytes().map(|byte| byte as c_char).collect::<Vec<_>>();
        assert_eq!(name(&chars("FB_ID\0junk")), "FB_ID");
        assert_eq!(name(&chars("WITHOUT")), "WITHOUT");
    }
}
