// The codes of R, G and B of one pixel, at most 10 bits each. `codes.wgsl` comes before this.

#if HALF
// The code of every half float from 0 to 1, two in a word.
@group(1) @binding(2) var<storage, read> curve: array<u32>;

fn curve_code(value: f32) -> u32 {
    let bits = half_bits(value);
    if bits > 0x3c00u {
        // Above one, unless negative or no number.
        return select(0u, 1023u, bits <= 0x7c00u);
    }
    return (curve[bits >> 1u] >> ((bits & 1u) * 16u)) & 0xffffu;
}

fn rgb_of(at: vec2<u32>, scale: vec4<f32>) -> vec3<u32> {
    let texel = textureLoad(picture, at, 0);
    return vec3<u32>(curve_code(texel.r), curve_code(texel.g), curve_code(texel.b));
}
#else
fn rgb_of(at: vec2<u32>, scale: vec4<f32>) -> vec3<u32> {
    return codes(textureLoad(picture, at, 0), scale).rgb;
}
#endif
