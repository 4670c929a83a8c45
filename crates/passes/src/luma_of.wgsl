// The luma of one pixel in 8 bits; the twin is `luma/cpu.rs`. `planes.wgsl` comes before this for
// Y'CbCr pictures, `rgb_of.wgsl` for R'G'B' ones.

struct LumaOf {
#if YCBCR
    planes: Planes,
    // The largest code, what a code weighs times 2^24, and nothing.
    most: u32,
    weight: u32,
    unused_0: u32,
    unused_1: u32,
#else
    scale: vec4<f32>,
    // What R, G and B weigh times 2^24.
    weights: vec4<u32>,
#endif
}

const HALF_CODE: u32 = 0x800000u;

#if YCBCR
// The luma of four codes, a byte each.
fn packed_codes(source: LumaOf, codes: vec4<u32>) -> u32 {
    let luma = min(codes, vec4<u32>(source.most)) * source.weight + HALF_CODE;
    let low = (luma.x >> 24u) | ((luma.y >> 16u) & 0xff00u);
    return low | ((luma.z >> 8u) & 0xff0000u) | (luma.w & 0xff000000u);
}

#endif
fn luma_of(source: LumaOf, at: vec2<u32>) -> u32 {
#if YCBCR
    return (min(code_0(source.planes, at), source.most) * source.weight + HALF_CODE) >> 24u;
#else
    let code = rgb_of(at, source.scale);
    let sum = code.r * source.weights.r + code.g * source.weights.g + code.b * source.weights.b;
    return (sum + HALF_CODE) >> 24u;
#endif
}
