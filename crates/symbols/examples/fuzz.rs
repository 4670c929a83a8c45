//! Fuzzes the reader on stable Rust: `--seconds N` (10), `--seed N` (1).
//!
//! Prints what it reached and how fast; panics, and so fails, when the house is at fault. A found
//! input is reproduced with its seed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[path = "../fuzz/packets.rs"]
mod packets;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limit = Duration::from_secs(argument("--seconds", 10)?);
    let seed = argument("--seed", 1)?;
    let (mut runs, mut read) = (0_u64, 0);
    let mut rules = BTreeMap::<String, u64>::new();
    let begin = Instant::now();
    while begin.elapsed() < limit {
        let own = seed.wrapping_mul(0x1_0000_0000).wrapping_add(runs);
        let outcome = packets::run(&mut packets::Random(own));
        runs += 1;
        read += outcome.read;
        if let Some(rule) = outcome.refused {
            let rule: String = rule.to_string().chars().filter(|c| !c.is_ascii_digit()).collect();
            *rules.entry(rule).or_default() += 1;
        }
    }
    let rate = runs as f64 / begin.elapsed().as_secs_f64();
    println!("{runs} runs, {rate:.0} a second; {read} pictures read, {} refusals met", rules.len());
    Ok(())
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
