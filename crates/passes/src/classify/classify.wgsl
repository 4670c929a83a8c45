// Hashes tiles of the picture and marks those whose hash is another than before.
// The twin is `cpu.rs` beside this file. `build.rs` puts `codes.wgsl` in front, or `planes.wgsl` for
// a plane in a buffer.

struct Look {
#if PLANE
    planes: Planes,
#else
    // What turns a texel into its codes: the largest code of each channel, and its lowest bit.
    scale: vec4<f32>,
    shift: vec4<u32>,
#endif
    size: vec2<u32>,
    columns: u32,
    count: u32,
    seed: u32,
}

var<immediate> look: Look;

// The tiles to look at.
@group(1) @binding(0) var<storage, read> tiles: array<u32>;
// Two lanes for each tile of the picture.
@group(1) @binding(1) var<storage, read_write> hashes: array<vec2<u32>>;
// One bit for each tile of the picture; zero before.
@group(1) @binding(2) var<storage, read_write> changed: array<atomic<u32>>;

// Both lanes of one word at its place in the tile.
fn mix(word: u32, place: u32) -> vec2<u32> {
    var a = (word ^ (place * 0x9e3779b9u + look.seed)) * 0x7feb352du;
    a = (a ^ (a >> 16u)) * 0x846ca68bu;
    a = a ^ (a >> 15u);
    var b = a * 0xc2b2ae35u;
    b = b ^ (b >> 16u);
    return vec2<u32>(a, b);
}

// The lanes of one pixel; nothing when it is not in the picture.
fn pixel(corner: vec2<u32>, place: u32) -> vec2<u32> {
    let at = corner + vec2<u32>(place & 15u, place >> 4u);
    if any(at >= look.size) {
        return vec2<u32>(0u, 0u);
    }
#if PLANE
    return mix(code_0(look.planes, at), place);
#else
    let texel = textureLoad(picture, at, 0);
#if HALF
    let words = half_words(texel, look.scale.a > 0.0);
    return mix(words.x, place * 2u) + mix(words.y, place * 2u + 1u);
#else
    return mix(packed_word(texel, look.scale, look.shift), place);
#endif
#endif
}

fn keep(tile: u32, hash: vec2<u32>) {
    if any(hashes[tile] != hash) {
        hashes[tile] = hash;
        atomicOr(&changed[tile >> 5u], 1u << (tile & 31u));
    }
}

fn corner_of(tile: u32) -> vec2<u32> {
    return vec2<u32>(tile % look.columns, tile / look.columns) * 16u;
}

#if GROUP
// One workgroup for each tile: neighbours read neighbours, and sums meet in two atomics.
var<workgroup> low: atomic<u32>;
var<workgroup> high: atomic<u32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    if index >= look.count {
        return;
    }
    let tile = tiles[index];
    let corner = corner_of(tile);
    var hash = vec2<u32>(0u, 0u);
    for (var i = 0u; i < 4u; i++) {
        hash += pixel(corner, i * 64u + lane);
    }
    if lane == 0u {
        atomicStore(&low, 0u);
        atomicStore(&high, 0u);
    }
    workgroupBarrier();
    atomicAdd(&low, hash.x);
    atomicAdd(&high, hash.y);
    workgroupBarrier();
    if lane == 0u {
        keep(tile, vec2<u32>(atomicLoad(&low), atomicLoad(&high)));
    }
}
#else
// One invocation for each tile: no barrier, which a CPU would pay for dearly.
@compute @workgroup_size(8)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    let index = id.y * groups.x * 8u + id.x;
    if index >= look.count {
        return;
    }
    let tile = tiles[index];
    let corner = corner_of(tile);
    var hash = vec2<u32>(0u, 0u);
    for (var place = 0u; place < 256u; place++) {
        hash += pixel(corner, place);
    }
    keep(tile, hash);
}
#endif
