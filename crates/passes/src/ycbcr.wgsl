// Eight by two pixels as Y'CbCr with a quarter of the chroma. The twin is `convert/cpu.rs`.
// `build.rs` puts `words.wgsl` in front.

#if P010
@group(1) @binding(1) var<storage, read_write> out: array<vec4<u32>>;
#else
#if NV12
@group(1) @binding(1) var<storage, read_write> out: array<vec2<u32>>;
#else
@group(1) @binding(1) var<storage, read_write> out: array<u32>;
#endif
#endif

// The codes of four pixels. Of words whose places are known here (EIGHT, TEN), `r` is what lies lowest
// and `b` what lies highest, and the weights are in that order too.
struct Colours {
    r: vec4<i32>,
    g: vec4<i32>,
    b: vec4<i32>,
}

#if HALF
// The code of every half float from 0 to 1, two in a word.
@group(1) @binding(2) var<storage, read> curve: array<u32>;

fn curve_code(bits: u32) -> i32 {
    if bits > 0x3c00u {
        // Above one, unless negative or no number.
        return select(0, 1023, bits <= 0x7c00u);
    }
    return i32((curve[bits >> 1u] >> ((bits & 1u) * 16u)) & 0xffffu);
}

fn curve_codes(bits: vec4<u32>) -> vec4<i32> {
    return vec4<i32>(
        curve_code(bits.x), curve_code(bits.y), curve_code(bits.z), curve_code(bits.w),
    );
}

fn colours(first: vec4<u32>, second: vec4<u32>) -> Colours {
    let half = vec4<u32>(0xffffu);
    return Colours(
        curve_codes(first & half),
        curve_codes(first >> vec4<u32>(16u)),
        curve_codes(second & half),
    );
}
#else
#if EIGHT
fn colours(words: vec4<u32>) -> Colours {
    let most = vec4<u32>(0xffu);
    let second = (words >> vec4<u32>(8u)) & most;
    let third = (words >> vec4<u32>(16u)) & most;
    return Colours(vec4<i32>(words & most), vec4<i32>(second), vec4<i32>(third));
}
#endif
#if TEN
fn colours(words: vec4<u32>) -> Colours {
    let most = vec4<u32>(0x3ffu);
    let second = (words >> vec4<u32>(10u)) & most;
    let third = (words >> vec4<u32>(20u)) & most;
    return Colours(vec4<i32>(words & most), vec4<i32>(second), vec4<i32>(third));
}
#endif
#if PLACES
fn channel(words: vec4<u32>, place: u32) -> vec4<i32> {
    return vec4<i32>(extractBits(words, place & 31u, place >> 16u));
}

fn colours(words: vec4<u32>) -> Colours {
    return Colours(
        channel(words, job.shift.r), channel(words, job.shift.g), channel(words, job.shift.b),
    );
}
#endif
#endif

fn luma_of(four: Colours) -> vec4<u32> {
    let sum = four.r * job.luma.r + four.g * job.luma.g + four.b * job.luma.b + job.luma.w;
    return vec4<u32>(sum >> vec4<u32>(15u));
}

// The sums of two times two by two pixels.
fn sums(top: vec4<i32>, low: vec4<i32>) -> vec2<i32> {
    let both = top + low;
    return both.xz + both.yw;
}

fn chroma_of(top: Colours, low: Colours, weight: vec4<i32>) -> vec2<u32> {
    let r = sums(top.r, low.r);
    let g = sums(top.g, low.g);
    let b = sums(top.b, low.b);
    let sum = r * weight.r + g * weight.g + b * weight.b + weight.w;
    return vec2<u32>(sum >> vec2<u32>(17u));
}

#if P010
// Two codes of ten bits, at the top of words of sixteen.
fn pack(codes: vec4<u32>) -> vec2<u32> {
    return (codes.xz << vec2<u32>(6u)) | (codes.yw << vec2<u32>(22u));
}

fn store(at: vec2<u32>, a: vec4<u32>, b: vec4<u32>) {
    out[(at.y * job.stride + (at.x >> 1u)) >> 2u] = vec4<u32>(pack(a), pack(b));
}

fn store_chroma(at: vec2<u32>, cb: vec4<u32>, cr: vec4<u32>) {
    let place = (job.cb + (at.y >> 1u) * job.chroma_stride + (at.x >> 1u)) >> 2u;
    out[place] = (cb << vec4<u32>(6u)) | (cr << vec4<u32>(22u));
}
#else
fn pack(codes: vec4<u32>) -> u32 {
    return codes.x | (codes.y << 8u) | (codes.z << 16u) | (codes.w << 24u);
}

fn store(at: vec2<u32>, a: vec4<u32>, b: vec4<u32>) {
    let place = at.y * job.stride + (at.x >> 2u);
#if NV12
    out[place >> 1u] = vec2<u32>(pack(a), pack(b));
#else
    out[place] = pack(a);
    out[place + 1u] = pack(b);
#endif
}

fn store_chroma(at: vec2<u32>, cb: vec4<u32>, cr: vec4<u32>) {
    let row = (at.y >> 1u) * job.chroma_stride;
#if NV12
    // Cb and Cr take turns.
    let one = pack(vec4<u32>(cb.x, cr.x, cb.y, cr.y));
    let two = pack(vec4<u32>(cb.z, cr.z, cb.w, cr.w));
    out[(job.cb + row + (at.x >> 2u)) >> 1u] = vec2<u32>(one, two);
#else
    out[job.cb + row + (at.x >> 3u)] = pack(cb);
    out[job.cr + row + (at.x >> 3u)] = pack(cr);
#endif
}
#endif

fn paint(at: vec2<u32>, top: Row, low: Row) {
#if HALF
    let top_a = colours(top.a, top.c);
    let top_b = colours(top.b, top.d);
    let low_a = colours(low.a, low.c);
    let low_b = colours(low.b, low.d);
#else
    let top_a = colours(top.a);
    let top_b = colours(top.b);
    let low_a = colours(low.a);
    let low_b = colours(low.b);
#endif
    store(at, luma_of(top_a), luma_of(top_b));
    store(at + vec2<u32>(0u, 1u), luma_of(low_a), luma_of(low_b));
    let cb = vec4<u32>(chroma_of(top_a, low_a, job.blue), chroma_of(top_b, low_b, job.blue));
    let cr = vec4<u32>(chroma_of(top_a, low_a, job.red), chroma_of(top_b, low_b, job.red));
    store_chroma(at, cb, cr);
}
