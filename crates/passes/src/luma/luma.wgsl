// Writes tiles of the picture's luma, one byte for each pixel. The twin is `cpu.rs` beside this file.
// `build.rs` puts `codes.wgsl` in front for R'G'B' pictures, `planes.wgsl` for Y'CbCr ones.

struct Luma {
#if YCBCR
    planes: Planes,
    // The largest code, what a code weighs times 2^24, and nothing.
    most: u32,
    weight: u32,
    unused_0: u32,
    unused_1: u32,
#else
    scale: vec4<f32>,
    // What R, G and B weigh times 2^24.
    weights: vec4<u32>,
#endif
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
#if HALF
// The code of every half float from 0 to 1, two in a word.
@group(1) @binding(2) var<storage, read> curve: array<u32>;

fn curve_code(value: f32) -> u32 {
    let bits = half_bits(value);
    if bits > 0x3c00u {
        // Above one, unless negative or no number.
        return select(0u, 1023u, bits <= 0x7c00u);
    }
    return (curve[bits >> 1u] >> ((bits & 1u) * 16u)) & 0xffffu;
}
#endif

const HALF_CODE: u32 = 0x800000u;

fn luma(place: vec2<u32>) -> u32 {
    let at = min(place, job.size - 1u);
#if YCBCR
    return (min(code_0(job.planes, at), job.most) * job.weight + HALF_CODE) >> 24u;
#else
    let texel = textureLoad(picture, at, 0);
#if HALF
    let code = vec3<u32>(curve_code(texel.r), curve_code(texel.g), curve_code(texel.b));
#else
    let code = codes(texel, job.scale).rgb;
#endif
    let sum = code.r * job.weights.r + code.g * job.weights.g + code.b * job.weights.b;
    return (sum + HALF_CODE) >> 24u;
#endif
}

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
            word |= luma(vec2<u32>(x + i, y)) << (i * 8u);
        }
    }
    out[y * job.stride + (x >> 2u)] = word;
}
