//! QEMU's monitor, which can photograph a card's screen.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A conversation in QEMU's machine protocol.
///
/// # References
///
/// `docs/interop/qmp-spec.rst` and `qapi/ui.json` of QEMU.
#[derive(Debug)]
pub(super) struct Monitor {
    reader: BufReader<UnixStream>,
    greeted: bool,
}

impl Monitor {
    /// Over a socket whose other end QEMU has.
    ///
    /// # Errors
    ///
    /// The socket takes no time limit.
    pub(super) fn new(socket: UnixStream) -> Result<Self> {
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { reader: BufReader::new(socket), greeted: false })
    }

    /// Writes what `screen` shows now as a PNG, into a file of QEMU's root.
    ///
    /// # Errors
    ///
    /// QEMU has no such screen, cannot write the file, or does not answer.
    pub(super) fn screenshot(&mut self, screen: &str, file: &str) -> Result<()> {
        if !self.greeted {
            self.ask("qmp_capabilities", &json!({}))?;
            self.greeted = true;
        }
        let arguments = json!({ "filename": file, "device": screen, "format": "png" });
        self.ask("screendump", &arguments).with_context(|| format!("no screenshot of {screen}"))
    }

    fn ask(&mut self, command: &str, arguments: &Value) -> Result<()> {
        let line = json!({ "execute": command, "arguments": arguments }).to_string();
        self.reader.get_mut().write_all(line.as_bytes())?;
        loop {
            let mut answer = String::new();
            if self.reader.read_line(&mut answer).context("QEMU does not answer")? == 0 {
                bail!("QEMU has ended");
            }
            let answer: Value = serde_json::from_str(&answer)?;
            if let Some(error) = answer.pointer("/error/desc").and_then(Value::as_str) {
                bail!("QEMU says: {error}");
            }
            // What comes besides are its greeting and events.
            if answer.get("return").is_some() {
                return Ok(());
            }
        }
    }
}
