// Writes a picture in another size and format. The twin is `cpu.rs` beside this file. `rgb_of.wgsl` comes
// before this.

struct Fit {
    // What each channel of a texel is multiplied by for its code.
    scale: vec4<f32>,
    // What a code of R, G and B weighs times 2^22, when it has 6 bits behind its point.
    weights: vec4<u32>,
    // The lowest bits of R, G and B in a pixel, and how many pixels a word has.
    shift: vec4<u32>,
    size: vec2<u32>,
    // Words to the first pixel, and from row to row.
    start: u32,
    stride: u32,
}

var<immediate> job: Fit;

// Of each column and then of each row: the first pixel and how many, and where their weights are.
@group(1) @binding(0) var<storage, read> taps: array<u32>;
@group(1) @binding(1) var<storage, read_write> out: array<u32>;

fn pixel(at: vec2<u32>) -> u32 {
    let across = vec2<u32>(taps[at.x * 2u], taps[at.x * 2u + 1u]);
    let row = (job.size.x + at.y) * 2u;
    let down = vec2<u32>(taps[row], taps[row + 1u]);
    let first = vec2<u32>(across.x, down.x) & vec2<u32>(0xffffu);
    let count = vec2<u32>(across.x, down.x) >> vec2<u32>(16u);
    var sum = vec3<u32>(0u);
    for (var y = 0u; y < count.y; y++) {
        let weight = taps[down.y + y];
        for (var x = 0u; x < count.x; x++) {
            sum += rgb_of(first + vec2<u32>(x, y), job.scale) * (weight * taps[across.y + x]);
        }
    }
    let mixed = (sum + 0x2000u) >> vec3<u32>(14u);
    let codes = ((mixed * job.weights.xyz + 0x200000u) >> vec3<u32>(22u)) << job.shift.xyz;
    return codes.r | codes.g | codes.b;
}

// One invocation for a word.
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let left = at.x * job.shift.w;
    if left >= job.size.x || at.y >= job.size.y {
        return;
    }
    var word = pixel(vec2<u32>(left, at.y));
    if job.shift.w == 2u && left + 1u < job.size.x {
        word |= pixel(vec2<u32>(left + 1u, at.y)) << 16u;
    }
    out[job.start + at.y * job.stride + at.x] = word;
}
