// Four by four samples of planes. `build.rs` puts `planes.wgsl` in front, and makes a shader for each
// way that components lie: in pairs or planes of their own (PLANAR), as bytes (BYTE) or not (SHORT).

// Four rows of four.
struct Window {
    a: vec4<u32>,
    b: vec4<u32>,
    c: vec4<u32>,
    d: vec4<u32>,
}

// Both components of chroma: for two by two samples, from the row and the column before them on.
struct Chroma {
    first: Window,
    second: Window,
}

#if BUFFERS
// Whether rows begin at whole words.
fn has_windows(planes: Planes) -> bool {
    let all = planes.place_0 | planes.place_1 | planes.place_2;
    return ((all.x | all.y) & 3u) == 0u;
}

// Four samples of plane 0; past the edge, anything.
fn luma_row(planes: Planes, size: vec2<u32>, at: vec2<u32>) -> vec4<u32> {
    let last = (size.x * sample_bytes(planes) - 1u) >> 2u;
    let row = (planes.place_0.x + min(at.y, size.y - 1u) * planes.place_0.y) >> 2u;
    let word = (at.x * sample_bytes(planes)) >> 2u;
    let one = plane_0[row + min(word, last)];
    if sample_bytes(planes) == 1u {
        return codes_of(planes, bytes_of(one));
    }
    let two = plane_0[row + min(word + 1u, last)];
    let shorts = vec4<u32>(one & 0xffffu, one >> 16u, two & 0xffffu, two >> 16u);
    return codes_of(planes, shorts);
}

fn luma_window(planes: Planes, size: vec2<u32>, at: vec2<u32>) -> Window {
    return Window(
        luma_row(planes, size, at),
        luma_row(planes, size, at + vec2<u32>(0u, 1u)),
        luma_row(planes, size, at + vec2<u32>(0u, 2u)),
        luma_row(planes, size, at + vec2<u32>(0u, 3u)),
    );
}

// Words of a row of a plane, from `first` on; where there are none, others of the row.
fn words_1(row: u32, first: i32, last: u32) -> vec4<u32> {
    let all = vec4<i32>(first) + vec4<i32>(0, 1, 2, 3);
    let at = vec4<u32>(row) + min(vec4<u32>(max(all, vec4<i32>(0))), vec4<u32>(last));
    return vec4<u32>(plane_1[at.x], plane_1[at.y], plane_1[at.z], plane_1[at.w]);
}

#if PLANAR
fn words_2(row: u32, first: i32, last: u32) -> vec4<u32> {
    let all = vec4<i32>(first) + vec4<i32>(0, 1, 2, 3);
    let at = vec4<u32>(row) + min(vec4<u32>(max(all, vec4<i32>(0))), vec4<u32>(last));
    return vec4<u32>(plane_2[at.x], plane_2[at.y], plane_2[at.z], plane_2[at.w]);
}
#endif

// Both components of a row.
struct Both {
    first: vec4<u32>,
    second: vec4<u32>,
}

#if PLANAR
// What the words from that of sample `x - 1` on hold, from that sample on; `x` is even.
fn components_of(planes: Planes, words: vec4<u32>, x: u32) -> vec4<u32> {
    if sample_bytes(planes) == 1u {
        let from_bit = select(24u, 8u, (x & 2u) != 0u);
        return bytes_of((words.x >> from_bit) | (words.y << (32u - from_bit)));
    }
    return vec4<u32>(words.x >> 16u, words.y & 0xffffu, words.y >> 16u, words.z & 0xffffu);
}
#else
// What the words from that of pair `x - 1` on hold, from that pair on; `x` is even.
fn pairs_of(planes: Planes, words: vec4<u32>) -> Both {
    if sample_bytes(planes) == 1u {
        let first = vec4<u32>(words.x >> 16u, words.y, words.y >> 16u, words.z);
        let second = vec4<u32>(words.x >> 24u, words.y >> 8u, words.y >> 24u, words.z >> 8u);
        return Both(first & vec4<u32>(0xffu), second & vec4<u32>(0xffu));
    }
    return Both(words & vec4<u32>(0xffffu), words >> vec4<u32>(16u));
}
#endif

// Past the edge, the last sample again.
fn inside(four: vec4<u32>, x: u32, last: u32) -> vec4<u32> {
    let first = select(four.x, four.y, x == 0u);
    let third = select(four.z, four.y, x >= last);
    return vec4<u32>(first, four.y, third, select(four.w, third, x + 1u >= last));
}

// Samples `x - 1` to `x + 2` of a row; `x` is even.
fn chroma_row(planes: Planes, count: vec2<u32>, x: u32, y: i32) -> Both {
    let row = min(u32(max(y, 0)), count.y - 1u);
#if PLANAR
    let each = sample_bytes(planes);
#else
    let each = sample_bytes(planes) * 2u;
#endif
    let first = (i32(x * each) - i32(each)) >> 2u;
    let last = (count.x * each - 1u) >> 2u;
    let words = words_1((planes.place_1.x + row * planes.place_1.y) >> 2u, first, last);
#if PLANAR
    let others = words_2((planes.place_2.x + row * planes.place_2.y) >> 2u, first, last);
    let both = Both(components_of(planes, words, x), components_of(planes, others, x));
#else
    let both = pairs_of(planes, words);
#endif
    let one = codes_of(planes, both.first);
    let two = codes_of(planes, both.second);
    if x == 0u || x + 2u >= count.x {
        return Both(inside(one, x, count.x - 1u), inside(two, x, count.x - 1u));
    }
    return Both(one, two);
}

fn chroma_windows(planes: Planes, count: vec2<u32>, at: vec2<u32>) -> Chroma {
    let y = i32(at.y);
    let a = chroma_row(planes, count, at.x, y - 1);
    let b = chroma_row(planes, count, at.x, y);
    let c = chroma_row(planes, count, at.x, y + 1);
    let d = chroma_row(planes, count, at.x, y + 2);
    return Chroma(
        Window(a.first, b.first, c.first, d.first),
        Window(a.second, b.second, c.second, d.second),
    );
}
#else
@group(0) @binding(3) var nearest: sampler;

fn has_windows(planes: Planes) -> bool {
    return true;
}

// Of four gathers, each the lower left, lower right, upper right and upper left texel around a point.
fn window_of(planes: Planes, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> Window {
    let one = codes_of_texels(planes, a);
    let two = codes_of_texels(planes, b);
    let three = codes_of_texels(planes, c);
    let four = codes_of_texels(planes, d);
    return Window(
        vec4<u32>(one.wz, two.wz),
        vec4<u32>(one.xy, two.xy),
        vec4<u32>(three.wz, four.wz),
        vec4<u32>(three.xy, four.xy),
    );
}

fn luma_window(planes: Planes, size: vec2<u32>, at: vec2<u32>) -> Window {
    let point = vec2<f32>(at + 1u) / vec2<f32>(size);
    return window_of(
        planes,
        textureGather(0, plane_0, nearest, point),
        textureGather(0, plane_0, nearest, point, vec2<i32>(2, 0)),
        textureGather(0, plane_0, nearest, point, vec2<i32>(0, 2)),
        textureGather(0, plane_0, nearest, point, vec2<i32>(2, 2)),
    );
}

fn chroma_windows(planes: Planes, count: vec2<u32>, at: vec2<u32>) -> Chroma {
    let point = vec2<f32>(at) / vec2<f32>(count);
    let first = window_of(
        planes,
        textureGather(0, plane_1, nearest, point),
        textureGather(0, plane_1, nearest, point, vec2<i32>(2, 0)),
        textureGather(0, plane_1, nearest, point, vec2<i32>(0, 2)),
        textureGather(0, plane_1, nearest, point, vec2<i32>(2, 2)),
    );
#if PLANAR
    let second = window_of(
        planes,
        textureGather(0, plane_2, nearest, point),
        textureGather(0, plane_2, nearest, point, vec2<i32>(2, 0)),
        textureGather(0, plane_2, nearest, point, vec2<i32>(0, 2)),
        textureGather(0, plane_2, nearest, point, vec2<i32>(2, 2)),
    );
#else
    let second = window_of(
        planes,
        textureGather(1, plane_1, nearest, point),
        textureGather(1, plane_1, nearest, point, vec2<i32>(2, 0)),
        textureGather(1, plane_1, nearest, point, vec2<i32>(0, 2)),
        textureGather(1, plane_1, nearest, point, vec2<i32>(2, 2)),
    );
#endif
    return Chroma(first, second);
}
#endif
