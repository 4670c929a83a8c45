// The hash of every block of a picture, compared with the one of the picture before: one workgroup for
// each block. What stands in braces is chosen by `build.rs`: how a pixel is fetched, and its words.

@group(0) @binding(0) var picture: texture_2d<{texel}>;
// As many for each place of a block as a pixel has words; four lanes.
@group(0) @binding(1) var<storage, read> keys: array<vec4<u32>>;
// Of the picture before; row by row.
@group(0) @binding(2) var<storage, read_write> hashes: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> differs: atomic<u32>;

// Pixels of a block's side, and invocations.
const SIDE = 32u;
const GROUP = 8u;

var<workgroup> sums: array<vec4<u32>, 64>;

// NH of one pair: the two halves of a word, each with its key.
fn nh(word: u32, key: vec4<u32>) -> vec4<u32> {
    let low = (vec4(word) + key) & vec4(0xffffu);
    let high = (vec4(word >> 16u) + (key >> vec4(16u))) & vec4(0xffffu);
    return low * high;
}

fn nh_of(texel: vec4<{texel}>, place: u32) -> vec4<u32> {
    let first = place * {count}u;
    return {sum};
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) block: vec3<u32>,
    @builtin(num_workgroups) blocks: vec3<u32>,
    @builtin(local_invocation_id) at: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let last = textureDimensions(picture) - vec2(1u);
    var sum = vec4(0u);
    for (var y = at.y; y < SIDE; y += GROUP) {
        for (var x = at.x; x < SIDE; x += GROUP) {
            // Beyond the edges the last pixel is repeated.
            let pixel = min(block.xy * SIDE + vec2(x, y), last);
            sum += nh_of(textureLoad(picture, pixel, 0), y * SIDE + x);
        }
    }
    sums[me] = sum;
    workgroupBarrier();
    if me < GROUP {
        for (var row = 1u; row < GROUP; row += 1u) {
            sum += sums[row * GROUP + me];
        }
        sums[me] = sum;
    }
    workgroupBarrier();
    if me == 0u {
        for (var column = 1u; column < GROUP; column += 1u) {
            sum += sums[column];
        }
        let place = block.y * blocks.x + block.x;
        if any(hashes[place] != sum) {
            hashes[place] = sum;
            atomicStore(&differs, 1u);
        }
    }
}
