// Eight pixels of a row as the words that lie in memory, without the bits that do not count.
// `build.rs` puts `codes.wgsl` or `planes.wgsl` in front, `job.wgsl` and `row.wgsl`.

#if HALF
alias Words = vec2<u32>;

fn words_of(at: vec2<u32>) -> Words {
    return half_words(textureLoad(picture, at, 0), job.scale.a > 0.0);
}
#else
alias Words = u32;

fn words_of(at: vec2<u32>) -> Words {
#if PLANE
    return code_0(job.planes, at);
#else
    return packed(textureLoad(picture, at, 0));
#endif
}
#endif

#if BGR
// 2^23, in whose last bits a sum of codes stands as a whole number.
const WHOLE: f32 = 8388608.0;
const SUM: u32 = 0x7fffffu;

// Blue lies lowest. `scale` puts green above blue, and alpha above red.
fn packed(texel: vec4<f32>) -> u32 {
    let low = fma(texel.g, job.scale.g, fma(texel.b, job.scale.b, WHOLE));
    let high = fma(texel.a, job.scale.a, fma(texel.r, job.scale.r, WHOLE));
    return (bitcast<u32>(low) & SUM) | (bitcast<u32>(high) << (job.shift.r & 31u));
}
#endif
#if RGB
const WHOLE: f32 = 8388608.0;
const SUM: u32 = 0x7fffffu;

// Red lies lowest. `scale` puts green above red, and alpha above blue.
fn packed(texel: vec4<f32>) -> u32 {
    let low = fma(texel.g, job.scale.g, fma(texel.r, job.scale.r, WHOLE));
    let high = fma(texel.a, job.scale.a, fma(texel.b, job.scale.b, WHOLE));
    return (bitcast<u32>(low) & SUM) | (bitcast<u32>(high) << (job.shift.b & 31u));
}
#endif
#if ANY
fn packed(texel: vec4<f32>) -> u32 {
    return packed_word(texel, job.scale, job.shift & vec4<u32>(31u));
}
#endif

// The row of eight from `at` on; past the edge, the last pixel again.
fn row_of(at: vec2<u32>) -> Row {
    let y = min(at.y, job.size.y - 1u);
    let x = min(vec4<u32>(at.x) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(job.size.x - 1u));
    let z = min(vec4<u32>(at.x) + vec4<u32>(4u, 5u, 6u, 7u), vec4<u32>(job.size.x - 1u));
    let x0 = words_of(vec2<u32>(x.x, y));
    let x1 = words_of(vec2<u32>(x.y, y));
    let x2 = words_of(vec2<u32>(x.z, y));
    let x3 = words_of(vec2<u32>(x.w, y));
    let z0 = words_of(vec2<u32>(z.x, y));
    let z1 = words_of(vec2<u32>(z.y, y));
    let z2 = words_of(vec2<u32>(z.z, y));
    let z3 = words_of(vec2<u32>(z.w, y));
#if HALF
    return Row(
        vec4<u32>(x0.x, x1.x, x2.x, x3.x),
        vec4<u32>(z0.x, z1.x, z2.x, z3.x),
        vec4<u32>(x0.y, x1.y, x2.y, x3.y),
        vec4<u32>(z0.y, z1.y, z2.y, z3.y),
    );
#else
    return Row(vec4<u32>(x0, x1, x2, x3), vec4<u32>(z0, z1, z2, z3));
#endif
}

fn block_of(at: vec2<u32>) -> Block {
    return Block(row_of(at), row_of(at + vec2<u32>(0u, 1u)));
}
