//! Runs steps one after the other, each in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::Options;
use crate::kit::Kit;
use crate::process;
use crate::row::Row;
use crate::steps::Step;
use crate::table::Line;

/// Runs `steps`, and gives all their rows.
///
/// # Errors
///
/// This machine cannot start processes.
pub(crate) fn all(steps: &[&'static Step], kit: &Kit, options: &Options) -> Result<Vec<Line>> {
    process::adopt_orphans()?;
    let fakes = if kit.fake { fakes(kit)? } else { Vec::new() };
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut lines = Vec::new();
    for step in steps {
        let limit = step.limit.min(end.saturating_duration_since(Instant::now()));
        println!("\n== {}, at most {} s: {}", step.name, limit.as_secs(), step.what);
        let begin = Instant::now();
        let rows = if limit.is_zero() {
            vec![Row::fails("time", "the steps before took all of it")]
        } else {
            one(step, kit, &fakes, limit)?
        };
        for row in &rows {
            println!("   {:<7} {} {}", row.verdict.word(), row.name, row.note);
        }
        println!("   took {:.1} s", begin.elapsed().as_secs_f64());
        lines.extend(rows.into_iter().map(|row| Line::of(step.name, row)));
    }
    Ok(lines)
}

/// What the fake of CUDA must be told: which Vulkan device it is.
fn fakes(kit: &Kit) -> Result<Vec<(&'static str, String)>> {
    let mut doctor = Command::new(kit.program("zerohop"));
    let said = doctor.args(["doctor", "--json"]).output().context("cannot start zerohop")?.stdout;
    let report: Value = serde_json::from_slice(&said).context("the doctor says no JSON")?;
    let uuid = report["devices"][0]["uuid"].as_str().context("the doctor knows no device")?;
    Ok(vec![("ZEROHOP_CUDA_UUIDS", uuid.to_owned())])
}

/// Runs one, and ends whatever it leaves behind.
fn one(
    step: &'static Step,
    kit: &Kit,
    fakes: &[(&str, String)],
    limit: Duration,
) -> Result<Vec<Row>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.envs(fakes.iter().map(|(name, value)| (name, value)));
    command.args(["--alone", step.name, "--folder"]).arg(kit.folder().join(step.name));
    for (flag, given) in [("--quick", kit.quick), ("--fake", kit.fake)] {
        command.args(given.then_some(flag));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().with_context(|| format!("cannot start step {}", step.name))?;
    let rows = listen(&mut child, limit);
    let _ = child.kill();
    process::end_descendants();
    let _ = child.wait();
    Ok(rows)
}

/// What the child says, until it ends or its time is over.
fn listen(child: &mut Child, limit: Duration) -> Vec<Row> {
    let end = Instant::now() + limit;
    let complaints = child.stderr.take().map(lines);
    let Some(said) = child.stdout.take().map(lines) else { return Vec::new() };
    let mut rows = Vec::new();
    loop {
        match said.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => rows.extend(Row::heard(&line)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let why = format!("it did not end within {} s", limit.as_secs());
                rows.push(Row::fails("limit", why));
                return rows;
            }
        }
    }
    if !child.wait().is_ok_and(|status| status.success()) {
        let words = complaints.into_iter().flatten().last();
        rows.push(Row::fails("step", words.unwrap_or_else(|| "it said nothing".to_owned())));
    }
    rows
}

/// The lines of a pipe, as they come.
fn lines(pipe: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let whole = BufReader::new(pipe).lines().map_while(Result::ok);
        for line in whole {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
