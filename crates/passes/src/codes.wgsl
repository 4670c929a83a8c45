// From texels back to the codes that lie in memory. Exact: a UNORM texel is code / max to within
// half a code, a half float texel is its own value.

@group(0) @binding(0) var picture: texture_2d<f32>;

// The code of each channel: whole numbers up to `scale`, 0 where `scale` is.
fn codes(texel: vec4<f32>, scale: vec4<f32>) -> vec4<u32> {
    return vec4<u32>(texel * scale + 0.5);
}

// The word that lies in memory, without the bits that do not count.
fn packed_word(texel: vec4<f32>, scale: vec4<f32>, shift: vec4<u32>) -> u32 {
    let code = codes(texel, scale) << shift;
    return code.r | code.g | code.b | code.a;
}

// The bits of a value that a half float holds. Every NaN is 0x7e00, and what is closer to zero than a
// normal number is zero: a device may change the one and lose the other when it loads a texel.
fn half_bits(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    let size = bits & 0x7fffffffu;
    let sized = select(0u, (size - 0x38000000u) >> 13u, size >= 0x38800000u);
    let ended = select(sized, 0x7c00u, size == 0x7f800000u);
    return select(ended | ((bits >> 16u) & 0x8000u), 0x7e00u, size > 0x7f800000u);
}

// The two words of a pixel of half floats.
fn half_words(texel: vec4<f32>, alpha: bool) -> vec2<u32> {
    let low = half_bits(texel.r) | (half_bits(texel.g) << 16u);
    let high = half_bits(texel.b);
    return vec2<u32>(low, select(high, high | (half_bits(texel.a) << 16u), alpha));
}
