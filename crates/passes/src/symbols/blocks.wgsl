// Blocks and their pixels, as `decide.wgsl` and `write.wgsl` see them.

fn corner_of(block: u32) -> vec2<u32> {
    return vec2<u32>(block % told.job.columns, block / told.job.columns) * told.job.side;
}

fn place_of(pixel: u32) -> vec2<u32> {
    return vec2<u32>(pixel % told.job.side, pixel / told.job.side);
}

fn known_at(at: vec2<u32>) -> u32 {
    return (known[at.y * told.job.stride + (at.x >> 2u)] >> ((at.x & 3u) * 8u)) & 0xffu;
}

// A difference in steps, to the nearest.
fn steps(difference: u32) -> u32 {
    return (difference + told.job.step / 2u) / told.job.step;
}
