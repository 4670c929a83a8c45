// The hash of a tile: see `classify/mod.rs`. The twin is `classify/hash.rs`.

// Two keys for each pair of words, in the order in which sixteen invocations ask for them.
@group(1) @binding(5) var<storage, read> keys: array<vec2<u32>>;

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

// Both lanes of a hash, and what is still to be added to the upper half of the first one.
struct Sum {
    first: Wide,
    second: Wide,
    raise: u32,
}

fn nothing() -> Sum {
    return Sum(wide(0u, 0u), wide(0u, 0u), 0u);
}

// A word and the one below it, with the keys of the pair and those of the next one.
fn pair(sum: Sum, keys: vec2<u32>, next: vec2<u32>, top: u32, low: u32) -> Sum {
    let a = top + keys.x;
    let b = low + keys.y;
    return Sum(
        multiply_add(a, b, sum.first),
        multiply_add(top + next.x, low + next.y, sum.second),
        sum.raise + a + b,
    );
}

// Four pairs from number `first` of invocation `lane` on.
fn four_pairs(sum: Sum, top: vec4<u32>, low: vec4<u32>, first: u32, lane: u32) -> Sum {
    let at = first * 16u + lane;
    let k0 = keys[at];
    let k1 = keys[at + 16u];
    let k2 = keys[at + 32u];
    let k3 = keys[at + 48u];
    let k4 = keys[at + 64u];
    let one = pair(sum, k0, k1, top.x, low.x);
    let two = pair(one, k1, k2, top.y, low.y);
    let three = pair(two, k2, k3, top.z, low.z);
    return pair(three, k3, k4, top.w, low.w);
}

// The hash as it is kept.
fn hash_of(first: Wide, second: Wide) -> vec4<u32> {
    return vec4<u32>(low_half(first), high_half(first), low_half(second), high_half(second));
}
