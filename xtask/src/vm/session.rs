//! One command in one virtual machine: its output as it comes, its screenshots, its end.

use std::collections::VecDeque;
use std::fs;
use std::io::Write as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::build::Roots;
use super::listen::{Event, listen};
use super::machine::Machine;
use super::monitor::Monitor;
use super::options::{Options, Screenshot, When};

/// How many lines of the console are kept for when something goes wrong.
const LAST_WORDS: usize = 15;
/// How long switching off may take.
const SWITCH_OFF: Duration = Duration::from_secs(20);

/// Boots a machine, runs the command in it, and returns the command's exit code.
///
/// # Errors
///
/// The machine does not boot, the time is over, or a screenshot cannot be taken.
pub(super) fn run(roots: &Roots, options: &Options) -> Result<u8> {
    let begin = Instant::now();
    let (mut machine, ports, monitor) = Machine::start(roots, &options.shape)?;
    let script = super::script(&options.command);
    let control = machine.give(&options.shape, &script)?;
    let (sender, events) = channel();
    let text = options.screenshot.as_ref().and_then(|shot| match &shot.when {
        When::Printed(text) => Some(text.clone()),
        _ => None,
    });
    let copies = listen(ports, control, text, &sender);
    drop(sender);
    let mut session = Session {
        machine,
        monitor,
        begin,
        deadline: begin + options.timeout,
        ready: None,
        screenshot: options.screenshot.clone(),
        console: options.console,
        said: VecDeque::new(),
        code: None,
    };
    let result = session.follow(&events);
    drop(session);
    for copy in copies {
        // It ends with the machine, after the last byte.
        let _ = copy.join();
    }
    result
}

struct Session {
    machine: Machine,
    monitor: Monitor,
    begin: Instant,
    deadline: Instant,
    /// When the command began.
    ready: Option<Instant>,
    /// To be taken yet.
    screenshot: Option<Screenshot>,
    /// Whether all lines of the console are shown.
    console: bool,
    /// The last lines of the console.
    said: VecDeque<String>,
    code: Option<u8>,
}

impl Session {
    fn follow(&mut self, events: &Receiver<Event>) -> Result<u8> {
        loop {
            let until = self.due().map_or(self.deadline, |due| due.min(self.deadline));
            match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Off) | Err(RecvTimeoutError::Disconnected) => return self.end(),
                Ok(event) => self.see(event)?,
                Err(RecvTimeoutError::Timeout) if Instant::now() < self.deadline => {
                    self.take_screenshot()?;
                }
                Err(RecvTimeoutError::Timeout) => bail!(self.too_late()),
            }
        }
    }

    /// When a screenshot is to be taken that waits for a time.
    fn due(&self) -> Option<Instant> {
        match self.screenshot.as_ref()?.when {
            When::After(time) => Some(self.ready? + time),
            _ => None,
        }
    }

    fn see(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Ready(seconds) => {
                self.ready = Some(Instant::now());
                eprintln!("vm: booted in {seconds} s");
            }
            Event::Printed => self.take_screenshot()?,
            Event::Wanted(shot, mut socket) => {
                let answer = match self.shoot(&shot) {
                    Ok(()) => "done".to_owned(),
                    Err(err) => format!("{err:#}").replace('\n', " "),
                };
                writeln!(socket, "{answer}")?;
            }
            Event::Exit(code) => self.ended(code)?,
            Event::Console(line) => self.hear(line),
            Event::Off => {}
        }
        Ok(())
    }

    fn hear(&mut self, line: String) {
        if self.console {
            eprintln!("vm: {line}");
        }
        self.said.push_back(line);
        if self.said.len() > LAST_WORDS {
            self.said.pop_front();
        }
    }

    fn ended(&mut self, code: u8) -> Result<()> {
        let took = self.ready.unwrap_or(self.begin).elapsed();
        eprintln!("vm: the command ended with {code} after {:.1} s", took.as_secs_f64());
        self.code = Some(code);
        if self.screenshot.as_ref().is_some_and(|shot| shot.when == When::Ended) {
            self.take_screenshot()?;
        }
        self.deadline = Instant::now() + SWITCH_OFF;
        self.machine.power_off();
        Ok(())
    }

    fn take_screenshot(&mut self) -> Result<()> {
        let Some(shot) = self.screenshot.take() else { return Ok(()) };
        self.shoot(&shot)?;
        eprintln!("vm: {} shows {}", shot.file.display(), shot.screen);
        Ok(())
    }

    fn shoot(&mut self, shot: &Screenshot) -> Result<()> {
        self.monitor.screenshot(&shot.screen, "/run/screenshot.png")?;
        let made = self.machine.file("screenshot.png");
        fs::copy(&made, &shot.file)
            .map(drop)
            .with_context(|| format!("write {}", shot.file.display()))
    }

    /// The machine is off.
    fn end(&mut self) -> Result<u8> {
        let Some(code) = self.code else {
            bail!("the machine ended before the command did; its last words:\n{}", self.last());
        };
        match &self.screenshot {
            None => Ok(code),
            Some(shot) => bail!("the command ended before {} was due", shot.file.display()),
        }
    }

    fn too_late(&self) -> String {
        let took = self.begin.elapsed().as_secs();
        match (self.code, self.ready) {
            (Some(code), _) => format!("the machine does not switch off (the command: {code})"),
            (None, Some(_)) => format!("the command did not end within {took} s (--timeout)"),
            (None, None) => {
                format!(
                    "the machine did not boot within {took} s; its last words:\n{}",
                    self.last()
                )
            }
        }
    }

    fn last(&self) -> String {
        self.said.iter().map(|line| format!("  {line}\n")).collect()
    }
}
