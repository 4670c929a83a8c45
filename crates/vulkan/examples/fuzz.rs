//! Fuzzes the import of pictures on stable Rust: `--seconds N` (10), `--seed N` (1).
//!
//! Prints what it reached and how fast; panics, and so fails, when the house is at fault, and fails
//! when the validation layer has something to say. A found input is reproduced with its seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_vulkan::{Device, DeviceChoice, Instance, InstanceOptions, Queue};

#[path = "../fuzz/descriptors.rs"]
mod descriptors;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limit = Duration::from_secs(argument("--seconds", 10)?);
    let seed = argument("--seed", 1)?;
    let instance = Instance::new(InstanceOptions { validation: true })
        .or_else(|_| Instance::new(InstanceOptions::default()))?;
    let device = Device::open(&DeviceChoice::Any.pick(&instance)?)?;
    let (queue, memory) = (Queue::new(&device), descriptors::Memory::new());
    let (mut runs, mut read) = (0_u64, 0_u64);
    let mut reasons = BTreeMap::<String, u64>::new();
    run(&queue, &memory, seed);
    let files = open_fds()?;
    let begin = Instant::now();
    while begin.elapsed() < limit {
        let own = seed.wrapping_mul(0x1_0000_0000).wrapping_add(runs);
        runs += 1;
        match run(&queue, &memory, own) {
            None => read += 1,
            Some(reason) => {
                let rule: String = reason.chars().filter(|c| !c.is_ascii_digit()).collect();
                *reasons.entry(rule).or_default() += 1;
            }
        }
    }
    let said = instance.messages().map(|messages| messages.texts()).unwrap_or_default();
    if let Some(first) = said.first() {
        return Err(format!("the validation layer says {first}").into());
    }
    if open_fds()? != files {
        return Err(format!("{} descriptors, not {files}", open_fds()?).into());
    }
    let rate = runs as f64 / begin.elapsed().as_secs_f64();
    println!("{runs} imports, {rate:.0} a second; {read} read, {} refusals met", reasons.len());
    Ok(())
}

fn run(queue: &Arc<Queue>, memory: &descriptors::Memory, seed: u64) -> Option<String> {
    descriptors::run(queue, memory, &mut descriptors::Random(seed))
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
