// Writes tiles of a Y'CbCr picture as R'G'B', four bytes for each pixel. The twin is `cpu.rs` beside
// this file. `build.rs` puts `planes.wgsl`, `windows.wgsl` and `tiles.wgsl` in front.

struct Rgba {
    planes: Planes,
    size: vec2<u32>,
    // Chroma samples, across and down.
    chroma: vec2<u32>,
    tiles: Tiles,
    // Words of 4 bytes from row to row.
    stride: u32,
    // Bits 2 and 3: how chroma lies across, bits 4 and 5: how it lies down; see `siting.rs`.
    flags: u32,
    // The code of black, that of no chroma times 16, and what luma weighs times 2^21.
    black: i32,
    middle: i32,
    luma: i32,
    // What a sixteenth of a chroma code weighs: the second component's in R, both in G, the first one's
    // in B; where Cr is the first, R and B change places.
    second: i32,
    green: vec2<i32>,
    first: i32,
    // The lowest bits of what the first and the second component make, in the word of a pixel.
    first_at: u32,
    second_at: u32,
}

var<immediate> job: Rgba;

@group(1) @binding(1) var<storage, read_write> out: array<vec4<u32>>;

fn chroma_code(at: vec2<u32>) -> vec2<u32> {
#if PLANAR
    return each_1_2(job.planes, at);
#else
    return pair_1(job.planes, at);
#endif
}

// The two samples around pixel `at` and what they weigh in quarters: first, second, first's, second's.
fn taps(at: u32, kind: u32, count: u32) -> vec4<u32> {
    let half = at >> 1u;
    let odd = (at & 1u) != 0u;
    let last = count - 1u;
    if kind == 0u {
        // A sample for each pixel.
        return vec4<u32>(at, at, 4u, 0u);
    }
    if kind == 1u {
        // On the even pixels.
        return vec4<u32>(half, min(half + 1u, last), select(4u, 2u, odd), select(0u, 2u, odd));
    }
    if kind == 3u {
        // On the odd pixels.
        if odd {
            return vec4<u32>(half, half, 4u, 0u);
        }
        return vec4<u32>(max(half, 1u) - 1u, min(half, last), 2u, 2u);
    }
    // Between two pixels.
    if odd {
        return vec4<u32>(half, min(half + 1u, last), 3u, 1u);
    }
    return vec4<u32>(max(half, 1u) - 1u, half, 1u, 3u);
}

// Both components at a pixel, in sixteenths of a code.
fn chroma_at(at: vec2<u32>) -> vec2<i32> {
    let x = taps(at.x, (job.flags >> 2u) & 3u, job.chroma.x);
    let y = taps(at.y, (job.flags >> 4u) & 3u, job.chroma.y);
    var sum = chroma_code(vec2<u32>(x.x, y.x)) * (x.z * y.z);
    if x.w != 0u {
        sum += chroma_code(vec2<u32>(x.y, y.x)) * (x.w * y.z);
    }
    if y.w != 0u {
        sum += chroma_code(vec2<u32>(x.x, y.y)) * (x.z * y.w);
    }
    if x.w * y.w != 0u {
        sum += chroma_code(vec2<u32>(x.y, y.y)) * (x.w * y.w);
    }
    return vec2<i32>(sum) - job.middle;
}

// Four pixels of luma and both components.
fn colours(luma: vec4<u32>, first: vec4<i32>, second: vec4<i32>) -> vec4<u32> {
    let y = (vec4<i32>(luma) - job.black) * job.luma + 0x100000;
    let low = code(y + second * job.second);
    let middle = code(y + first * job.green.x + second * job.green.y);
    let high = code(y + first * job.first);
    return (low << vec4<u32>(job.second_at)) | (middle << vec4<u32>(8u))
        | (high << vec4<u32>(job.first_at)) | vec4<u32>(0xff000000u);
}

fn code(sum: vec4<i32>) -> vec4<u32> {
    return vec4<u32>(clamp(sum >> vec4<u32>(21u), vec4<i32>(0), vec4<i32>(255)));
}

fn four_pixels(at: vec2<u32>) -> vec4<u32> {
    var luma: vec4<u32>;
    var first: vec4<i32>;
    var second: vec4<i32>;
    for (var i = 0u; i < 4u; i++) {
        let place = min(at + vec2<u32>(i, 0u), job.size - 1u);
        let both = chroma_at(place);
        luma[i] = code_0(job.planes, place);
        first[i] = both.x;
        second[i] = both.y;
    }
    return colours(luma, first, second);
}

fn store(at: vec2<u32>, four: vec4<u32>) {
    out[(at.y * job.stride + at.x) >> 2u] = four;
}

// What samples that two pixels share weigh in quarters: for the first pixel that before the shared one
// and that itself, for the second one that itself and the next. They lie on even pixels (1), between
// two (2), or on odd ones (3).
fn first_weights(kind: u32) -> vec2<u32> {
    let between = select(vec2<u32>(1u, 3u), vec2<u32>(2u, 2u), kind == 3u);
    return select(between, vec2<u32>(0u, 4u), kind == 1u);
}

fn second_weights(kind: u32) -> vec2<u32> {
    let between = select(vec2<u32>(3u, 1u), vec2<u32>(4u, 0u), kind == 3u);
    return select(between, vec2<u32>(2u, 2u), kind == 1u);
}

// A component mixed down, for four rows of pixels: in quarters of a code.
fn mixed_down(samples: Window) -> Window {
    let kind = (job.flags >> 4u) & 3u;
    let one = first_weights(kind);
    let two = second_weights(kind);
    return Window(
        samples.a * one.x + samples.b * one.y,
        samples.b * two.x + samples.c * two.y,
        samples.b * one.x + samples.c * one.y,
        samples.c * two.x + samples.d * two.y,
    );
}

// The same mixed across, for four pixels: in sixteenths.
fn mixed(samples: vec4<u32>) -> vec4<i32> {
    let kind = (job.flags >> 2u) & 3u;
    let one = first_weights(kind);
    let two = second_weights(kind);
    let near = samples.xyyz * vec4<u32>(one.x, two.x, one.x, two.x);
    let far = samples.yzzw * vec4<u32>(one.y, two.y, one.y, two.y);
    return vec4<i32>(near + far) - job.middle;
}

// Four by four pixels that share chroma samples by twos, across and down.
fn shared_block(at: vec2<u32>) {
    let luma = luma_window(job.planes, job.size, at);
    let chroma = chroma_windows(job.planes, job.chroma, at >> vec2<u32>(1u));
    let first = mixed_down(chroma.first);
    let second = mixed_down(chroma.second);
    store(at, colours(luma.a, mixed(first.a), mixed(second.a)));
    store(at + vec2<u32>(0u, 1u), colours(luma.b, mixed(first.b), mixed(second.b)));
    store(at + vec2<u32>(0u, 2u), colours(luma.c, mixed(first.c), mixed(second.c)));
    store(at + vec2<u32>(0u, 3u), colours(luma.d, mixed(first.d), mixed(second.d)));
}

// One invocation for four by four pixels, one workgroup for eight tiles: a device takes longer to begin
// a workgroup than to write a tile. Tiles on the list are beside each other more often than not, so
// thirty-two invocations in turn write one row of all.
@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let task = task_of(job.tiles, group, groups, 8u, (thread & 31u) >> 2u);
    if !task.is_one {
        return;
    }
    let at = task.corner + vec2<u32>((thread & 3u) * 4u, (thread >> 5u) * 4u);
    // Both ways shared.
    let across = (job.flags >> 2u) & 3u;
    let down = (job.flags >> 4u) & 3u;
    if across != 0u && down != 0u && has_windows(job.planes) {
        shared_block(at);
        return;
    }
    for (var i = 0u; i < 4u; i++) {
        let place = at + vec2<u32>(0u, i);
        store(place, four_pixels(place));
    }
}
