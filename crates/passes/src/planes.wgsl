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

fn sample_bytes(planes: Planes) -> u32 {
#if BYTE
    return 1u;
#else
#if SHORT
    return 2u;
#else
    return planes.bytes;
#endif
#endif
}

// The bits of components that count, of words that hold them from the lowest bit on. Others may be
// anything.
fn codes_of(planes: Planes, words: vec4<u32>) -> vec4<u32> {
    return (words >> vec4<u32>(planes.bits >> 16u)) & vec4<u32>(all_bits(planes));
}

fn all_bits(planes: Planes) -> u32 {
    return (1u << (planes.bits & 31u)) - 1u;
}

fn counted(planes: Planes, value: u32, from_bit: u32) -> u32 {
    return (value >> (from_bit + (planes.bits >> 16u))) & all_bits(planes);
}

#if BUFFERS
// The component of which `word` holds the lowest byte at byte `at`.
fn component(planes: Planes, word: u32, at: u32) -> u32 {
    return counted(planes, word, (at & 3u) * 8u);
}

fn bytes_of(word: u32) -> vec4<u32> {
    return (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu);
}

fn code_0(planes: Planes, at: vec2<u32>) -> u32 {
    let byte = planes.place_0.x + at.y * planes.place_0.y + at.x * sample_bytes(planes);
    return component(planes, plane_0[byte >> 2u], byte);
}

// Both components of plane 1.
fn pair_1(planes: Planes, at: vec2<u32>) -> vec2<u32> {
    let byte = planes.place_1.x + at.y * planes.place_1.y + at.x * sample_bytes(planes) * 2u;
    let next = byte + sample_bytes(planes);
    return vec2<u32>(
        component(planes, plane_1[byte >> 2u], byte),
        component(planes, plane_1[next >> 2u], next),
    );
}

// The components of planes 1 and 2.
fn each_1_2(planes: Planes, at: vec2<u32>) -> vec2<u32> {
    let one = planes.place_1.x + at.y * planes.place_1.y + at.x * sample_bytes(planes);
    let two = planes.place_2.x + at.y * planes.place_2.y + at.x * sample_bytes(planes);
    return vec2<u32>(
        component(planes, plane_1[one >> 2u], one),
        component(planes, plane_2[two >> 2u], two),
    );
}
#else
// The code of a UNORM value: exact, since the value is code / max to within half a code.
fn component(planes: Planes, value: f32) -> u32 {
    let scale = select(255.0, 65535.0, sample_bytes(planes) == 2u);
    return counted(planes, u32(value * scale + 0.5), 0u);
}

// 2^23, in whose last bits a code stands as a whole number: a GPU converts a fourth as many numbers as
// it adds.
const WHOLE: f32 = 8388608.0;

fn codes_of_texels(planes: Planes, texels: vec4<f32>) -> vec4<u32> {
    let scale = select(255.0, 65535.0, sample_bytes(planes) == 2u);
    let sums = fma(texels, vec4<f32>(scale), vec4<f32>(WHOLE));
    return codes_of(planes, bitcast<vec4<u32>>(sums) & vec4<u32>(0x7fffffu));
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
