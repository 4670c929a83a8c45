// Sixteen invocations find the hash of a tile, each from eight by two pixels.
// `build.rs` puts `words.wgsl` and `hash.wgsl` in front.

// Four words of 32 bits for each tile of the picture: two lanes, the lower half first.
@group(1) @binding(3) var<storage, read_write> hashes: array<vec4<u32>>;
// One bit for each tile of the picture; zero before.
@group(1) @binding(4) var<storage, read_write> changed: array<atomic<u32>>;

// The row as it counts: nothing past the edge.
fn counted_row(row: Row, at: vec2<u32>) -> Row {
    let here = at.y < job.size.y;
    let x = vec4<u32>(at.x) + vec4<u32>(0u, 1u, 2u, 3u);
    let first = (x < vec4<u32>(job.size.x)) & vec4<bool>(here);
    let second = (x + 4u < vec4<u32>(job.size.x)) & vec4<bool>(here);
    let none = vec4<u32>(0u);
#if HALF
    return Row(
        select(none, row.a, first),
        select(none, row.b, second),
        select(none, row.c, first),
        select(none, row.d, second),
    );
#else
    return Row(select(none, row.a, first), select(none, row.b, second));
#endif
}

fn sum_of_rows(top: Row, low: Row, lane: u32) -> Sum {
#if HALF
    let t0 = vec4<u32>(top.a.x, top.c.x, top.a.y, top.c.y);
    let t1 = vec4<u32>(top.a.z, top.c.z, top.a.w, top.c.w);
    let t2 = vec4<u32>(top.b.x, top.d.x, top.b.y, top.d.y);
    let t3 = vec4<u32>(top.b.z, top.d.z, top.b.w, top.d.w);
    let l0 = vec4<u32>(low.a.x, low.c.x, low.a.y, low.c.y);
    let l1 = vec4<u32>(low.a.z, low.c.z, low.a.w, low.c.w);
    let l2 = vec4<u32>(low.b.x, low.d.x, low.b.y, low.d.y);
    let l3 = vec4<u32>(low.b.z, low.d.z, low.b.w, low.d.w);
    let one = four_pairs(nothing(), t0, l0, 0u, lane);
    let two = four_pairs(one, t1, l1, 4u, lane);
    let three = four_pairs(two, t2, l2, 8u, lane);
    return four_pairs(three, t3, l3, 12u, lane);
#else
    return four_pairs(four_pairs(nothing(), top.a, low.a, 0u, lane), top.b, low.b, 4u, lane);
#endif
}

fn sum_of(top: Row, low: Row, at: vec2<u32>, lane: u32) -> Sum {
    var upper = top;
    var lower = low;
    // The tile's edge, so that its invocations agree.
    if any((at & vec2<u32>(0xfffffff0u)) + 16u > job.size) {
        upper = counted_row(top, at);
        lower = counted_row(low, at + vec2<u32>(0u, 1u));
    }
    return sum_of_rows(upper, lower, lane);
}

#if FAST
// The sums of subgroups that are smaller than sixteen.
var<workgroup> parts: array<vec4<u32>, 16>;

fn other(sum: Wide, mask: u32) -> Wide {
    let low = subgroupShuffleXor(low_half(sum), mask);
    let high = subgroupShuffleXor(high_half(sum), mask);
    return wide(low, high);
}

fn step(sum: Sum, mask: u32) -> Sum {
    return Sum(add(sum.first, other(sum.first, mask)), add(sum.second, other(sum.second, mask)), 0u);
}

// The sum over the sixteen invocations of a tile, in each of them. Subgroups are full, and have at
// least eight.
fn total(own: Sum, thread: u32, subgroup: u32) -> vec4<u32> {
    let raised = Sum(add(own.first, wide(0u, own.raise)), own.second, 0u);
    var sum = step(step(step(raised, 1u), 2u), 4u);
    if subgroup >= 16u {
        sum = step(sum, 8u);
        // Everybody has read the old hash before one writes the new one.
        subgroupBarrier();
        return hash_of(sum.first, sum.second);
    }
    parts[thread >> 3u] = hash_of(sum.first, sum.second);
    storageBarrier();
    workgroupBarrier();
    let one = parts[(thread >> 4u) * 2u];
    let two = parts[(thread >> 4u) * 2u + 1u];
    return hash_of(
        add(wide(one.x, one.y), wide(two.x, two.y)),
        add(wide(one.z, one.w), wide(two.z, two.w)),
    );
}
#else
// What each invocation has found; seventeen for a tile, so that neighbours use other banks.
var<workgroup> parts: array<vec4<u32>, 136>;

// The sum over the sixteen invocations of a tile, in each of them.
fn total(own: Sum, thread: u32) -> vec4<u32> {
    let raised = add(own.first, wide(0u, own.raise));
    let start = (thread >> 4u) * 17u;
    parts[start + (thread & 15u)] = hash_of(raised, own.second);
    storageBarrier();
    workgroupBarrier();
    var first = wide(0u, 0u);
    var second = wide(0u, 0u);
    for (var i = 0u; i < 16u; i++) {
        let part = parts[start + i];
        first = add(first, wide(part.x, part.y));
        second = add(second, wide(part.z, part.w));
    }
    return hash_of(first, second);
}
#endif

fn keep(tile: u32, hash: vec4<u32>) {
    hashes[tile] = hash;
    atomicOr(&changed[tile >> 5u], 1u << (tile & 31u));
}

// One workgroup for eight tiles. Neither reads a word of the picture twice, nor waits but for the
// picture: hashes meet in registers of a subgroup.
@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
#if FAST
    @builtin(subgroup_id) number: u32,
    @builtin(subgroup_invocation_id) invocation: u32,
    @builtin(subgroup_size) subgroup: u32,
#else
    @builtin(local_invocation_index) thread: u32,
#endif
) {
#if FAST
    let thread = number * subgroup + invocation;
#endif
    let index = (group.y * groups.x + group.x) * 8u + (thread >> 4u);
    // All go on, since some are waited for.
    let entry = entry_of(min(index, job.count - 1u));
    let tile = entry & 0x7fffffffu;
    let lane = thread & 15u;
    let at = corner_of(tile) + vec2<u32>((lane & 1u) * 8u, (lane >> 1u) * 2u);
    let top = row_of(at);
    let low = row_of(at + vec2<u32>(0u, 1u));
    let old = hashes[tile];
#if FAST
    let hash = total(sum_of(top, low, at, lane), thread, subgroup);
#else
    let hash = total(sum_of(top, low, at, lane), thread);
#endif
    if index >= job.count {
        return;
    }
    let is_new = any(hash != old);
    if is_new && lane == 0u {
        keep(tile, hash);
    }
#if PAINT
    if is_new || entry != tile {
        paint(at, top, low);
    }
#endif
}
