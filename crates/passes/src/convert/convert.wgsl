// Writes tiles of the picture as Y'CbCr with a quarter of the chroma. The twin is `cpu.rs` beside
// this file. `build.rs` puts `codes.wgsl` in front.

struct Convert {
    scale: vec4<f32>,
    // Fixed-point weights of R, G and B for Y', Cb and Cr; see `matrix.rs`.
    luma: vec4<i32>,
    blue: vec4<i32>,
    red: vec4<i32>,
    size: vec2<u32>,
    columns: u32,
    count: u32,
    // Words of 4 bytes: row to row of luma, of chroma, and the start of each chroma plane.
    stride: u32,
    chroma_stride: u32,
    cb: u32,
    cr: u32,
}

var<immediate> job: Convert;

@group(1) @binding(0) var<storage, read> tiles: array<u32>;
@group(1) @binding(1) var<storage, read_write> out: array<u32>;
#if HALF
// The code of every half float from 0 to 1, two in a word.
@group(1) @binding(2) var<storage, read> curve: array<u32>;

fn curve_code(value: f32) -> i32 {
    let bits = half_bits(value);
    if bits > 0x3c00u {
        // Above one, unless negative or no number.
        return select(0, 1023, bits <= 0x7c00u);
    }
    return i32((curve[bits >> 1u] >> ((bits & 1u) * 16u)) & 0xffffu);
}
#endif

// The codes of one pixel; outside of the picture those of the nearest one inside.
fn rgb(at: vec2<u32>) -> vec3<i32> {
    let texel = textureLoad(picture, min(at, job.size - 1u), 0);
#if HALF
    return vec3<i32>(curve_code(texel.r), curve_code(texel.g), curve_code(texel.b));
#else
    return vec3<i32>(codes(texel, job.scale).rgb);
#endif
}

fn luma_of(code: vec3<i32>) -> u32 {
    let sum = code.r * job.luma.r + code.g * job.luma.g + code.b * job.luma.b + job.luma.w;
    return u32(sum >> 15u);
}

fn chroma_of(sum: vec3<i32>, weight: vec4<i32>) -> u32 {
    return u32((sum.r * weight.r + sum.g * weight.g + sum.b * weight.b + weight.w) >> 17u);
}

// One invocation for 8 by 2 pixels: two words of luma in each row, four samples of each chroma.
// One workgroup for 8 tiles. Neighbours on the list are neighbours in the picture more often than
// not, so sixteen invocations in turn write one row of all: what lies in host memory is written
// across a bus, which likes long lines.
@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (group.y * groups.x + group.x) * 8u + ((lane & 15u) >> 1u);
    if index >= job.count {
        return;
    }
    let tile = tiles[index];
    let corner = vec2<u32>(tile % job.columns, tile / job.columns) * 16u;
    let x = corner.x + (lane & 1u) * 8u;
    let y = corner.y + (lane >> 4u) * 2u;

    var cb = 0u;
    var cr = 0u;
    var top = vec2<u32>(0u, 0u);
    var low = vec2<u32>(0u, 0u);
    for (var i = 0u; i < 4u; i++) {
        let at = vec2<u32>(x + i * 2u, y);
        let a = rgb(at);
        let b = rgb(at + vec2<u32>(1u, 0u));
        let c = rgb(at + vec2<u32>(0u, 1u));
        let d = rgb(at + vec2<u32>(1u, 1u));
        let place = (i & 1u) * 16u;
        let ab = (luma_of(a) | (luma_of(b) << 8u)) << place;
        let cd = (luma_of(c) | (luma_of(d) << 8u)) << place;
        if i < 2u {
            top.x |= ab;
            low.x |= cd;
        } else {
            top.y |= ab;
            low.y |= cd;
        }
        let sum = a + b + c + d;
        cb |= chroma_of(sum, job.blue) << (i * 8u);
        cr |= chroma_of(sum, job.red) << (i * 8u);
    }
    let row = y * job.stride + (x >> 2u);
    out[row] = top.x;
    out[row + 1u] = top.y;
    out[row + job.stride] = low.x;
    out[row + job.stride + 1u] = low.y;
    let chroma = (y >> 1u) * job.chroma_stride;
#if NV12
    // Cb and Cr take turns.
    let pair = job.cb + chroma + (x >> 2u);
    out[pair] = (cb & 0xffu) | ((cr & 0xffu) << 8u)
        | ((cb & 0xff00u) << 8u) | ((cr & 0xff00u) << 16u);
    out[pair + 1u] = ((cb >> 16u) & 0xffu) | ((cr >> 8u) & 0xff00u)
        | ((cb >> 8u) & 0xff0000u) | (cr & 0xff000000u);
#else
    out[job.cb + chroma + (x >> 3u)] = cb;
    out[job.cr + chroma + (x >> 3u)] = cr;
#endif
}
