// What shaders over tiles are told. `shader.rs` writes it.

struct Job {
#if PLANE
    planes: Planes,
#else
#if WORDS
    unused_0: vec4<u32>,
#else
    // What each channel of a texel is multiplied by.
    scale: vec4<f32>,
#endif
    // The lowest bit of each channel, and from the 16th bit on, how many it has.
    shift: vec4<u32>,
#endif
    size: vec2<u32>,
    columns: u32,
    // How many tiles there are to look at.
    count: u32,
    // 1: they are all tiles of the picture, in order, and there is no list. 2: then, all are stale.
    flags: u32,
    unused_1: u32,
    // What every first and every second word of a tile is multiplied by when it is hashed.
    lift: vec2<u32>,
#if PAINT
    // Fixed-point weights of R, G and B for Y', Cb and Cr; see `convert/matrix.rs`.
    luma: vec4<i32>,
    blue: vec4<i32>,
    red: vec4<i32>,
    // Words of 4 bytes: row to row of luma, of chroma, and the start of each chroma plane.
    stride: u32,
    chroma_stride: u32,
    cb: u32,
    cr: u32,
#endif
}

var<immediate> job: Job;

// The tiles to look at. The highest bit says that what was written of one is stale.
@group(1) @binding(0) var<storage, read> tiles: array<u32>;

fn entry_of(index: u32) -> u32 {
    if (job.flags & 1u) != 0u {
        return index | ((job.flags & 2u) << 30u);
    }
    return tiles[index];
}

fn corner_of(tile: u32) -> vec2<u32> {
    return vec2<u32>(tile % job.columns, tile / job.columns) * 16u;
}
