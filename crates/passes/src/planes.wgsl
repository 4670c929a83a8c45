// The planes of a picture as codes: whole numbers, as they lie in memory.

#if BUFFERS
@group(0) @binding(0) var<storage, read> plane_0: array<u32>;
@group(0) @binding(1) var<storage, read> plane_1: array<u32>;
@group(0) @binding(2) var<storage, read> plane_2: array<u32>;
#else
@group(0) @binding(0) var plane_0: texture_2d<f32>;
@group(0) @binding(1) var plane_1: texture_2d<f32>;
@group(0) @binding(2) var plane_2: texture_2d<f32>;
#endif

// Where the planes of a Y'CbCr picture lie, and how.
struct Planes {
    // Bytes to the first row and from row to row, of each plane; nothing of images.
    place_0: vec2<u32>,
    place_1: vec2<u32>,
    place_2: vec2<u32>,
    // Bytes of a component.
    bytes: u32,
    // How many of its bits count, and from the 16th bit of this on, how many are below them.
    bits: u32,
}

// The bits of a component that count. Others may be anything.
fn counted(planes: Planes, value: u32, from_bit: u32) -> u32 {
    return extractBits(value, from_bit + (planes.bits >> 16u), planes.bits & 0xffffu);
}

#if BUFFERS
// The component of which `word` holds the lowest byte at byte `at`.
fn component(planes: Planes, word: u32, at: u32) -> u32 {
    return counted(planes, word, (at & 3u) * 8u);
}

fn code_0(planes: Planes, at: vec2<u32>) -> u32 {
    let byte = planes.place_0.x + at.y * planes.place_0.y + at.x * planes.bytes;
    return component(planes, plane_0[byte >> 2u], byte);
}

// Both components of plane 1.
fn pair_1(planes: Planes, at: vec2<u32>) -> vec2<u32> {
    let byte = planes.place_1.x + at.y * planes.place_1.y + at.x * planes.bytes * 2u;
    let next = byte + planes.bytes;
    return vec2<u32>(
        component(planes, plane_1[byte >> 2u], byte),
        component(planes, plane_1[next >> 2u], next),
    );
}

// The components of planes 1 and 2.
fn each_1_2(planes: Planes, at: vec2<u32>) -> vec2<u32> {
    let one = planes.place_1.x + at.y * planes.place_1.y + at.x * planes.bytes;
    let two = planes.place_2.x + at.y * planes.place_2.y + at.x * planes.bytes;
    return vec2<u32>(
        component(planes, plane_1[one >> 2u], one),
        component(planes, plane_2[two >> 2u], two),
    );
}
#else
// The code of a UNORM value: exact, since the value is code / max to within half a code.
fn component(planes: Planes, value: f32) -> u32 {
    let scale = select(255.0, 65535.0, planes.bytes == 2u);
    return counted(planes, u32(value * scale + 0.5), 0u);
}

fn code_0(planes: Planes, at: vec2<u32>) -> u32 {
    return component(planes, textureLoad(plane_0, at, 0).r);
}

fn pair_1(planes: Planes, at: vec2<u32>) -> vec2<u32> {
    let texel = textureLoad(plane_1, at, 0);
    return vec2<u32>(component(planes, texel.r), component(planes, texel.g));
}

fn each_1_2(planes: Planes, at: vec2<u32>) -> vec2<u32> {
    let one = textureLoad(plane_1, at, 0).r;
    let two = textureLoad(plane_2, at, 0).r;
    return vec2<u32>(component(planes, one), component(planes, two));
}
#endif
