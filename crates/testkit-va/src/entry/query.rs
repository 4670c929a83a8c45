//! What can be asked: profiles, configurations, surface attributes.

use std::ffi::{c_int, c_uint, c_void};

use super::{list, out, with};
use crate::abi::{
    ConfigAttribute, DriverContext, Id, MEMORY_PRIME_2, MEMORY_VA, NOT_SUPPORTED, RT_FORMAT,
    Status, SurfaceAttribute, VLD, surface_attribute,
};
use crate::driver::{Driver, PROFILES};
use crate::error::Error;
use crate::format::Format;

/// Puts the functions into the table.
pub(super) fn fill(table: &mut [*const c_void]) {
    table[1] = profiles as *const c_void;
    table[2] = entrypoints as *const c_void;
    table[3] = config_attributes as *const c_void;
    table[4] = create_config as *const c_void;
    table[5] = destroy_config as *const c_void;
    table[6] = query_config as *const c_void;
    table[30] = no_subpictures as *const c_void;
    table[38] = no_display_attributes as *const c_void;
    table[46] = surface_attributes as *const c_void;
}

unsafe extern "C" fn profiles(
    context: *mut DriverContext,
    to: *mut i32,
    count: *mut c_int,
) -> Status {
    let body = || {
        // SAFETY: the list has room for `max_profiles`.
        let list = unsafe { list(to, PROFILES.len()) };
        list.iter_mut().zip(PROFILES).for_each(|(to, one)| *to = *one);
        // SAFETY: libva's.
        *unsafe { out(count) }? = PROFILES.len() as c_int;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, |_| body()) }
}

unsafe extern "C" fn entrypoints(
    context: *mut DriverContext,
    profile: i32,
    to: *mut i32,
    count: *mut c_int,
) -> Status {
    let body = || {
        check(profile)?;
        // SAFETY: libva's, with room for `max_entrypoints`.
        *unsafe { out(to) }? = VLD;
        // SAFETY: libva's.
        *unsafe { out(count) }? = 1;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, |_| body()) }
}

fn check(profile: i32) -> Result<(), Error> {
    if PROFILES.contains(&profile) { Ok(()) } else { Err(Error::UnsupportedProfile) }
}

unsafe extern "C" fn config_attributes(
    context: *mut DriverContext,
    profile: i32,
    entrypoint: i32,
    attributes: *mut ConfigAttribute,
    count: c_int,
) -> Status {
    let body = || {
        check(profile)?;
        if entrypoint != VLD {
            return Err(Error::UnsupportedEntrypoint);
        }
        // SAFETY: as libva's caller says.
        for attribute in unsafe { list(attributes, count) } {
            let targets = Format::targets(profile);
            attribute.value = if attribute.kind == RT_FORMAT { targets } else { NOT_SUPPORTED };
        }
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, |_| body()) }
}

unsafe extern "C" fn create_config(
    context: *mut DriverContext,
    profile: i32,
    entrypoint: i32,
    attributes: *mut ConfigAttribute,
    count: c_int,
    config: *mut Id,
) -> Status {
    // SAFETY: libva's list.
    let asked = unsafe { list(attributes, count) };
    let body = |driver: &mut Driver| {
        check(profile)?;
        if entrypoint != VLD {
            return Err(Error::UnsupportedEntrypoint);
        }
        let targets = Format::targets(profile);
        if asked.iter().any(|one| one.kind == RT_FORMAT && one.value & targets == 0) {
            return Err(Error::UnsupportedFormat);
        }
        let id = driver.number();
        driver.configs.insert(id, profile);
        // SAFETY: libva's place.
        *unsafe { out(config) }? = id;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn destroy_config(context: *mut DriverContext, config: Id) -> Status {
    let forget =
        |driver: &mut Driver| driver.configs.remove(&config).map(drop).ok_or(Error::InvalidConfig);
    // SAFETY: libva's context.
    unsafe { with(context, forget) }
}

unsafe extern "C" fn query_config(
    context: *mut DriverContext,
    config: Id,
    profile: *mut i32,
    entrypoint: *mut i32,
    attributes: *mut ConfigAttribute,
    count: *mut c_int,
) -> Status {
    let body = |driver: &mut Driver| {
        let known = *driver.configs.get(&config).ok_or(Error::InvalidConfig)?;
        // SAFETY: libva's place, as below.
        *unsafe { out(profile) }? = known;
        // SAFETY: as above.
        *unsafe { out(entrypoint) }? = VLD;
        let format = ConfigAttribute { kind: RT_FORMAT, value: Format::targets(known) };
        // SAFETY: a list with room for `max_attributes`.
        *unsafe { out(attributes) }? = format;
        // SAFETY: as above.
        *unsafe { out(count) }? = 1;
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}

unsafe extern "C" fn no_subpictures(
    context: *mut DriverContext,
    _formats: *mut c_void,
    _flags: *mut c_uint,
    count: *mut c_uint,
) -> Status {
    // SAFETY: libva's place.
    let none = |_: &mut Driver| unsafe { out(count) }.map(|count| *count = 0);
    // SAFETY: libva's context.
    unsafe { with(context, none) }
}

unsafe extern "C" fn no_display_attributes(
    context: *mut DriverContext,
    _attributes: *mut c_void,
    count: *mut c_int,
) -> Status {
    // SAFETY: libva's place.
    let none = |_: &mut Driver| unsafe { out(count) }.map(|count| *count = 0);
    // SAFETY: libva's context.
    unsafe { with(context, none) }
}

/// `VA_SURFACE_ATTRIB_GETTABLE` and `_SETTABLE`, and `VAGenericValueTypeInteger`.
fn surface_attribute(kind: u32, value: u32, settable: bool) -> SurfaceAttribute {
    let flags = if settable { 3 } else { 1 };
    SurfaceAttribute { kind, flags, value_kind: 1, _pad: 0, value: value.into() }
}

unsafe extern "C" fn surface_attributes(
    context: *mut DriverContext,
    config: Id,
    to: *mut SurfaceAttribute,
    count: *mut c_uint,
) -> Status {
    let body = |driver: &mut Driver| {
        let profile = *driver.configs.get(&config).ok_or(Error::InvalidConfig)?;
        let formats = Format::of_profile(profile).iter();
        let mut all: Vec<_> = formats
            .map(|it| surface_attribute(surface_attribute::PIXEL_FORMAT, it.fourcc, true))
            .collect();
        all.extend([
            surface_attribute(surface_attribute::MIN_WIDTH, 1, false),
            surface_attribute(surface_attribute::MAX_WIDTH, 8192, false),
            surface_attribute(surface_attribute::MIN_HEIGHT, 1, false),
            surface_attribute(surface_attribute::MAX_HEIGHT, 8192, false),
            surface_attribute(surface_attribute::MEMORY_TYPE, MEMORY_VA | MEMORY_PRIME_2, true),
        ]);
        // SAFETY: libva's place.
        let count = unsafe { out(count) }?;
        let room = std::mem::replace(count, all.len() as c_uint) as usize;
        if !to.is_null() && room < all.len() {
            return Err(Error::InvalidParameter);
        }
        // SAFETY: null, or with that much room.
        let list = unsafe { list(to, all.len()) };
        list.iter_mut().zip(all).for_each(|(to, one)| *to = one);
        Ok(())
    };
    // SAFETY: libva's context.
    unsafe { with(context, body) }
}
