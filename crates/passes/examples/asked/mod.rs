//! What the first word on the command line asks for, and where.

use zerohop_frame::Extent;

use crate::common::Machine;

/// A device to measure on, and the pictures' size: 1280x720 unless the first word says another. `None`,
/// which is said, where there is no device.
pub(crate) fn machine_and_size() -> Option<(Machine, Extent)> {
    let asked = std::env::args().nth(1).and_then(|text| size(&text));
    let extent = asked.unwrap_or(Extent { width: 1280, height: 720 });
    match Machine::open(false) {
        Ok(machine) => Some((machine, extent)),
        Err(why) => {
            println!("nothing to measure on: {why}");
            None
        }
    }
}

fn size(text: &str) -> Option<Extent> {
    let (width, height) = text.split_once('x')?;
    Some(Extent { width: width.parse().ok()?, height: height.parse().ok()? })
}
