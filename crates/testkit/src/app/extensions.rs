//! What an application can ask before it has an instance.

use std::error::Error;
use std::process::ExitCode;

/// Prints the names that `vkEnumerateInstanceExtensionProperties` lists for no layer, one a line.
pub(super) fn print() -> Result<ExitCode, Box<dyn Error>> {
    // SAFETY: the loader's library does nothing when it is loaded, and is used as it should be.
    let entry = unsafe { ash::Entry::load() }?;
    // SAFETY: `ash` sizes the array, and no layer is named.
    let list = unsafe { entry.enumerate_instance_extension_properties(None) }?;
    for one in &list {
        println!("{}", one.extension_name_as_c_str()?.to_string_lossy());
    }
    Ok(ExitCode::SUCCESS)
}
