// A picture's luma as symbols (`crates/symbols/SYMBOLS.md`), in three dispatches: `decide.wgsl` says what is
// done for each block, `scan.wgsl` where its trits go, `write.wgsl` writes them and what a reader then has.
// This comes before each; before the first and the last also `luma_of.wgsl`, and what that needs. The twin is
// `cpu.rs` beside this file.

struct Job {
    // Pixels of the picture.
    size: vec2<u32>,
    // Blocks in a row, and all of them.
    columns: u32,
    blocks: u32,
    // Pixels of a block's side, codes of a step, words of a trit plane.
    side: u32,
    step: u32,
    plane_words: u32,
    // Words of 4 bytes from row to row of what the reader has.
    stride: u32,
    // Whether nothing may refer to the picture before.
    key: u32,
    unused_0: u32,
    unused_1: u32,
    unused_2: u32,
}

#if SCAN
struct Told {
    job: Job,
}
#else
struct Told {
    source: LumaOf,
    job: Job,
}
#endif

var<immediate> told: Told;

@group(1) @binding(0) var<storage, read_write> actions: array<u32>;
@group(1) @binding(1) var<storage, read_write> trits: array<u32>;
// What the reader has: four pixels in a word, rows of whole blocks.
@group(1) @binding(2) var<storage, read_write> known: array<u32>;
// The first word of each block, and the number of all.
@group(1) @binding(3) var<storage, read_write> first: array<u32>;

fn planes_of(action: u32) -> u32 {
    return (action >> 8u) & 0xffu;
}
