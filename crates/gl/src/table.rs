//! Tables of functions that are found at run time.

use std::ffi::{CStr, c_void};

/// Where a library's function is, if it has it.
pub(crate) type Find<'a> = &'a dyn Fn(&CStr) -> Option<*const c_void>;

/// A structure of C functions, each with its name in the library. `load` finds all of them or names
/// the one that is missing; of an `optional` table each may be missing by itself.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($field:ident = $symbol:literal: fn($($arg:ty),*) $(-> $ret:ty)?;)* }) => {
        $(#[$doc])*
        pub(crate) struct $name {
            $(pub(crate) $field: unsafe extern "C" fn($($arg),*) $(-> $ret)?,)*
        }

        impl $name {
            pub(crate) fn load(find: $crate::table::Find<'_>) -> Result<Self, $crate::Error> {
                $(
                    let found = find($symbol);
                    let name = $symbol.to_str().unwrap_or("a function");
                    let found = found.ok_or($crate::Error::Symbol(name))?;
                    // SAFETY: the field's type is that of the function in its header.
                    let $field = unsafe {
                        std::mem::transmute::<*const std::ffi::c_void, unsafe extern "C" fn($($arg),*) $(-> $ret)?>(found)
                    };
                )*
                Ok(Self { $($field),* })
            }
        }
    };
    (optional $(#[$doc:meta])* $name:ident { $($field:ident = $symbol:literal: fn($($arg:ty),*) $(-> $ret:ty)?;)* }) => {
        $(#[$doc])*
        pub(crate) struct $name {
            $(pub(crate) $field: Option<unsafe extern "C" fn($($arg),*) $(-> $ret)?>,)*
        }

        impl $name {
            pub(crate) fn load(find: $crate::table::Find<'_>) -> Self {
                $(
                    let $field = find($symbol).map(|found| {
                        // SAFETY: as in the other form.
                        unsafe {
                            std::mem::transmute::<*const std::ffi::c_void, unsafe extern "C" fn($($arg),*) $(-> $ret)?>(found)
                        }
                    });
                )*
                Self { $($field),* }
            }
        }
    };
}

pub(crate) use table;

/// Opens a library of the system and keeps it until the process ends: drivers start threads and
/// leave things to be run at exit, which must still be there.
pub(crate) fn open(name: &'static str) -> Result<&'static libloading::Library, crate::Error> {
    // SAFETY: loading runs the initializers of the system's own library, which we trust.
    let library = unsafe { libloading::Library::new(name) };
    let library = library.map_err(|source| crate::Error::Library { name, source })?;
    Ok(Box::leak(Box::new(library)))
}

/// Where `library` has a function.
pub(crate) fn symbol(library: &libloading::Library, name: &CStr) -> Option<*const c_void> {
    // SAFETY: only its address is taken; `table` gives it a type.
    let found = unsafe { library.get::<*const c_void>(name.to_bytes_with_nul()) };
    // SAFETY: a symbol derefs to what `dlsym` returned.
    found.ok().map(|symbol| unsafe { symbol.into_raw() }.into_raw().cast_const())
}
