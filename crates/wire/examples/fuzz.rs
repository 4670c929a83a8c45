//! Fuzzes the host's end on stable Rust: `--seconds N` (10), `--seed N` (1).
//!
//! Prints what it reached and how fast; panics, and so fails, when the house is at fault. A found
//! input is reproduced with its seed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[path = "../fuzz/generate.rs"]
mod generate;
#[path = "../fuzz/target.rs"]
mod target;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limit = Duration::from_secs(argument("--seconds", 10)?);
    let seed = argument("--seed", 1)?;
    let (mut runs, mut accepted) = (0u64, 0);
    let mut reasons = BTreeMap::<String, u64>::new();
    target::run(&generate::input(&mut generate::Random(seed)));
    let fds = open_fds()?;
    let begin = Instant::now();
    while begin.elapsed() < limit {
        let own = seed.wrapping_mul(0x1_0000_0000).wrapping_add(runs);
        let outcome = target::run(&generate::input(&mut generate::Random(own)));
        runs += 1;
        accepted += outcome.accepted;
        if let Some(reason) = outcome.refused {
            let rule: String = reason.chars().filter(|c| !c.is_ascii_digit()).collect();
            *reasons.entry(rule).or_default() += 1;
        }
        if runs % 4096 == 0 && open_fds()? != fds {
            return Err(format!(
                "run {runs} of seed {seed}: {} descriptors, not {fds}",
                open_fds()?
            )
            .into());
        }
    }
    for (rule, count) in &reasons {
        println!("{count:>10}  {rule}");
    }
    let rate = runs as f64 / begin.elapsed().as_secs_f64();
    println!(
        "{runs} runs, {rate:.0} a second; {accepted} messages taken, {} rules met",
        reasons.len()
    );
    Ok(())
}

fn open_fds() -> std::io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}

/// The number after `name`, or `default`.
fn argument(name: &str, default: u64) -> Result<u64, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    match (arguments.next(), arguments.next()) {
        (Some(_), Some(value)) => Ok(value.parse()?),
        (Some(_), None) => Err(format!("{name} needs a number").into()),
        (None, _) => Ok(default),
    }
}
