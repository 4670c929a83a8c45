//! `zerohop probe`: what is in a file, and how it would be decoded here.

use serde_json::Value;

use crate::args::Probe;
use crate::decoder::{self, Task};
use crate::failure::Failure;

/// Asks the decoder, and prints what it says.
pub(crate) fn probe(options: &Probe) -> Result<u8, Failure> {
    let program = decoder::program()?;
    let Probe { input, decode, device, json } = options;
    let task = Task { input, decode, device: device.as_deref() };
    let mut command = decoder::command(&program, &task, &["--probe".to_owned()]);
    let name = input.to_string_lossy();
    let failed = |why: &str| {
        Failure::new(name.clone(), why, "check that it is a video, and that it can be read")
    };
    let output = command.output().map_err(|err| failed(&err.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let crashed = format!("the decoder ended with {}", output.status);
        return Err(failed(said.lines().last().unwrap_or(&crashed)));
    }
    let found: Value =
        serde_json::from_slice(&output.stdout).map_err(|err| failed(&err.to_string()))?;
    print!("{}", if *json { format!("{found:#}\n") } else { text(&found) });
    Ok(0)
}

/// A number or a text, without quotes.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// For people: a line about the file, and one for each way.
fn text(found: &Value) -> String {
    let seconds =
        found["seconds"].as_f64().map_or("unknown length".to_owned(), |it| format!("{it:.2} s"));
    let mut lines = format!(
        "{}: {} in {}, {seconds}, {:.3} pictures/s, {} streams; FFmpeg {}\n",
        word(&found["input"]),
        word(&found["codec"]),
        word(&found["container"]),
        found["rate"].as_f64().unwrap_or_default(),
        found["streams"],
        word(&found["ffmpeg"]),
    );
    for one in found["decoders"].as_array().into_iter().flatten() {
        lines += &format!("  {:<9} {}\n", word(&one["way"]), way(one));
    }
    lines
}

/// What became of one way.
fn way(one: &Value) -> String {
    if one["works"] != true {
        return format!("no: {}", word(&one["reason"]));
    }
    let picture = &one["picture"];
    let copied = match one["copied"].as_str() {
        Some(why) => format!(", each picture copied: {why}"),
        None => String::new(),
    };
    format!(
        "yes: {} writes {} {}x{}, handed over as {}{copied}",
        word(&one["decoder"]),
        word(&picture["fourcc"]),
        picture["width"],
        picture["height"],
        word(&one["handover"]),
    )
}
