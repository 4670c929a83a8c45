// The codes of eight by two samples of plane 0. `build.rs` puts `planes.wgsl` and `row.wgsl` in front.

#if BUFFERS
// Whether rows begin at whole words, as `block_0` needs it.
fn has_blocks(planes: Planes) -> bool {
    return ((planes.place_0.x | planes.place_0.y) & 3u) == 0u;
}

// The word in which byte `at` of a row lies; below the last row, of that.
fn word_0(planes: Planes, size: vec2<u32>, y: u32, at: u32) -> u32 {
    let row = planes.place_0.x + min(y, size.y - 1u) * planes.place_0.y;
    return plane_0[(row + at) >> 2u];
}

// Eight of which some are past the edge: there, the last sample again.
fn row_at_edge(planes: Planes, size: vec2<u32>, at: vec2<u32>) -> Row {
    var row: array<u32, 8>;
    for (var i = 0u; i < 8u; i++) {
        row[i] = code_0(planes, min(at + vec2<u32>(i, 0u), size - 1u));
    }
    return Row(
        vec4<u32>(row[0], row[1], row[2], row[3]),
        vec4<u32>(row[4], row[5], row[6], row[7]),
    );
}

fn row_0(planes: Planes, size: vec2<u32>, at: vec2<u32>) -> Row {
    if at.x + 8u > size.x {
        return row_at_edge(planes, size, at);
    }
    let byte = at.x * sample_bytes(planes);
    let first = word_0(planes, size, at.y, byte);
    let second = word_0(planes, size, at.y, byte + 4u);
    if sample_bytes(planes) == 1u {
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
    let a = codes_of_texels(planes, textureGather(0, plane_0, nearest, point));
    let b = codes_of_texels(planes, textureGather(0, plane_0, nearest, point, vec2<i32>(2, 0)));
    let c = codes_of_texels(planes, textureGather(0, plane_0, nearest, point, vec2<i32>(4, 0)));
    let d = codes_of_texels(planes, textureGather(0, plane_0, nearest, point, vec2<i32>(6, 0)));
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
