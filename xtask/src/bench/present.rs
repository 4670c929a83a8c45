//! How fast an application may present when nobody records it.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, bail};

use super::{Figures, Limit, median};
use crate::programs::{self, Layer};
use crate::screen::Screen;
use crate::shell;

/// Alternating repetitions.
const ROUNDS: usize = 9;
/// Pictures of a short run, which is start and end mostly, and of a long one.
const PICTURES: (u32, u32) = (100, 1600);

/// vkcube in IMMEDIATE mode: frames per second under the layer with nobody listening, and with the
/// driver's own presentation to Xvfb; in vkcube's own size, which is judged, and in a larger one.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let screen = Screen::start(1280, 720)?;
    let ratio = compare(figures, &screen, "present", (500, 500))?;
    let large = compare(figures, &screen, "present_720p", (1280, 720))?;
    figures.judge("present_ratio", ratio, Limit::AtLeast(1.5));
    figures.keep("present_720p_ratio", large);
    figures.say(format!("at 1280x720: {large:.3}"));
    Ok(())
}

/// Returns how many times faster the layer is.
fn compare(figures: &mut Figures, screen: &Screen, name: &str, size: (u32, u32)) -> Result<f64> {
    let (mut layer, mut driver, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let ours = frames_per_second(screen, Layer::On, size)?;
        let theirs = frames_per_second(screen, Layer::Off, size)?;
        println!("round {round}: layer {ours:.0}, driver {theirs:.0} frames/s");
        layer.push(ours);
        driver.push(theirs);
        ratios.push(ours / theirs);
    }
    let (layer, driver) = (median(&layer), median(&driver));
    figures.keep(&format!("{name}_fps_layer"), layer);
    figures.keep(&format!("{name}_fps_driver"), driver);
    let (width, height) = size;
    figures.say(format!(
        "vkcube IMMEDIATE {width}x{height}: {layer:.0} frames/s under the layer, {driver:.0} without"
    ));
    Ok(median(&ratios))
}

/// What the pictures beyond the short run took.
fn frames_per_second(screen: &Screen, layer: Layer, size: (u32, u32)) -> Result<f64> {
    let (few, many) = PICTURES;
    let more = seconds(screen, layer, size, many)? - seconds(screen, layer, size, few)?;
    if more <= 0.0 {
        bail!("{many} pictures took no longer than {few}: the machine is too busy to measure");
    }
    Ok(f64::from(many - few) / more)
}

fn seconds(screen: &Screen, layer: Layer, size: (u32, u32), pictures: u32) -> Result<f64> {
    let words = programs::vkcube(size.0, size.1)?;
    let mut vkcube = Command::new(&words[0]);
    vkcube.args(&words[1..]).args(["--c", &pictures.to_string(), "--present_mode", "0"]);
    vkcube.env("DISPLAY", screen.display()).stdout(Stdio::null()).stderr(Stdio::null());
    layer.put_on(&mut vkcube);
    let begin = Instant::now();
    if !vkcube.status()?.success() {
        bail!("`{}` failed", shell::line(&vkcube));
    }
    Ok(begin.elapsed().as_secs_f64())
}
