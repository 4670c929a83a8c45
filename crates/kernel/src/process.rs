//! Whether another process goes on.

use std::fs;

/// `PF_EXITING` of `include/linux/sched.h`.
const EXITING: u64 = 0x4;

/// Whether the process `pid` runs and is not about to end. Its descriptors close while it ends, so
/// whoever sees one closed can tell whether its owner goes on.
///
/// `false` for one that cannot be seen, and for 0.
///
/// # References
///
/// `proc_pid_stat(5)`: fields 3 (state) and 9 (flags).
pub fn process_lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it is in brackets, and may hold anything.
    let Some((_, fields)) = stat.rsplit_once(')') else { return false };
    let mut fields = fields.split_whitespace();
    let state = fields.next().unwrap_or("X");
    let flags = fields.nth(5).and_then(|flags| flags.parse::<u64>().ok()).unwrap_or(EXITING);
    !matches!(state, "Z" | "X" | "x") && flags & EXITING == 0
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};

    use super::*;

    #[test]
    fn we_live_and_an_ended_child_does_not() {
        assert!(process_lives(id()) && !process_lives(0));
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id();
        while process_lives(pid) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!process_lives(pid));
    }
}
