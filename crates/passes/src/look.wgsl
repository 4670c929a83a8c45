// Sixteen invocations find the hash of a tile, each from eight by two pixels.
// `build.rs` puts `words.wgsl`, `gather.wgsl` or `blocks.wgsl` in front, and `hash.wgsl`.

// Four words of 32 bits for each tile of the picture: two lanes, the lower half first.
#if FAST
@group(1) @binding(3) var<storage, read_write> hashes: array<vec2<u32>>;
#else
@group(1) @binding(3) var<storage, read_write> hashes: array<vec4<u32>>;
#endif
// A word for each workgroup, with a bit for each of its tasks whose tile changed; zero before. It may lie
// across a bus, so it is written once, and only where something changed.
@group(1) @binding(4) var<storage, read_write> changed: array<u32>;

// The same of a workgroup, and from the eighth bit on, how many of its eight tasks are done. Zero before
// the first barrier.
var<workgroup> done: atomic<u32>;

// Tells of task number `index`; the last of eight does so for all.
fn tell(group: u32, index: u32, is_new: bool) {
    let own = u32(is_new) << index;
    let before = atomicAdd(&done, 0x100u | own);
    let bits = (before & 0xffu) | own;
    if (before >> 8u) == 7u && bits != 0u {
        changed[group] = bits;
    }
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

#if FAST
// The sums of subgroups that are smaller than sixteen, each lane by itself.
var<workgroup> parts: array<vec2<u32>, 32>;

fn other(sum: Wide, mask: u32) -> Wide {
    let low = subgroupShuffleXor(low_half(sum), mask);
    let high = subgroupShuffleXor(high_half(sum), mask);
    return wide(low, high);
}

// One lane of the sum over the sixteen invocations of a tile: the first in even invocations, the second
// in odd ones. Subgroups are full, and have at least eight.
fn total(own: Sum, thread: u32, subgroup: u32) -> Wide {
    let first = own.first;
    let odd = (thread & 1u) != 0u;
    // Each gives away what its neighbour keeps.
    let given = wide(
        select(low_half(own.second), low_half(first), odd),
        select(high_half(own.second), high_half(first), odd),
    );
    let kept = wide(
        select(low_half(first), low_half(own.second), odd),
        select(high_half(first), high_half(own.second), odd),
    );
    var sum = add(kept, other(given, 1u));
    sum = add(sum, other(sum, 2u));
    sum = add(sum, other(sum, 4u));
    if subgroup >= 16u {
        return add(sum, other(sum, 8u));
    }
    let place = (thread >> 3u) * 2u + (thread & 1u);
    parts[place] = vec2<u32>(low_half(sum), high_half(sum));
    // Everybody has read the old hash, too, before one writes the new one.
    storageBarrier();
    workgroupBarrier();
    let rest = parts[place ^ 2u];
    return add(sum, wide(rest.x, rest.y));
}

// One workgroup for eight tiles. Neither reads a word of the picture twice, nor waits but for the
// picture: hashes meet in registers of a subgroup.
@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_id) number: u32,
    @builtin(subgroup_invocation_id) invocation: u32,
    @builtin(subgroup_size) subgroup: u32,
) {
    let thread = number * subgroup + invocation;
    let task = task_of(job.tiles, group, groups, 8u, thread >> 4u);
    let tile = task.entry & 0x7fffffffu;
    let lane = thread & 15u;
    let at = task.corner + vec2<u32>((lane & 1u) * 8u, (lane >> 1u) * 2u);
    bring_keys(thread);
    if thread == 0u {
        atomicStore(&done, 0u);
    }
    let block = block_of(at);
    let old = hashes[tile * 2u + (lane & 1u)];
    // The keys are there.
    workgroupBarrier();
    let sum = total(sum_of_rows(block.top, block.low, lane), thread, subgroup);
    let hash = vec2<u32>(low_half(sum), high_half(sum));
    let apart = (hash.x ^ old.x) | (hash.y ^ old.y);
    let both = apart | subgroupShuffleXor(apart, 1u);
    // The first two of a tile that share a subgroup compare the lanes of the hash.
    let is_new = subgroupShuffle(both, invocation & ~(min(subgroup, 16u) - 1u)) != 0u;
    if lane == 0u {
        tell(group.y * groups.x + group.x, thread >> 4u, is_new && task.is_one);
    }
    if !task.is_one {
        return;
    }
    if is_new && lane < 2u {
        hashes[tile * 2u + lane] = hash;
    }
#if DIFF
    show(at, block, is_new);
#endif
#if PAINT
    if is_new || task.entry != tile {
        paint(at, block.top, block.low);
    }
#endif
}
#else
// What each invocation has found; seventeen for a tile, so that neighbours use other banks.
var<workgroup> parts: array<vec4<u32>, 136>;

// The sum over the sixteen invocations of a tile, in each of them.
fn total(own: Sum, thread: u32) -> vec4<u32> {
    let start = (thread >> 4u) * 17u;
    parts[start + (thread & 15u)] = hash_of(own.first, own.second);
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

// One workgroup for eight tiles, which reads no word of the picture twice.
@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let task = task_of(job.tiles, group, groups, 8u, thread >> 4u);
    let tile = task.entry & 0x7fffffffu;
    let lane = thread & 15u;
    let at = task.corner + vec2<u32>((lane & 1u) * 8u, (lane >> 1u) * 2u);
    if thread == 0u {
        atomicStore(&done, 0u);
    }
    let block = block_of(at);
    let old = hashes[tile];
    let hash = total(sum_of_rows(block.top, block.low, lane), thread);
    let is_new = any(hash != old);
    if lane == 0u {
        tell(group.y * groups.x + group.x, thread >> 4u, is_new && task.is_one);
    }
    if !task.is_one {
        return;
    }
    if is_new && lane == 0u {
        hashes[tile] = hash;
    }
#if PAINT
    if is_new || task.entry != tile {
        paint(at, block.top, block.low);
    }
#endif
}
#endif
