// Writes tiles of the picture's luma, one byte for each pixel. The twin is `cpu.rs` beside this file.
// `build.rs` puts `luma_of.wgsl` in front, and what that needs.

struct Luma {
    source: LumaOf,
    size: vec2<u32>,
    columns: u32,
    count: u32,
    // Words of 4 bytes from row to row.
    stride: u32,
}

var<immediate> job: Luma;

// The tiles to write; those with the highest bit are black.
@group(1) @binding(0) var<storage, read> tiles: array<u32>;
@group(1) @binding(1) var<storage, read_write> out: array<vec2<u32>>;

#if YCBCR
fn packed_luma(codes: vec4<u32>) -> u32 {
    let source = job.source;
    let most = vec4<u32>(source.most);
    let luma = (min(codes, most) * source.weight + HALF_CODE) >> vec4<u32>(24u);
    return luma.x | (luma.y << 8u) | (luma.z << 16u) | (luma.w << 24u);
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

fn store(at: vec2<u32>, words: vec2<u32>) {
    out[(at.y * job.stride + (at.x >> 2u)) >> 1u] = words;
}

// One invocation for eight by two pixels, one workgroup for eight tiles: a device takes longer to
// begin a workgroup than to write a tile.
@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let index = (group.y * groups.x + group.x) * 8u + (thread >> 4u);
    if index >= job.count {
        return;
    }
    let entry = tiles[index];
    let tile = entry & 0x7fffffffu;
    let corner = vec2<u32>(tile % job.columns, tile / job.columns) * 16u;
    let at = corner + vec2<u32>((thread & 1u) * 8u, ((thread & 15u) >> 1u) * 2u);
    let below = at + vec2<u32>(0u, 1u);
    if entry != tile {
        store(at, vec2<u32>(0u));
        store(below, vec2<u32>(0u));
        return;
    }
#if YCBCR
    if has_blocks(job.source.planes) {
        let block = block_0(job.source.planes, job.size, at);
        store(at, vec2<u32>(packed_luma(block.top.a), packed_luma(block.top.b)));
        store(below, vec2<u32>(packed_luma(block.low.a), packed_luma(block.low.b)));
        return;
    }
#endif
    let next = vec2<u32>(4u, 0u);
    store(at, vec2<u32>(four_lumas(at), four_lumas(at + next)));
    store(below, vec2<u32>(four_lumas(below), four_lumas(below + next)));
}
