// Hashes tiles of the picture, each by one invocation: no barrier, which a CPU would pay for dearly.
// `build.rs` puts `words.wgsl` and `hash.wgsl` in front.

@group(1) @binding(3) var<storage, read_write> hashes: array<vec4<u32>>;
// A word for each workgroup, with a bit for each of its tasks whose tile changed; zero before.
@group(1) @binding(4) var<storage, read_write> changed: array<atomic<u32>>;

// Past the edge, the last pixel again.
fn words_inside(at: vec2<u32>) -> Words {
    return words_of(min(at, job.size - 1u));
}

// The keys of pair number `pair` of an invocation of the other shader.
fn keys_of(pair: u32, lane: u32) -> vec2<u32> {
    let both = keys[(pair >> 1u) * 16u + lane];
    return select(both.xy, both.zw, (pair & 1u) != 0u);
}

@compute @workgroup_size(8)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let index = id.y * groups.x * 8u + id.x;
    if index >= job.tiles.count {
        return;
    }
    var tile = index;
    if (job.tiles.flags & 1u) == 0u {
        tile = tiles[index] & 0x7fffffffu;
    }
    let corner = corner_of(job.tiles, tile);
    var sum = nothing();
    for (var i = 0u; i < 128u; i++) {
        let at = corner + vec2<u32>(i & 15u, (i >> 4u) * 2u);
        let top = words_inside(at);
        let low = words_inside(at + vec2<u32>(0u, 1u));
        // The place of the keys in the order of the other shader.
        let lane = i >> 3u;
#if HALF
        let first = (i & 7u) * 2u;
        let k0 = keys_of(first, lane);
        let k1 = keys_of(first + 1u, lane);
        sum = pair(sum, k0, k1, top.x, low.x, job.lift.x);
        sum = pair(sum, k1, keys_of(first + 2u, lane), top.y, low.y, job.lift.y);
#else
        let first = i & 7u;
        sum = pair(sum, keys_of(first, lane), keys_of(first + 1u, lane), top, low, job.lift.x);
#endif
    }
    let hash = hash_of(sum.first, sum.second);
    if any(hashes[tile] != hash) {
        hashes[tile] = hash;
        atomicOr(&changed[index >> 3u], 1u << (index & 7u));
    }
}
