// The codes of eight by two samples of plane 0. `build.rs` puts `planes.wgsl` and `row.wgsl` in front.

// The bits of components that count, of whole ones in the lower bits of words.
fn codes_of(planes: Planes, words: vec4<u32>) -> vec4<u32> {
    return extractBits(words, planes.bits >> 16u, planes.bits & 0xffffu);
}

#if BUFFERS
// Whether rows begin at whole words, as `block_0` needs it.
fn has_blocks(planes: Planes) -> bool {
    return ((planes.place_0.x | planes.place_0.y) & 3u) == 0u;
}

// The word in which byte `at` of a row lies; past the row, its last one.
fn word_0(planes: Planes, size: vec2<u32>, y: u32, at: u32) -> u32 {
    let last = (size.x * planes.bytes - 1u) >> 2u;
    let row = planes.place_0.x + min(y, size.y - 1u) * planes.place_0.y;
    return plane_0[(row >> 2u) + min(at >> 2u, last)];
}

fn bytes_of(word: u32) -> vec4<u32> {
    return (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu);
}

// Past the edge, anything.
fn row_0(planes: Planes, size: vec2<u32>, at: vec2<u32>) -> Row {
    let byte = at.x * planes.bytes;
    let first = word_0(planes, size, at.y, byte);
    let second = word_0(planes, size, at.y, byte + 4u);
    if planes.bytes == 1u {
        return Row(codes_of(planes, bytes_of(first)), codes_of(planes, bytes_of(second)));
    }
    let third = word_0(planes, size, at.y, byte + 8u);
    let fourth = word_0(planes, size, at.y, byte + 12u);
    let low = vec4<u32>(first, second, third, fourth) & vec4<u32>(0xffffu);
    let high = vec4<u32>(first, second, third, fourth) >> vec4<u32>(16u);
    return Row(
        codes_of(planes, vec4<u32>(low.x, high.x, low.y, high.y)),
        codes_of(planes, vec4<u32>(low.z, high.z, low.w, high.w)),
    );
}

fn block_0(planes: Planes, size: vec2<u32>, at: vec2<u32>) -> Block {
    return Block(row_0(planes, size, at), row_0(planes, size, at + vec2<u32>(0u, 1u)));
}
#else
@group(0) @binding(3) var nearest: sampler;

fn has_blocks(planes: Planes) -> bool {
    return true;
}

// As `gather.wgsl` does it.
fn block_0(planes: Planes, size: vec2<u32>, at: vec2<u32>) -> Block {
    let point = vec2<f32>(at + 1u) / vec2<f32>(size);
    let scale = select(255.0, 65535.0, planes.bytes == 2u);
    let texels_a = textureGather(0, plane_0, nearest, point);
    let texels_b = textureGather(0, plane_0, nearest, point, vec2<i32>(2, 0));
    let texels_c = textureGather(0, plane_0, nearest, point, vec2<i32>(4, 0));
    let texels_d = textureGather(0, plane_0, nearest, point, vec2<i32>(6, 0));
    let a = codes_of(planes, vec4<u32>(texels_a * scale + 0.5));
    let b = codes_of(planes, vec4<u32>(texels_b * scale + 0.5));
    let c = codes_of(planes, vec4<u32>(texels_c * scale + 0.5));
    let d = codes_of(planes, vec4<u32>(texels_d * scale + 0.5));
    return Block(
        Row(vec4<u32>(a.wz, b.wz), vec4<u32>(c.wz, d.wz)),
        Row(vec4<u32>(a.xy, b.xy), vec4<u32>(c.xy, d.xy)),
    );
}
#endif
#if PLANE

fn block_of(at: vec2<u32>) -> Block {
    return block_0(job.planes, job.size, at);
}
#endif
