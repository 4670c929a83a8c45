//! How fast an application may present when nobody records it.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, bail};

use super::{Figures, Limit, median};
use crate::programs::{self, Layer};
use crate::screen::Screen;
use crate::shell;

/// Alternating repetitions.
const ROUNDS: usize = 15;

/// What is presented in one comparison.
struct Plan {
    /// Begins its keys.
    name: &'static str,
    /// The window.
    size: (u32, u32),
    /// Pictures of a short run, which is start and end mostly, and of a long one.
    pictures: (u32, u32),
}

/// The size of our other figures, which is judged, and vkcube's own.
const LARGE: Plan = Plan { name: "present", size: (1280, 720), pictures: (50, 650) };
const SMALL: Plan = Plan { name: "present_500", size: (500, 500), pictures: (100, 1300) };

/// vkcube in IMMEDIATE mode: frames per second under the layer with nobody listening, and with the
/// driver's own presentation to Xvfb.
pub(super) fn run(figures: &mut Figures) -> Result<()> {
    let screen = Screen::start(1280, 720)?;
    let ratio = compare(figures, &screen, &LARGE)?;
    let small = compare(figures, &screen, &SMALL)?;
    figures.judge("present_ratio", ratio, Limit::AtLeast(1.5));
    figures.keep("present_500_ratio", small);
    figures.say(format!(
        "in vkcube's own size: {small:.3}; there, drawing takes most of the time, and it takes \
         llvmpipe as long either way"
    ));
    Ok(())
}

/// Returns how many times faster the layer is.
fn compare(figures: &mut Figures, screen: &Screen, plan: &Plan) -> Result<f64> {
    let (mut layer, mut driver) = (Runs::default(), Runs::default());
    for _ in 0..ROUNDS {
        layer.add(screen, Layer::On, plan)?;
        driver.add(screen, Layer::Off, plan)?;
    }
    let (layer, driver) = (layer.frames_per_second(plan)?, driver.frames_per_second(plan)?);
    figures.keep(&format!("{}_fps_layer", plan.name), layer);
    figures.keep(&format!("{}_fps_driver", plan.name), driver);
    let (width, height) = plan.size;
    figures.say(format!(
        "vkcube IMMEDIATE {width}x{height}: {layer:.0} frames/s under the layer, {driver:.0} without"
    ));
    Ok(layer / driver)
}

/// How long the short and the long runs took, in seconds.
#[derive(Default)]
struct Runs {
    short: Vec<f64>,
    long: Vec<f64>,
}

impl Runs {
    fn add(&mut self, screen: &Screen, layer: Layer, plan: &Plan) -> Result<()> {
        self.short.push(seconds(screen, layer, plan.size, plan.pictures.0)?);
        self.long.push(seconds(screen, layer, plan.size, plan.pictures.1)?);
        Ok(())
    }

    /// By what the pictures beyond the short run took.
    fn frames_per_second(&self, plan: &Plan) -> Result<f64> {
        let more = median(&self.long) - median(&self.short);
        let (few, many) = plan.pictures;
        if more <= 0.0 {
            bail!("{many} pictures took no longer than {few}: this machine is too busy to measure");
        }
        Ok(f64::from(many - few) / more)
    }
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
