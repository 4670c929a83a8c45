// The hash of a tile: see `classify/mod.rs`. The twin is `classify/hash.rs`.

// Two keys for each pair of words, of two pairs at once, in the order in which sixteen invocations ask
// for them.
@group(1) @binding(5) var<storage, read> keys: array<vec4<u32>>;

#if FAST
// The same near the invocations of a workgroup, which ask for them all at once: from there they come
// sooner than behind the picture's words.
#if HALF
const KEYS: u32 = 144u;
#else
const KEYS: u32 = 80u;
#endif
var<workgroup> near_keys: array<vec4<u32>, KEYS>;

// A workgroup of 128 invocations brings them, and waits at a barrier before it asks for one.
fn bring_keys(thread: u32) {
    if thread < KEYS {
        near_keys[thread] = keys[thread];
    }
#if HALF
    if thread + 128u < KEYS {
        near_keys[thread + 128u] = keys[thread + 128u];
    }
#endif
}

fn keys_at(place: u32) -> vec4<u32> {
    return near_keys[place];
}
#else
fn keys_at(place: u32) -> vec4<u32> {
    return keys[place];
}
#endif

#if FAST
alias Wide = u64;

fn multiply_add(a: u32, b: u32, sum: Wide) -> Wide {
    return u64(a) * u64(b) + sum;
}

fn wide(low: u32, high: u32) -> Wide {
    return (u64(high) << 32u) | u64(low);
}

fn low_half(sum: Wide) -> u32 {
    return u32(sum & 0xfffffffflu);
}

fn high_half(sum: Wide) -> u32 {
    return u32(sum >> 32u);
}

fn add(a: Wide, b: Wide) -> Wide {
    return a + b;
}
#else
// A number of 64 bits where the device has none: the lower half first.
alias Wide = vec2<u32>;

fn multiply_add(a: u32, b: u32, sum: Wide) -> Wide {
    let x = vec2<u32>(a & 0xffffu, a >> 16u);
    let y = vec2<u32>(b & 0xffffu, b >> 16u);
    let one = x.x * y.y;
    let two = x.y * y.x;
    let middle = ((x.x * y.x) >> 16u) + (one & 0xffffu) + (two & 0xffffu);
    let high = x.y * y.y + (one >> 16u) + (two >> 16u) + (middle >> 16u);
    return add(Wide(a * b, high), sum);
}

fn wide(low: u32, high: u32) -> Wide {
    return Wide(low, high);
}

fn low_half(sum: Wide) -> u32 {
    return sum.x;
}

fn high_half(sum: Wide) -> u32 {
    return sum.y;
}

fn add(a: Wide, b: Wide) -> Wide {
    let low = a.x + b.x;
    return Wide(low, a.y + b.y + select(0u, 1u, low < b.x));
}
#endif

// Both lanes of a hash.
struct Sum {
    first: Wide,
    second: Wide,
}

fn nothing() -> Sum {
    return Sum(wide(0u, 0u), wide(0u, 0u));
}

// A word and the one below it, with the keys of the pair and those of the next one. `lift` shifts out
// the highest bits, where these do not count: a GPU multiplies and adds in one step.
fn pair(sum: Sum, keys: vec2<u32>, next: vec2<u32>, top: u32, low: u32, lift: u32) -> Sum {
    return Sum(
        multiply_add(top * lift + keys.x, low * lift + keys.y, sum.first),
        multiply_add(top * lift + next.x, low * lift + next.y, sum.second),
    );
}

// Four pairs from number `first` of invocation `lane` on.
fn four_pairs(sum: Sum, top: vec4<u32>, low: vec4<u32>, first: u32, lane: u32) -> Sum {
    let at = (first >> 1u) * 16u + lane;
    let k0 = keys_at(at);
    let k2 = keys_at(at + 16u);
    let k4 = keys_at(at + 32u);
    let lift = job.lift;
    let one = pair(sum, k0.xy, k0.zw, top.x, low.x, lift.x);
    let two = pair(one, k0.zw, k2.xy, top.y, low.y, lift.y);
    let three = pair(two, k2.xy, k2.zw, top.z, low.z, lift.x);
    return pair(three, k2.zw, k4.xy, top.w, low.w, lift.y);
}

// The hash as it is kept.
fn hash_of(first: Wide, second: Wide) -> vec4<u32> {
    return vec4<u32>(low_half(first), high_half(first), low_half(second), high_half(second));
}
