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
@group(1) @binding(1) var<storage, read_write> out: array<u32>;

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

fn pixel(place: vec2<u32>) -> u32 {
    let at = min(place, job.size - 1u);
    let luma = (i32(code_0(job.planes, at)) - job.black) * job.luma + 0x100000;
    let c = chroma_at(at);
    let r = code(luma + c.y * job.red);
    let g = code(luma + c.x * job.green.x + c.y * job.green.y);
    let b = code(luma + c.x * job.blue);
    return r | (g << 8u) | (b << 16u) | 0xff000000u;
}

// One invocation for four pixels of a column each four rows apart, one workgroup for each tile: a row
// of a tile is a line of memory.
@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    if index >= job.count {
        return;
    }
    let tile = tiles[index];
    let x = (tile % job.columns) * 16u + (lane & 15u);
    let y = (tile / job.columns) * 16u + (lane >> 4u);
    for (var i = 0u; i < 16u; i += 4u) {
        out[(y + i) * job.stride + x] = pixel(vec2<u32>(x, y + i));
    }
}
