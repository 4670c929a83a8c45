// Reads the words of a picture and does nothing with them: what a shader that looks at all of them takes
// at least.

struct Read {
    size: vec2<u32>,
    // 1: what was read is written, which nobody asks for.
    keep: u32,
    unused_0: u32,
}

var<immediate> job: Read;

@group(0) @binding(0) var picture: texture_2d<u32>;
@group(0) @binding(3) var nearest: sampler;
@group(1) @binding(0) var<storage, read_write> out: array<u32>;

fn four(at: vec2<u32>) -> u32 {
    let point = vec2<f32>(at + 1u) / vec2<f32>(job.size);
    let words = textureGather(0, picture, nearest, point);
    return words.x ^ words.y ^ words.z ^ words.w;
}

// A workgroup for eight tiles; thirty-two invocations gather sixteen by eight texels at once, which lie
// together in an NVIDIA GPU's memory.
@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let corner = group.xy * vec2<u32>(128u, 16u) + vec2<u32>((thread >> 5u) * 32u, 0u);
    let at = corner + vec2<u32>((thread & 7u) * 2u, ((thread & 31u) >> 3u) * 2u);
    let left = four(at) ^ four(at + vec2<u32>(0u, 8u));
    let right = four(at + vec2<u32>(16u, 0u)) ^ four(at + vec2<u32>(16u, 8u));
    if job.keep == 1u && (left ^ right) == 1u {
        out[0] = 1u;
    }
}
