// Writes the luma of what changed, and black where nothing did: what `Diff` shows. Its twins are those
// of the hash and of luma, one after the other. `build.rs` puts `blocks.wgsl`, `luma_of.wgsl` and
// `job.wgsl` in front.

@group(1) @binding(1) var<storage, read_write> out: array<vec2<u32>>;

fn show_row(at: vec2<u32>, row: Row, is_new: bool) {
    let planes = job.source.planes;
    let a = packed_codes(job.source, codes_of(planes, row.a));
    let b = packed_codes(job.source, codes_of(planes, row.b));
    let words = select(vec2<u32>(0u), vec2<u32>(a, b), is_new);
    out[(at.y * job.stride + (at.x >> 2u)) >> 1u] = words;
}

// Eight by two pixels.
fn show(at: vec2<u32>, block: Block, is_new: bool) {
    show_row(at, block.top, is_new);
    show_row(at + vec2<u32>(0u, 1u), block.low, is_new);
}
