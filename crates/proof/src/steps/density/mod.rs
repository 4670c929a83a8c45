//! How many applications one machine carries, each with a host of its own.

mod climb;
mod level;

use std::time::Duration;

use anyhow::Result;

use crate::kit::Kit;
use crate::row::{Row, Target};
use climb::{Climb, Load};
use level::MOST;

/// Every pixel of every picture is another.
const MOVING: Load = Load {
    name: "density",
    application: &[],
    host: &[],
    changes: 60.0,
    counts: &[1, 4, 8, 12, 14, 15, 16, 17],
    time: Duration::from_secs(35),
    look: Duration::from_millis(2500),
};

/// Twice a second every pixel is another, and nothing between, though the application draws and presents
/// 60 times. Who finds that out: the host, of every picture, or the application, while it stands still.
const DESKTOPS: [Load; 2] = [
    Load { name: "density-host", host: &["--look", "host"], ..DESKTOP },
    Load { name: "density-application", host: &["--look", "application"], ..DESKTOP },
];

const DESKTOP: Load = Load {
    name: "",
    application: &["--still", "30"],
    changes: 2.0,
    counts: &[1, 12, 16, 20, 24],
    time: Duration::from_secs(25),
    look: Duration::from_secs(3),
    ..MOVING
};

/// More and more applications, as long as they start and there is time.
pub(super) fn run(kit: &Kit) -> Result<()> {
    let climb = climb::climb(kit, &MOVING)?;
    for level in &climb.levels {
        let name = format!("p99 of {}", level.applications);
        Row::measured(&name, level.p99, "us").note(level.limit()).tell();
    }
    tell(&climb);
    DESKTOPS.iter().try_for_each(|load| desktops(kit, load))
}

/// How many that mostly stand still.
fn desktops(kit: &Kit, load: &Load) -> Result<()> {
    let climb = climb::climb(kit, load)?;
    let who = load.host.last().unwrap_or(&"");
    for level in &climb.levels {
        let name = format!("p99 of {} mostly still, the {who} looks", level.applications);
        Row::measured(&name, level.p99, "us").note(level.limit()).tell();
    }
    let name = format!("1920x1080 desktops at 60 Hz, the {who} looks");
    let note = format!("two changes a second, p99 of these as above; {}", climb.limit());
    Row::measured(&name, climb.carried(), "").note(note).tell();
    Ok(())
}

/// What the largest that went well carries; where none did, the first one's figures.
fn tell(climb: &Climb) {
    let name = "1920x1080 applications at 60 Hz";
    let most =
        format!("p99 to the converted picture below {} ms; {}", MOST / 1000.0, climb.limit());
    Row::judged(name, climb.carried(), "", Target::AtLeast(1.0)).note(most).tell();
    let Some(level) = climb.best() else { return };
    let name = format!("p99 of {} applications", level.applications);
    Row::judged(&name, level.p99, "us", Target::AtMost(MOST)).tell();
    let note = format!("the median; {:.1} MiB at most", level.host_most_mib);
    Row::measured("host's memory for each", level.host_mib, "MiB").note(note).tell();
    Row::measured("application's memory", level.application_mib, "MiB").note("the median").tell();
    match level.gpu_mib {
        Some(mib) => Row::measured("GPU memory for each", mib, "MiB").tell(),
        None => Row::absent("GPU memory for each", "nvidia-smi says nothing here").tell(),
    }
}
