// Eight by two pixels as the words that lie in memory, gathered four texels at a time: a texture unit gives as many texels of one component in the time of one.
// `build.rs` puts `job.wgsl` in front.

#if ONE
// Whose only component is the word.
@group(0) @binding(0) var picture: texture_2d<f32>;
#else
// Whose texels are the words.
@group(0) @binding(0) var picture: texture_2d<u32>;
#endif
@group(0) @binding(3) var nearest: sampler;

#if ONE
// 2^23, in whose last bits a code stands as a whole number.
const WHOLE: f32 = 8388608.0;

fn counted(texels: vec4<f32>) -> vec4<u32> {
    let sums = fma(texels, vec4<f32>(job.scale.r), vec4<f32>(WHOLE));
    return bitcast<vec4<u32>>(sums) & vec4<u32>(0x7fffffu);
}
#else
#if HALF
// Half floats in the lower halves of words: every NaN is 0x7e00, and what is closer to zero than a
// normal number is zero.
fn ordinary(half: vec4<u32>) -> vec4<u32> {
    let size = half & vec4<u32>(0x7fffu);
    let sized = select(half & vec4<u32>(0x8000u), half, size >= vec4<u32>(0x400u));
    return select(sized, vec4<u32>(0x7e00u), size > vec4<u32>(0x7c00u));
}

fn ordinary_words(words: vec4<u32>) -> vec4<u32> {
    let high = ordinary(words >> vec4<u32>(16u)) << vec4<u32>(16u);
    return ordinary(words & vec4<u32>(0xffffu)) | high;
}

fn counted(words: vec4<u32>) -> vec4<u32> {
    return ordinary_words(words);
}
#else
fn counted(words: vec4<u32>) -> vec4<u32> {
    return words;
}
#endif
#endif

// A gather gives the lower left, lower right, upper right and upper left texel around a point; past
// the edge, the last one again.
fn block_of(at: vec2<u32>) -> Block {
    let point = vec2<f32>(at + 1u) / vec2<f32>(job.size);
    let a = counted(textureGather(0, picture, nearest, point));
    let b = counted(textureGather(0, picture, nearest, point, vec2<i32>(2, 0)));
    let c = counted(textureGather(0, picture, nearest, point, vec2<i32>(4, 0)));
    let d = counted(textureGather(0, picture, nearest, point, vec2<i32>(6, 0)));
    let top_a = vec4<u32>(a.wz, b.wz);
    let top_b = vec4<u32>(c.wz, d.wz);
    let low_a = vec4<u32>(a.xy, b.xy);
    let low_b = vec4<u32>(c.xy, d.xy);
#if HALF
    let e = counted(textureGather(1, picture, nearest, point));
    let f = counted(textureGather(1, picture, nearest, point, vec2<i32>(2, 0)));
    let g = counted(textureGather(1, picture, nearest, point, vec2<i32>(4, 0)));
    let h = counted(textureGather(1, picture, nearest, point, vec2<i32>(6, 0)));
    return Block(
        Row(top_a, top_b, vec4<u32>(e.wz, f.wz), vec4<u32>(g.wz, h.wz)),
        Row(low_a, low_b, vec4<u32>(e.xy, f.xy), vec4<u32>(g.xy, h.xy)),
    );
#else
    return Block(Row(top_a, top_b), Row(low_a, low_b));
#endif
}
