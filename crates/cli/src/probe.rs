//! `zerohop probe`: what is in a file, and how it would be decoded here.

use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::args::{Decode, Probe};
use crate::decoder::{self, Task};
use crate::failure::Failure;
use crate::pulse::Pulse;
use crate::screen;

/// The ways there are, best first.
const WAYS: [&str; 4] = ["vaapi", "cuda", "vulkan", "software"];

/// How often it is looked whether a decoder has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Asks a decoder for each way, and prints what they say. Each is a process of its own, so that a
/// driver that crashes, or does not come back, is one way that does not work.
pub(crate) fn probe(options: &Probe) -> Result<u8, Failure> {
    let program = decoder::program()?;
    let only = |way: &&&str| options.decode.decode == "auto" || options.decode.decode == ***way;
    let mut found = Value::Null;
    let mut decoders = Vec::new();
    for way in WAYS.iter().filter(only) {
        let decode = Decode { decode: (*way).to_owned(), ..options.decode.clone() };
        let inputs = std::slice::from_ref(&options.input);
        let task = Task { inputs, decode: &decode, device: options.device.as_deref() };
        let command = decoder::command(&program, &task, &["--probe".to_owned()]);
        match ask(command, decode.timeout) {
            Answer::Found(mut one) => {
                decoders.extend(
                    one["decoders"].as_array_mut().map(std::mem::take).into_iter().flatten(),
                );
                found = one;
            }
            Answer::Crashed(why) => {
                decoders.push(json!({ "way": way, "works": false, "reason": why }));
            }
            Answer::Failed(why) => {
                let todo = "check that it is a video, and that it can be read";
                return Err(Failure::new(options.input.to_string_lossy(), why, todo));
            }
        }
    }
    if found.is_null() {
        let why = decoders.first().map_or(Value::Null, |one| one["reason"].clone());
        let todo = "try zerohop probe --decode software";
        return Err(Failure::new(options.input.to_string_lossy(), word(&why), todo));
    }
    found["decoders"] = decoders.into();
    screen::print(if options.json { format!("{found:#}\n") } else { text(&found) })?;
    Ok(0)
}

/// What a decoder said.
enum Answer {
    /// What it found.
    Found(Value),
    /// Why there is nothing to be found, by any way.
    Failed(String),
    /// Why it said nothing.
    Crashed(String),
}

/// Waits for the decoder that `command` starts.
fn ask(mut command: Command, timeout: Duration) -> Answer {
    let failed = |err: std::io::Error| Answer::Failed(err.to_string());
    let (pulse, beat) = match Pulse::new(timeout) {
        Ok(both) => both,
        Err(err) => return failed(err),
    };
    command.stdin(beat).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(err) => return failed(err),
    };
    // Ours is closed, so that only the decoder beats.
    drop(command);
    let status = match wait(&mut child, &pulse) {
        Ok(status) => status,
        Err(why) => return Answer::Crashed(why),
    };
    let (mut printed, mut said) = (String::new(), String::new());
    // Less than a pipe holds; what cannot be read is not JSON.
    let _ = child.stdout.take().map(|mut out| out.read_to_string(&mut printed));
    let _ = child.stderr.take().map(|mut out| out.read_to_string(&mut said));
    let last = said.lines().last().map(str::to_owned);
    match status.code() {
        Some(0) => serde_json::from_str(&printed)
            .map_or_else(|err| Answer::Crashed(err.to_string()), Answer::Found),
        Some(code) => {
            Answer::Failed(last.unwrap_or_else(|| format!("the decoder ended with code {code}")))
        }
        // It ends itself when it waits in vain, and says why.
        None => Answer::Crashed(last.unwrap_or_else(|| format!("the decoder crashed: {status}"))),
    }
}

/// Waits for its end; or ends it, with the reason, when it does not run any more.
fn wait(child: &mut Child, pulse: &Pulse) -> Result<ExitStatus, String> {
    loop {
        if let Some(status) = child.try_wait().map_err(|err| err.to_string())? {
            return Ok(status);
        }
        if let Some(why) = pulse.gone() {
            let _ = child.kill();
            let _ = child.wait();
            return Err(why);
        }
        sleep(LOOK);
    }
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
        "yes: {} writes {} {}x{}, handed over as {}{copied}; {}",
        word(&one["decoder"]),
        word(&picture["fourcc"]),
        picture["width"],
        picture["height"],
        word(&one["handover"]),
        import(&one["import"]),
    )
}

/// How the first picture was imported.
fn import(import: &Value) -> String {
    if import["works"] != true {
        return format!("not imported: {}", word(&import["reason"]));
    }
    let copied = match import["copied"].as_str() {
        Some(why) => format!(" ({why})"),
        None => String::new(),
    };
    format!("imported as {}{copied} by {}, exactly", word(&import["way"]), word(&import["device"]))
}
