// What shaders that hash tiles or write Y'CbCr are told. `shader.rs` writes it; `tiles.wgsl` comes
// before.

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
    tiles: Tiles,
    // What every first and every second word of a tile is multiplied by when it is hashed.
    lift: vec2<u32>,
#if DIFF
    source: LumaOf,
    // Words of 4 bytes from row to row of luma.
    stride: u32,
#endif
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
