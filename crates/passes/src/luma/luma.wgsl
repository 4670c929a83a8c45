// Writes tiles of the picture's luma, one byte for each pixel. The twin is `cpu.rs` beside this file.
// `build.rs` puts `luma_of.wgsl` and `tiles.wgsl` in front, and what these need.

struct Luma {
    source: LumaOf,
    size: vec2<u32>,
    // Words of 4 bytes from row to row.
    stride: u32,
    unused_0: u32,
    // Those that are marked are black.
    tiles: Tiles,
}

var<immediate> job: Luma;

@group(1) @binding(1) var<storage, read_write> out: array<vec4<u32>>;

#if YCBCR
fn packed_luma(codes: vec4<u32>) -> u32 {
    return packed_codes(job.source, codes);
}
#endif

// Four pixels of a row; past the edge, the last one again.
fn four_lumas(at: vec2<u32>) -> u32 {
    var word = 0u;
    for (var i = 0u; i < 4u; i++) {
        let place = min(vec2<u32>(at.x + i, at.y), job.size - 1u);
        word |= luma_of(job.source, place) << (i * 8u);
    }
    return word;
}

fn sixteen_lumas(at: vec2<u32>) -> vec4<u32> {
    let next = vec2<u32>(4u, 0u);
    let half = at + next + next;
    return vec4<u32>(four_lumas(at), four_lumas(at + next), four_lumas(half), four_lumas(half + next));
}

fn store(at: vec2<u32>, words: vec4<u32>) {
    out[(at.y * job.stride + (at.x >> 2u)) >> 2u] = words;
}

// One invocation for sixteen by two pixels, one workgroup for sixteen tiles: a device takes longer to
// begin a workgroup than to write a tile.
@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let task = task_of(job.tiles, group, groups, 16u, thread >> 3u);
    if !task.is_one {
        return;
    }
    let at = task.corner + vec2<u32>(0u, (thread & 7u) * 2u);
    let below = at + vec2<u32>(0u, 1u);
    if (task.entry & 0x80000000u) != 0u {
        store(at, vec4<u32>(0u));
        store(below, vec4<u32>(0u));
        return;
    }
#if YCBCR
    if has_blocks(job.source.planes) {
        let a = block_0(job.source.planes, job.size, at);
        let b = block_0(job.source.planes, job.size, at + vec2<u32>(8u, 0u));
        let top = vec4<u32>(
            packed_luma(a.top.a), packed_luma(a.top.b), packed_luma(b.top.a), packed_luma(b.top.b),
        );
        let low = vec4<u32>(
            packed_luma(a.low.a), packed_luma(a.low.b), packed_luma(b.low.a), packed_luma(b.low.b),
        );
        store(at, top);
        store(below, low);
        return;
    }
#endif
    store(at, sixteen_lumas(at));
    store(below, sixteen_lumas(below));
}
