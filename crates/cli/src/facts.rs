//! What a source saw, in the words of the report.

use zerohop_pipeline::{Facts, Refused, Stream};
use zerohop_sources::{Refusal, StreamReport};

/// What `seen` says of the streams and their producers. Everything else is left open.
pub(crate) fn facts(seen: &zerohop_sources::Report) -> Facts {
    let main = seen.streams.iter().rev().find(|stream| stream.was_main);
    Facts {
        handover: main.map_or("none", |stream| match stream.handover {
            "opaque" => "opaque_fd",
            "dma-buf" => "dma_buf",
            other => other,
        }),
        sync_tier: main.map_or("none", |stream| {
            let fences = stream.frames - stream.frames_signaled - stream.frames_timeline;
            match [fences, stream.frames_timeline] {
                [0, 0] => "signaled",
                [fences, timeline] if timeline > fences => "timeline",
                _ => "sync_file",
            }
        }),
        replaced: seen.frames_replaced,
        streams: seen.streams.iter().map(stream).collect(),
        refused: seen.refused.iter().map(refused).collect(),
        ..Facts::default()
    }
}

fn stream(seen: &StreamReport) -> Stream {
    Stream {
        producer: seen.producer.clone(),
        name: seen.name.clone(),
        extent: seen.extent,
        fourcc: seen.fourcc.to_string(),
        presented: seen.frames + seen.frames_kept,
        main: seen.was_main,
    }
}

fn refused(seen: &Refusal) -> Refused {
    Refused { pid: seen.pid, producer: seen.name.clone(), reason: seen.reason.clone() }
}
