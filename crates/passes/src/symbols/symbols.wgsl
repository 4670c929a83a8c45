// Writes a picture's luma as symbols (`crates/symbols/SYMBOLS.md`), in three dispatches: DECIDE says
// what is done for each block, SCAN where its trits go, WRITE writes them and what a reader then has.
// The twin is `cpu.rs` beside this file. `build.rs` puts `luma_of.wgsl` in front, and what that needs.

struct Job {
    // Pixels of the picture.
    size: vec2<u32>,
    // Blocks in a row, and all of them.
    columns: u32,
    blocks: u32,
    // Pixels of a block's side, codes of a step, words of a trit plane.
    side: u32,
    step: u32,
    plane_words: u32,
    // Words of 4 bytes from row to row of what the reader has.
    stride: u32,
    // Whether nothing may refer to the picture before.
    key: u32,
    unused_0: u32,
    unused_1: u32,
    unused_2: u32,
}

#if SCAN
struct Told {
    job: Job,
}
#else
struct Told {
    source: LumaOf,
    job: Job,
}
#endif

var<immediate> told: Told;

@group(1) @binding(0) var<storage, read_write> actions: array<u32>;
@group(1) @binding(1) var<storage, read_write> trits: array<u32>;
// What the reader has: four pixels in a word, rows of whole blocks.
@group(1) @binding(2) var<storage, read_write> known: array<u32>;
// The first word of each block, and the number of all.
@group(1) @binding(3) var<storage, read_write> first: array<u32>;

fn planes_of(action: u32) -> u32 {
    return (action >> 8u) & 0xffu;
}

#if SCAN
var<workgroup> sums: array<u32, 256>;

// One workgroup: each invocation adds up a part of the blocks.
@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
    let job = told.job;
    let each = (job.blocks + 255u) / 256u;
    let begin = min(lane * each, job.blocks);
    let end = min(begin + each, job.blocks);
    var sum = 0u;
    for (var block = begin; block < end; block++) {
        sum += planes_of(actions[block]);
    }
    sums[lane] = sum;
    workgroupBarrier();
    var at = 0u;
    for (var before = 0u; before < lane; before++) {
        at += sums[before];
    }
    for (var block = begin; block < end; block++) {
        first[block] = at * job.plane_words;
        at += planes_of(actions[block]);
    }
    if lane == 255u {
        first[job.blocks] = at * job.plane_words;
    }
}
#else
fn corner_of(block: u32) -> vec2<u32> {
    return vec2<u32>(block % told.job.columns, block / told.job.columns) * told.job.side;
}

fn place_of(pixel: u32) -> vec2<u32> {
    return vec2<u32>(pixel % told.job.side, pixel / told.job.side);
}

fn known_at(at: vec2<u32>) -> u32 {
    return (known[at.y * told.job.stride + (at.x >> 2u)] >> ((at.x & 3u) * 8u)) & 0xffu;
}

// A difference in steps, to the nearest.
fn steps(difference: u32) -> u32 {
    return (difference + told.job.step / 2u) / told.job.step;
}
#endif

#if DECIDE
// The trits that a number of steps needs.
fn planes_for(size: u32) -> u32 {
    var planes = 0u;
    var reach = 0u;
    while reach < size {
        reach = reach * 3u + 1u;
        planes++;
    }
    return planes;
}

fn decide(change: u32, low: u32, high: u32) -> u32 {
    let bound = told.job.step / 2u;
    let refers = told.job.key == 0u;
    if refers && change <= bound {
        return 0u;
    }
    let base = (low + high + 1u) / 2u;
    let spread = max(high - base, base - low);
    if spread <= bound {
        return 3u | (base << 16u);
    }
    let delta = planes_for(steps(change));
    let intra = planes_for(steps(spread));
    if refers && delta <= intra {
        return 1u | (delta << 8u);
    }
    return 2u | (intra << 8u) | (base << 16u);
}

var<workgroup> change: atomic<u32>;
var<workgroup> low: atomic<u32>;
var<workgroup> high: atomic<u32>;

// One workgroup for each block.
@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = group.y * groups.x + group.x;
    if block >= told.job.blocks {
        return;
    }
    if lane == 0u {
        atomicStore(&change, 0u);
        atomicStore(&low, 255u);
        atomicStore(&high, 0u);
    }
    workgroupBarrier();
    var most = 0u;
    var least = 255u;
    var differs = 0u;
    let corner = corner_of(block);
    for (var pixel = lane; pixel < told.job.side * told.job.side; pixel += 64u) {
        let at = corner + place_of(pixel);
        if all(at < told.job.size) {
            let luma = luma_of(told.source, at);
            let before = known_at(at);
            most = max(most, luma);
            least = min(least, luma);
            differs = max(differs, max(luma, before) - min(luma, before));
        }
    }
    atomicMax(&change, differs);
    atomicMin(&low, least);
    atomicMax(&high, most);
    workgroupBarrier();
    if lane == 0u {
        actions[block] = decide(atomicLoad(&change), atomicLoad(&low), atomicLoad(&high));
    }
}
#endif

#if WRITE
// The steps from what the reader has, or from the base, to the picture.
fn steps_at(at: vec2<u32>, action: u32) -> i32 {
    if any(at >= told.job.size) {
        return 0;
    }
    let refers = (action & 0xffu) < 2u;
    let from_code = select((action >> 16u) & 0xffu, known_at(at), refers);
    let luma = luma_of(told.source, at);
    if luma < from_code {
        return -i32(steps(from_code - luma));
    }
    return i32(steps(luma - from_code));
}

// The code of the trit of weight `power` in `value`: 0, 1, or 2 for -1.
fn digit(value: i32, power: i32) -> u32 {
    // Moved by a multiple of three powers, so that it is not negative.
    return u32((value + (power - 1) / 2 + power * 729) / power) % 3u;
}

// Twenty trits of a plane, five in a byte.
fn word_of(corner: vec2<u32>, action: u32, begin: u32, power: i32) -> u32 {
    var word = 0u;
    for (var byte = 0u; byte < 4u; byte++) {
        var five = 0u;
        for (var i = 5u; i > 0u; i--) {
            let pixel = begin + byte * 5u + i - 1u;
            var code = 0u;
            if pixel < told.job.side * told.job.side {
                code = digit(steps_at(corner + place_of(pixel), action), power);
            }
            five = five * 3u + code;
        }
        word |= five << (byte * 8u);
    }
    return word;
}

// What the reader makes of four pixels from `at` on.
fn read_four(at: vec2<u32>, action: u32) -> u32 {
    let refers = (action & 0xffu) < 2u;
    let base = (action >> 16u) & 0xffu;
    var word = 0u;
    for (var i = 0u; i < 4u; i++) {
        let pixel = vec2<u32>(at.x + i, at.y);
        let from_code = i32(select(base, known_at(pixel), refers));
        let code = from_code + steps_at(pixel, action) * i32(told.job.step);
        word |= u32(clamp(code, 0, 255)) << (i * 8u);
    }
    return word;
}

// One workgroup for each block.
@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = group.y * groups.x + group.x;
    if block >= told.job.blocks {
        return;
    }
    let action = actions[block];
    let kind = action & 0xffu;
    let corner = corner_of(block);
    let planes = planes_of(action);
    let begin = first[block];
    for (var word = lane; word < planes * told.job.plane_words; word += 64u) {
        // The plane that counts most comes first.
        var power = 1;
        for (var plane = word / told.job.plane_words + 1u; plane < planes; plane++) {
            power *= 3;
        }
        let pixel = (word % told.job.plane_words) * 20u;
        trits[begin + word] = word_of(corner, action, pixel, power);
    }
    // Nobody reads the old picture any more.
    storageBarrier();
    workgroupBarrier();
    if kind == 0u {
        return;
    }
    for (var four = lane; four < told.job.side * told.job.side / 4u; four += 64u) {
        let at = corner + place_of(four * 4u);
        // A base without steps is the base everywhere.
        let word = select(read_four(at, action), ((action >> 16u) & 0xffu) * 0x01010101u, kind == 3u);
        known[at.y * told.job.stride + (at.x >> 2u)] = word;
    }
}
#endif
