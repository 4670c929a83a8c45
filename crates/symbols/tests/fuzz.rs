//! Streams of packets, changed at random, for as long as a test may take.

use std::collections::BTreeSet;
use std::mem::discriminant;

#[path = "../fuzz/packets.rs"]
mod packets;

use proptest::prelude::*;
use zerohop_symbols::Reader;

#[test]
fn changed_packets_are_read_or_refused_and_nothing_else() {
    let (mut read, mut whole, mut rules) = (0, 0, Vec::new());
    for seed in 0..3000 {
        let outcome = packets::run(&mut packets::Random(seed));
        read += outcome.read;
        match outcome.refused {
            Some(rule) if !rules.contains(&discriminant(&rule)) => rules.push(discriminant(&rule)),
            Some(_) => {}
            None => whole += 1,
        }
    }
    // A target that sees everything refused at the door, or nothing at all, tests nothing.
    assert!(read > 3000 && whole > 800, "{read} read, {whole} whole");
    assert!(rules.len() >= 9, "{} of the rules were met", rules.len());
    let names: BTreeSet<String> = (0..200)
        .filter_map(|seed| packets::run(&mut packets::Random(seed)).refused)
        .map(|rule| rule.to_string())
        .collect();
    assert!(names.len() > 20, "{names:?}");
}

proptest! {
    #[test]
    fn any_bytes_are_refused_by_name(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Reader::new().read(&bytes).is_err());
    }
}
