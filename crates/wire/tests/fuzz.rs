//! The fuzz target, for as long as a test may take.

use std::collections::BTreeSet;

#[path = "../fuzz/generate.rs"]
mod generate;
#[path = "../fuzz/target.rs"]
mod target;

#[test]
fn changed_conversations_are_taken_or_refused_and_nothing_else() {
    let mut reasons = BTreeSet::new();
    let (mut accepted, mut whole) = (0, 0);
    for seed in 0..4000 {
        let outcome = target::run(&generate::input(&mut generate::Random(seed)));
        accepted += outcome.accepted;
        match outcome.refused {
            Some(reason) => drop(reasons.insert(reason)),
            None => whole += 1,
        }
    }
    // A target that sees everything refused at the door, or nothing at all, tests nothing.
    assert!(whole > 1000 && accepted > 20_000, "{whole} whole, {accepted} accepted");
    assert!(reasons.len() > 100, "{reasons:?}");
}
