//! Compiles the shaders: WGSL to SPIR-V, one module for each variant.
//!
//! WGSL has no preprocessor, and variants cannot be specialized later (naga has no specialization
//! constants), so `#if NAME`, `#else` and `#endif` on lines of their own choose text here.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use zerohop_wgsl::{Capabilities, Target};

/// What the shaders may ask for. Which of them a device gets is decided by what it has.
const TARGET: Target = Target {
    version: (1, 3),
    capabilities: Capabilities::IMMEDIATES
        .union(Capabilities::SHADER_INT64)
        .union(Capabilities::SUBGROUP)
        .union(Capabilities::SUBGROUP_BARRIER),
};

/// A shader module: what it shares with others, its source, its name, and what is chosen in it.
type Variant = (&'static [&'static str], &'static str, &'static str, &'static [&'static str]);

const RGB: &[&str] = &["codes.wgsl", "rgb_of.wgsl"];
const SYMBOLS_OF_RGB: &[&str] =
    &["codes.wgsl", "rgb_of.wgsl", "luma_of.wgsl", "symbols/symbols.wgsl", "symbols/blocks.wgsl"];
const SYMBOLS_OF_PLANES: &[&str] =
    &["planes.wgsl", "luma_of.wgsl", "symbols/symbols.wgsl", "symbols/blocks.wgsl"];
const LUMA_RGB: &[&str] = &["tiles.wgsl", "codes.wgsl", "rgb_of.wgsl", "luma_of.wgsl"];
const LUMA_BLOCKS: &[&str] =
    &["tiles.wgsl", "planes.wgsl", "row.wgsl", "blocks.wgsl", "luma_of.wgsl"];
const LOOK: &[&str] =
    &["tiles.wgsl", "codes.wgsl", "job.wgsl", "row.wgsl", "words.wgsl", "hash.wgsl"];
const LOOK_AT_PLANE: &[&str] =
    &["tiles.wgsl", "planes.wgsl", "job.wgsl", "row.wgsl", "words.wgsl", "hash.wgsl"];
const GATHER: &[&str] = &["tiles.wgsl", "job.wgsl", "row.wgsl", "gather.wgsl", "hash.wgsl"];
const BLOCKS: &[&str] =
    &["tiles.wgsl", "planes.wgsl", "job.wgsl", "row.wgsl", "blocks.wgsl", "hash.wgsl"];
const DIFF: &[&str] = &[
    "tiles.wgsl",
    "planes.wgsl",
    "job.wgsl",
    "row.wgsl",
    "blocks.wgsl",
    "hash.wgsl",
    "luma_of.wgsl",
    "show.wgsl",
];
const REFRESH: &[&str] =
    &["tiles.wgsl", "codes.wgsl", "job.wgsl", "row.wgsl", "words.wgsl", "hash.wgsl", "ycbcr.wgsl"];
const REFRESH_GATHER: &[&str] =
    &["tiles.wgsl", "job.wgsl", "row.wgsl", "gather.wgsl", "hash.wgsl", "ycbcr.wgsl"];
const PAINT: &[&str] =
    &["tiles.wgsl", "codes.wgsl", "job.wgsl", "row.wgsl", "words.wgsl", "ycbcr.wgsl"];
const WINDOWS: &[&str] = &["tiles.wgsl", "planes.wgsl", "windows.wgsl"];
const GROUP: &str = "look.wgsl";
const SERIAL: &str = "classify/serial.wgsl";
const CONVERT: &str = "convert/convert.wgsl";
const FIT: &str = "fit/fit.wgsl";
const LUMA: &str = "luma/luma.wgsl";
const RGBA: &str = "rgba/rgba.wgsl";
const DECIDE: &str = "symbols/decide.wgsl";
const SCAN: &str = "symbols/scan.wgsl";
const WRITE: &str = "symbols/write.wgsl";

/// The shaders that are not made for each format.
const VARIANTS: [Variant; 33] = [
    (LOOK, GROUP, "look_any", &["ANY"]),
    (LOOK, GROUP, "look_half", &["HALF"]),
    (LOOK_AT_PLANE, GROUP, "look_plane", &["PLANE", "BUFFERS"]),
    (GATHER, GROUP, "look_words", &["FAST", "WORDS"]),
    (GATHER, GROUP, "look_half_words", &["FAST", "WORDS", "HALF"]),
    (GATHER, GROUP, "look_one", &["FAST", "ONE"]),
    (BLOCKS, GROUP, "look_lines", &["FAST", "PLANE", "BUFFERS"]),
    (DIFF, GROUP, "diff_images", &["FAST", "PLANE", "YCBCR", "DIFF"]),
    (DIFF, GROUP, "diff_buffers", &["FAST", "PLANE", "YCBCR", "DIFF", "BUFFERS"]),
    (LOOK, SERIAL, "look_any_serial", &["ANY"]),
    (LOOK, SERIAL, "look_half_serial", &["HALF"]),
    (LOOK_AT_PLANE, SERIAL, "look_plane_serial", &["PLANE", "BUFFERS"]),
    (RGB, FIT, "fit_packed", &[]),
    (RGB, FIT, "fit_half", &["HALF"]),
    (LUMA_RGB, LUMA, "luma_packed", &[]),
    (LUMA_RGB, LUMA, "luma_half", &["HALF"]),
    (LUMA_BLOCKS, LUMA, "luma_ycbcr_images", &["YCBCR"]),
    (LUMA_BLOCKS, LUMA, "luma_ycbcr_buffers", &["YCBCR", "BUFFERS"]),
    (WINDOWS, RGBA, "rgba_images_pairs_byte", &["BYTE"]),
    (WINDOWS, RGBA, "rgba_images_pairs_short", &["SHORT"]),
    (WINDOWS, RGBA, "rgba_images_planar_byte", &["PLANAR", "BYTE"]),
    (WINDOWS, RGBA, "rgba_images_planar_short", &["PLANAR", "SHORT"]),
    (WINDOWS, RGBA, "rgba_buffers_pairs_byte", &["BUFFERS", "BYTE"]),
    (WINDOWS, RGBA, "rgba_buffers_pairs_short", &["BUFFERS", "SHORT"]),
    (WINDOWS, RGBA, "rgba_buffers_planar_byte", &["BUFFERS", "PLANAR", "BYTE"]),
    (WINDOWS, RGBA, "rgba_buffers_planar_short", &["BUFFERS", "PLANAR", "SHORT"]),
    (SYMBOLS_OF_RGB, DECIDE, "symbols_decide_packed", &[]),
    (SYMBOLS_OF_RGB, WRITE, "symbols_write_packed", &[]),
    (SYMBOLS_OF_PLANES, DECIDE, "symbols_decide_images", &["YCBCR"]),
    (SYMBOLS_OF_PLANES, WRITE, "symbols_write_images", &["YCBCR"]),
    (SYMBOLS_OF_PLANES, DECIDE, "symbols_decide_buffers", &["YCBCR", "BUFFERS"]),
    (SYMBOLS_OF_PLANES, WRITE, "symbols_write_buffers", &["YCBCR", "BUFFERS"]),
    (&["symbols/symbols.wgsl"], SCAN, "symbols_scan", &["SCAN"]),
];

/// How pixels come, and whether there is a shader of them for devices with subgroups and numbers of
/// 64 bits, and one for all others.
const SOURCES: [(&str, bool, bool); 4] =
    [("BGR", true, false), ("RGB", true, false), ("HALF", true, true), ("ANY", false, true)];
/// What is written.
const OUTPUTS: [&str; 3] = ["NV12", "I420", "P010"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut list = String::new();
    for (shared, path, name, chosen) in VARIANTS {
        make(&mut list, shared, path, name, chosen)?;
    }
    for (source, fast, plain) in SOURCES {
        for output in OUTPUTS {
            let chosen = [source, output, "PAINT", "PLACES"];
            make_for(&mut list, PAINT, CONVERT, "convert", &chosen)?;
        }
        let tiers = [(fast, "FAST"), (plain, "PLAIN")].into_iter().filter(|(has, _)| *has);
        for (_, tier) in tiers {
            for output in OUTPUTS {
                let chosen = [tier, source, output, "PAINT", "PLACES"];
                make_for(&mut list, REFRESH, GROUP, "refresh", &chosen)?;
            }
        }
        if fast {
            make_for(&mut list, LOOK, GROUP, "look", &["FAST", source])?;
        }
    }
    for output in OUTPUTS {
        for words in ["EIGHT", "TEN", "HALF"] {
            let all = [words, "WORDS", output, "FAST", "PAINT"];
            let name = format!("refresh_{words}_words_{output}").to_lowercase();
            make(&mut list, REFRESH_GATHER, GROUP, &name, &all)?;
        }
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("shaders.rs"), list)?;
    let mut copy = String::new();
    make(&mut copy, &[], "../examples/bandwidth/copy.wgsl", "copy", &[])?;
    make(&mut copy, &[], "../examples/bandwidth/read.wgsl", "read", &[])?;
    fs::write(out.join("copy.rs"), copy)?;
    Ok(())
}

/// A module named after what is chosen in it.
fn make_for(
    list: &mut String,
    shared: &[&str],
    path: &str,
    what: &str,
    chosen: &[&str],
) -> Result<(), Box<dyn Error>> {
    let words = chosen.iter().filter(|word| !["PAINT", "PLACES"].contains(*word));
    let name = words.fold(what.to_owned(), |name, word| name + "_" + &word.to_lowercase());
    make(list, shared, path, &name, chosen)
}

/// Compiles a module and adds its words to the list of constants.
fn make(
    list: &mut String,
    shared: &[&str],
    path: &str,
    name: &str,
    chosen: &[&str],
) -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    for file in shared.iter().chain([&path]) {
        text += &read(file)?;
    }
    let source = choose(&text, chosen)?;
    *list += &zerohop_wgsl::constant(&name.to_uppercase(), &source, TARGET)?;
    Ok(())
}

fn read(path: &str) -> Result<String, Box<dyn Error>> {
    let path = Path::new("src").join(path);
    println!("cargo:rerun-if-changed={}", path.display());
    Ok(fs::read_to_string(path)?)
}

/// The source with one branch of each `#if`.
fn choose(source: &str, chosen: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    // Whether the branch is taken, of each `#if` around the line.
    let mut open: Vec<bool> = Vec::new();
    for line in source.lines() {
        let Some(word) = line.strip_prefix('#').map(str::trim) else {
            if open.iter().all(|taken| *taken) {
                text.extend([line, "\n"]);
            }
            continue;
        };
        match (word, open.last_mut()) {
            ("else", Some(taken)) => *taken = !*taken,
            ("endif", Some(_)) => drop(open.pop()),
            _ if word.starts_with("if ") => open.push(chosen.contains(&word[3..].trim())),
            _ => return Err(format!("misplaced #{word}").into()),
        }
    }
    if open.is_empty() { Ok(text) } else { Err("an #if without its #endif".into()) }
}
