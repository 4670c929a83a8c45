// Eight by two samples of a plane in a buffer, whole words at a time: rows begin at multiples of four
// bytes. `build.rs` puts `planes.wgsl` in front, `job.wgsl` and `row.wgsl`.

// The word in which byte `at` of a row lies; past the row, its last one.
fn word_at(y: u32, at: u32) -> u32 {
    let last = (job.size.x * job.planes.bytes - 1u) >> 2u;
    let row = job.planes.place_0.x + min(y, job.size.y - 1u) * job.planes.place_0.y;
    return plane_0[(row >> 2u) + min(at >> 2u, last)];
}

fn bytes_of(word: u32) -> vec4<u32> {
    return (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu);
}

fn row_of(at: vec2<u32>) -> Row {
    let byte = at.x * job.planes.bytes;
    let first = word_at(at.y, byte);
    let second = word_at(at.y, byte + 4u);
    if job.planes.bytes == 1u {
        return Row(bytes_of(first), bytes_of(second));
    }
    let third = word_at(at.y, byte + 8u);
    let fourth = word_at(at.y, byte + 12u);
    let low = vec4<u32>(first, second, third, fourth) & vec4<u32>(0xffffu);
    let high = vec4<u32>(first, second, third, fourth) >> vec4<u32>(16u);
    return Row(vec4<u32>(low.x, high.x, low.y, high.y), vec4<u32>(low.z, high.z, low.w, high.w));
}

fn block_of(at: vec2<u32>) -> Block {
    return Block(row_of(at), row_of(at + vec2<u32>(0u, 1u)));
}
