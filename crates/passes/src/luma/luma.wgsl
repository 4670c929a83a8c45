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
@group(1) @binding(1) var<storage, read_write> out: array<u32>;

// One invocation for four pixels of a row, one workgroup for each tile.
@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    if index >= job.count {
        return;
    }
    let entry = tiles[index];
    let tile = entry & 0x7fffffffu;
    let x = (tile % job.columns) * 16u + (lane & 3u) * 4u;
    let y = (tile / job.columns) * 16u + (lane >> 2u);
    var word = 0u;
    if entry == tile {
        for (var i = 0u; i < 4u; i++) {
            let at = min(vec2<u32>(x + i, y), job.size - 1u);
            word |= luma_of(job.source, at) << (i * 8u);
        }
    }
    out[y * job.stride + (x >> 2u)] = word;
}
