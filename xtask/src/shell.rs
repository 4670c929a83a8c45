//! Running programs: said before, with a clear line when they fail.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tree;

/// Runs a program that talks to the user.
///
/// # Errors
///
/// It cannot be started, or does not end with 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// As [`run`], for a program that may hang: it is killed when `limit` has passed.
///
/// # Errors
///
/// As [`run`], or that it was killed.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let mut child = command.spawn().with_context(|| format!("cannot start `{line}`"))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("`{line}` failed: {status}"),
            None if Instant::now() < end => thread::sleep(Duration::from_millis(20)),
            None => break,
        }
    }
    tree::kill(&mut child)?;
    bail!("`{line}` did not end within {} s", limit.as_secs())
}

/// Runs a program and takes what it writes to its output.
///
/// # Errors
///
/// It cannot be started, does not end with 0, or writes no UTF-8. The message holds its last words.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = line(command);
    let out = command.stdin(Stdio::null()).output();
    let out = out.with_context(|| format!("cannot start `{line}`"))?;
    if !out.status.success() {
        let words = String::from_utf8_lossy(&out.stderr);
        bail!("`{line}` failed: {}: {}", out.status, tail(words.trim(), 5));
    }
    String::from_utf8(out.stdout).with_context(|| format!("`{line}` writes no UTF-8"))
}

/// The program's path, if `PATH` has it.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// The last `count` lines of `text`.
pub(crate) fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| quoted(&word.to_string_lossy()));
    words.collect::<Vec<_>>().join(" ")
}

/// A word as one would type it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended() {
        let err = run_within(Command::new("sleep").arg("60"), Duration::from_millis(50));
        assert!(err.unwrap_err().to_string().ends_with("did not end within 0 s"));
    }

    #[test]
    fn a_failure_names_the_command_and_its_last_words() {
        let err = output(Command::new("sh").args(["-c", "echo no such thing >&2; exit 3"]));
        let err = err.unwrap_err().to_string();
        let start = "`sh -c 'echo no such thing >&2; exit 3'` failed: exit status: 3";
        assert_eq!(err, format!("{start}: no such thing"));
    }
}
