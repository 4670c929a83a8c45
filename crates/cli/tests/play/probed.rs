//! What `zerohop probe` says of a clip.

use libtest_mimic::Trial;
use serde_json::Value;

use crate::stage::{Stage, X264, zerohop};
use crate::trial::named;

pub(crate) fn trials() -> Vec<Trial> {
    vec![named("a_probe_says_what_works_and_why_the_rest_does_not", probe)]
}

fn probe() {
    let stage = Stage::new();
    let clip = stage.clip("clip.mp4", &X264);
    let output = zerohop("probe", &clip, &["--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["codec"], &found["rate"]), (&"h264".into(), &25.0.into()), "{found:#}");
    let ways = found["decoders"].as_array().unwrap();
    assert_eq!(ways.len(), 4);
    for way in ways {
        let works = way["works"] == true;
        assert_eq!(works, way["reason"].is_null(), "a reason for every no: {way:#}");
    }
    let software = &ways[3];
    assert_eq!((&software["picture"]["width"], &software["copied"]), (&146.into(), &Value::Null));
    assert_eq!(software["picture"]["fourcc"], "YU12");
    assert_eq!(software["import"]["works"], true, "{software:#}");
    let text = zerohop("probe", &clip, &["--decode", "software", "--upload", "vulkan"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("software  yes: h264 writes YU12 146x102"), "{text}");
    assert!(text.contains("opaque memory") && text.contains("imported as buffers by"), "{text}");
    assert!(text.trim_end().ends_with("exactly"), "{text}");
}
