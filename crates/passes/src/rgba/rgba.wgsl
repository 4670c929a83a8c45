// Writes tiles of a Y'CbCr picture as R'G'B', four bytes for each pixel. The twin is `cpu.rs` beside
// this file. `build.rs` puts `planes.wgsl` in front.

struct Rgba {
    planes: Planes,
    size: vec2<u32>,
    // Chroma samples, across and down.
    chroma: vec2<u32>,
    columns: u32,
    count: u32,
    // Words of 4 bytes from row to row.
    stride: u32,
    // Bit 0: both components of the chroma in plane 1; bit 1: Cr first. Bits 2 and 3: how chroma
    // lies across, bits 4 and 5: how it lies down; see `siting.rs`.
    flags: u32,
    // The code of black, that of no chroma times 16, and what luma weighs times 2^21.
    black: i32,
    middle: i32,
    luma: i32,
    // What a sixteenth of a chroma code weighs: Cr in R, Cb and Cr in G, Cb in B.
    red: i32,
    green: vec2<i32>,
    blue: i32,
}

var<immediate> job: Rgba;

@group(1) @binding(0) var<storage, read> tiles: array<u32>;
@group(1) @binding(1) var<storage, read_write> out: array<vec4<u32>>;

fn chroma_code(at: vec2<u32>) -> vec2<u32> {
    if (job.flags & 1u) != 0u {
        return pair_1(job.planes, at);
    }
    return each_1_2(job.planes, at);
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

// Cb and Cr at a pixel, in sixteenths of a code.
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
    let both = vec2<i32>(sum) - job.middle;
    return select(both, both.yx, (job.flags & 2u) != 0u);
}

fn code(sum: i32) -> u32 {
    return u32(clamp(sum >> 21u, 0, 255));
}

fn colour(y: u32, c: vec2<i32>) -> u32 {
    let luma = (i32(y) - job.black) * job.luma + 0x100000;
    let r = code(luma + c.y * job.red);
    let g = code(luma + c.x * job.green.x + c.y * job.green.y);
    let b = code(luma + c.x * job.blue);
    return r | (g << 8u) | (b << 16u) | 0xff000000u;
}

fn pixel(place: vec2<u32>) -> u32 {
    let at = min(place, job.size - 1u);
    return colour(code_0(job.planes, at), chroma_at(at));
}

fn four_pixels(at: vec2<u32>) -> vec4<u32> {
    let next = vec2<u32>(1u, 0u);
    let third = at + vec2<u32>(2u, 0u);
    return vec4<u32>(pixel(at), pixel(at + next), pixel(third), pixel(third + next));
}

fn store(at: vec2<u32>, four: vec4<u32>) {
    out[(at.y * job.stride + at.x) >> 2u] = four;
}

// A column of chroma samples, mixed for the two rows of pixels beside them: in quarters of a code.
struct Column {
    top: vec2<u32>,
    low: vec2<u32>,
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

// Column `x` around row `y` of the samples; past the edge, the last ones again.
fn column(x: i32, y: u32) -> Column {
    let place = u32(clamp(x, 0, i32(job.chroma.x) - 1));
    let last = job.chroma.y - 1u;
    let kind = (job.flags >> 4u) & 3u;
    let first = first_weights(kind);
    let second = second_weights(kind);
    let above = chroma_code(vec2<u32>(place, min(max(y, 1u) - 1u, last)));
    let here = chroma_code(vec2<u32>(place, min(y, last)));
    let below = chroma_code(vec2<u32>(place, min(y + 1u, last)));
    return Column(above * first.x + here * first.y, here * second.x + below * second.y);
}

// Cb and Cr in sixteenths of a code.
fn mixed(one: vec2<u32>, other: vec2<u32>, weights: vec2<u32>) -> vec2<i32> {
    let both = vec2<i32>(one * weights.x + other * weights.y) - job.middle;
    return select(both, both.yx, (job.flags & 2u) != 0u);
}

// Four pixels of a row from the samples of their columns and those around.
fn four_colours(luma: vec4<u32>, a: vec2<u32>, b: vec2<u32>, c: vec2<u32>, d: vec2<u32>) -> vec4<u32> {
    let kind = (job.flags >> 2u) & 3u;
    let first = first_weights(kind);
    let second = second_weights(kind);
    return vec4<u32>(
        colour(luma.x, mixed(a, b, first)),
        colour(luma.y, mixed(b, c, second)),
        colour(luma.z, mixed(b, c, first)),
        colour(luma.w, mixed(c, d, second)),
    );
}

// Eight by two pixels that share chroma samples by twos, across and down.
fn shared_block(at: vec2<u32>) {
    let block = block_0(job.planes, job.size, at);
    let x = i32(at.x >> 1u);
    let y = at.y >> 1u;
    let a = column(x - 1, y);
    let b = column(x, y);
    let c = column(x + 1, y);
    let d = column(x + 2, y);
    let e = column(x + 3, y);
    let f = column(x + 4, y);
    let below = at + vec2<u32>(0u, 1u);
    let next = vec2<u32>(4u, 0u);
    store(at, four_colours(block.top.a, a.top, b.top, c.top, d.top));
    store(at + next, four_colours(block.top.b, c.top, d.top, e.top, f.top));
    store(below, four_colours(block.low.a, a.low, b.low, c.low, d.low));
    store(below + next, four_colours(block.low.b, c.low, d.low, e.low, f.low));
}

// One invocation for eight by two pixels, one workgroup for eight tiles: a device takes longer to
// begin a workgroup than to write a tile.
@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let index = (group.y * groups.x + group.x) * 8u + (thread >> 4u);
    if index >= job.count {
        return;
    }
    let tile = tiles[index];
    let corner = vec2<u32>(tile % job.columns, tile / job.columns) * 16u;
    let at = corner + vec2<u32>((thread & 1u) * 8u, ((thread & 15u) >> 1u) * 2u);
    // Both ways shared.
    let across = (job.flags >> 2u) & 3u;
    let down = (job.flags >> 4u) & 3u;
    if across != 0u && down != 0u && has_blocks(job.planes) {
        shared_block(at);
        return;
    }
    for (var i = 0u; i < 4u; i++) {
        let place = at + vec2<u32>((i & 1u) * 4u, i >> 1u);
        store(place, four_pixels(place));
    }
}
