//! The report is what `REPORT.md` says it is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use zerohop_frame::{Extent, Fallback, Observer, Stage};
use zerohop_passes::{Grid, TileSet, Verdict};
use zerohop_pipeline::{Application, CudaReport, Facts, Measurements, Report, SCHEMA, Stream};

/// A run of three pictures: one encoded, one unchanged, one lost.
fn report() -> Report {
    let all = Arc::new(Measurements::default());
    let at = Duration::from_micros;
    for sequence in 0..3 {
        all.taken();
        all.span(sequence, Stage::PresentToHost, at(0), at(50));
    }
    let tiles = TileSet::all(Grid::of(Extent { width: 1280, height: 720 }));
    all.verdict(0, &Verdict::Changed { rect: tiles.bounds(), tiles });
    all.verdict(1, &Verdict::Unchanged);
    all.asked();
    all.kept(4, 2);
    all.submitted();
    all.span(0, Stage::Encode, at(100), at(4100));
    all.dropped(2, "replaced");
    all.of_sinks().cpu_copy(0, 3_686_400, "png reads the picture back");
    all.fallback(Fallback {
        what: "sync".into(),
        reason: "no SYNC_FD".into(),
        cost: "a wait at each present".into(),
    });
    Report::new(all.counts(), facts())
}

/// What whoever ran it knows.
fn facts() -> Facts {
    let stream = Stream {
        producer: "vkcube".into(),
        name: "xcb window".into(),
        extent: Extent { width: 1280, height: 720 },
        fourcc: "XR24".into(),
        presented: 3,
        main: true,
    };
    let command = vec!["vkcube".into(), "--c".into(), "3".into()];
    Facts {
        application: Application { command, exit_code: Some(0), signal: None },
        duration: Duration::from_millis(1500),
        handover: "opaque_fd",
        sync_tier: "signaled",
        device: Some("llvmpipe".into()),
        encoder: None,
        cuda: Some(CudaReport {
            device: "a GPU".into(),
            way: "the memory itself",
            handle: "opaque_fd as an array",
            imports: 4,
            first_import_us: 1120,
            pictures: 3,
            device_waits: 2,
            copies: 1,
        }),
        host_looked: None,
        streams: vec![stream],
        presented: 3,
        replaced: 0,
        refused: Vec::new(),
        outputs: vec!["cube.mp4".into()],
    }
}

fn json() -> Value {
    serde_json::from_str(&report().to_json().unwrap()).unwrap()
}

#[test]
fn the_literal_keys_hold_what_happened() {
    let json = json();
    assert_eq!(json["schema"], SCHEMA);
    assert_eq!(json["verdicts"], json!({ "unchanged": 3, "changed": 1, "region": 0 }));
    assert_eq!((&json["frames_presented"], &json["frames_encoded"]), (&json!(3), &json!(1)));
    assert_eq!(
        (&json["frames_dropped"], &json["drop_reasons"]["replaced"]),
        (&json!(1), &json!(1))
    );
    assert_eq!((&json["cuda"]["imports"], &json["cuda"]["copies"]), (&json!(4), &json!(1)));
    assert_eq!((&json["handover"], &json["sync_tier"]), (&json!("opaque_fd"), &json!("signaled")));
    assert_eq!((&json["bytes_copied_by_cpu"], &json["gpu_copies"]), (&json!(0), &json!(0)));
    assert_eq!(json["sink_copies"]["cpu_bytes"], 3_686_400);
    assert_eq!(json["fallbacks"][0]["reason"], "no SYNC_FD");
    assert_eq!(json["look"], json!({ "asked": 1, "kept": 2, "host_because": null }));
    assert_eq!(json["fps"], 2.0);
    let encode = json!({ "count": 1, "p50": 4000, "p95": 4000, "p99": 4000, "max": 4000 });
    assert_eq!(json["stages"]["encode"], encode);
    assert_eq!(json["streams"][0]["extent"], "1280x720");
}

#[test]
fn pictures_that_nobody_looked_at_are_not_called_unchanged() {
    assert!(report().summary().contains(", 3 unchanged, "), "{}", report().summary());
    let shown = Report::new(Measurements::new(None).counts(), Facts { encoder: None, ..facts() });
    let said = shown.summary();
    assert!(said.contains(" s: 0 replaced, 0 dropped") && !said.contains("changed"), "{said}");
}

#[test]
fn every_key_is_documented_and_every_documented_key_is_there() {
    let text = include_str!("../REPORT.md");
    let json = json();
    let keys: Vec<_> = json.as_object().unwrap().keys().collect();
    for key in &keys {
        assert!(text.contains(&format!("| `{key}` |")), "REPORT.md does not name {key}");
    }
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    for (key, _) in rows.filter(|(key, _)| !key.contains('.')) {
        assert!(keys.iter().any(|one| *one == key), "REPORT.md names {key}, the report lacks it");
    }
}

#[test]
fn the_table_says_the_same_to_people() {
    let table = report().to_string();
    for line in [
        "vkcube --c 3",
        "verdicts              3 unchanged, 1 changed, 0 region",
        "looked at by          the host, and the application while it stood still (asked 1), which \
         kept 2",
        "frames dropped        1: 1 replaced",
        "CUDA                  a GPU, the memory itself, opaque_fd as an array: 4 imports, the first in \
         1.12 ms; 3 pictures, 2 awaited by the GPU, 1 copied to be read",
        "fallback              sync: no SYNC_FD: a wait at each present",
        "encode                   1      4000",
    ] {
        assert!(table.contains(line), "{line:?} is not in\n{table}");
    }
}
