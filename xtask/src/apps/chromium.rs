//! Chromium with its three kinds of swapchains, on three pages.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::App;
use super::expect::{Expect, Rect};
use crate::shell;

/// How long a page is recorded; Chromium needs up to two seconds of it to come up.
const SECONDS: u32 = 8;

/// Left, top, width and height of the video on its page, in multiples of the tiles of 16 pixels.
const VIDEO: Rect = [96, 64, 480, 272];

/// Chromium's ways to a swapchain.
///
/// | name | swapchain |
/// |---|---|
/// | own | xcb, made by Chromium itself, with incremental present |
/// | angle | xcb, made by ANGLE: mutable formats, present fences, changing present modes |
/// | headless | `VK_EXT_headless_surface`, made by ANGLE, without X |
const CONFIGURATIONS: &[(&str, &str)] = &[
    ("own", "--ozone-platform=x11 --enable-features=Vulkan"),
    ("angle", "--ozone-platform=x11 --use-angle=vulkan"),
    ("headless", "--headless=new --enable-features=Vulkan --use-angle=vulkan"),
];

/// Without network, first-run pages, sandbox (root has none) and background work.
const USUAL: &str = "--ignore-gpu-blocklist --no-sandbox --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --disable-extensions --kiosk --hide-scrollbars --autoplay-policy=no-user-gesture-required \
    --window-position=0,0 --window-size=1024,640";

/// All runs. Their pages are written into `folder`.
pub(super) fn apps(folder: &Path) -> Result<Vec<App>> {
    let pages = folder.join("pages");
    fs::create_dir_all(&pages).context("make target/apps/pages")?;
    fs::write(pages.join("animated.html"), page(ANIMATED))?;
    fs::write(pages.join("still.html"), page(STILL))?;
    let [left, top, width, height] = VIDEO;
    let video = VIDEO_PAGE
        .replace("LEFT", &left.to_string())
        .replace("TOP", &top.to_string())
        .replace("WIDTH", &width.to_string())
        .replace("HEIGHT", &height.to_string());
    fs::write(pages.join("video.html"), page(&video))?;
    clip(&pages.join("clip.webm"))?;
    let mut apps = Vec::new();
    for (configuration, flags) in CONFIGURATIONS {
        for page in ["animated", "video", "still"] {
            apps.push(app(folder, configuration, flags, page)?);
        }
    }
    Ok(apps)
}

fn app(folder: &Path, configuration: &str, flags: &str, page: &str) -> Result<App> {
    let name = format!("chromium-{configuration}-{page}");
    let profile = folder.join(format!("{name}.profile"));
    if profile.exists() {
        fs::remove_dir_all(&profile).with_context(|| format!("remove {}", profile.display()))?;
    }
    let expect = match page {
        "video" => Expect::RegionWithin(VIDEO),
        "still" => Expect::Unchanged,
        _ => Expect::Presents(100),
    };
    let words = format!("chromium {USUAL} {flags}");
    let mut app = App { expect, ..App::new(&name, &words, Some(SECONDS)) };
    if configuration == "headless" {
        app.display = "none";
    }
    // No name is looked up: the page is all there is.
    app.words.push("--host-resolver-rules=MAP * ~NOTFOUND".to_owned());
    app.words.push(format!("--user-data-dir={}", profile.display()));
    app.words.push(format!("file://{}", folder.join("pages").join(page).display()) + ".html");
    Ok(app)
}

/// Ten seconds of a moving test picture, VP9 in WebM, 30 pictures a second.
fn clip(file: &Path) -> Result<()> {
    if file.exists() {
        return Ok(());
    }
    let [_, _, width, height] = VIDEO;
    let source = format!("testsrc2=size={width}x{height}:rate=30:duration=10");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i", &source]);
    ffmpeg.args(["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"]);
    shell::output(ffmpeg.arg(file)).map(drop)
}

fn page(body: &str) -> String {
    format!(
        "<!doctype html><meta charset=utf-8><title>page</title>\n\
         <style>body {{ margin: 0; background: #eef; font: 20px sans-serif }}</style>\n{body}"
    )
}

/// Text that scrolls and a box that turns: something new in many places, 60 times a second.
const ANIMATED: &str = "\
<style>
  @keyframes turn { to { transform: rotate(360deg) } }
  @keyframes slide { from { margin-left: 0 } to { margin-left: 700px } }
  #box { width: 200px; height: 200px; margin: 80px; background: linear-gradient(#f40, #04f);
         animation: turn 2s linear infinite }
  p { animation: slide 3s linear infinite alternate }
</style>
<p>one line that slides</p><div id=box></div><p>and another</p>
";

/// A video, and beside it nothing that moves.
const VIDEO_PAGE: &str = "\
<style>
  video { position: fixed; left: LEFTpx; top: TOPpx; width: WIDTHpx; height: HEIGHTpx }
  p { position: fixed; top: 420px; left: 96px }
</style>
<video src=clip.webm muted autoplay loop></video><p>a page that stands still</p>
";

/// Draws the same picture again and again: presents that change nothing.
const STILL: &str = "\
<canvas id=c width=600 height=400></canvas><p>a page that stands still</p>
<script>
  const paint = document.getElementById('c').getContext('2d');
  function draw() {
    paint.fillStyle = '#264'; paint.fillRect(0, 0, 600, 400);
    paint.fillStyle = '#fc0'; paint.fillRect(100, 100, 200, 200);
    requestAnimationFrame(draw);
  }
  draw();
</script>
";
