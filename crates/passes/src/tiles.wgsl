// Which tiles a shader is to work on: of a list, or all of the picture. `shader.rs` writes it.

struct Tiles {
    // In a row of the picture.
    columns: u32,
    // How many there are to work on.
    count: u32,
    // 1: they are all tiles of the picture, in order, and there is no list. 2: then, all are stale.
    flags: u32,
    unused_0: u32,
}

// The tiles to work on. The highest bit says that what was written of one is stale, or that it is black.
@group(1) @binding(0) var<storage, read> tiles: array<u32>;

// A tile to work on, and where it lies.
struct Task {
    entry: u32,
    corner: vec2<u32>,
    // Whether there is one.
    is_one: bool,
}

// Task number `index` of a workgroup for `each` tiles: of the list, or of a row of the picture.
fn task_of(all: Tiles, group: vec3<u32>, groups: vec3<u32>, each: u32, index: u32) -> Task {
    if (all.flags & 1u) != 0u {
        let x = group.x * each + index;
        let place = vec2<u32>(min(x, all.columns - 1u), group.y);
        let stale = (all.flags & 2u) << 30u;
        return Task((place.y * all.columns + place.x) | stale, place * 16u, x < all.columns);
    }
    let number = (group.y * groups.x + group.x) * each + index;
    let entry = tiles[min(number, all.count - 1u)];
    return Task(entry, corner_of(all, entry & 0x7fffffffu), number < all.count);
}

fn corner_of(all: Tiles, tile: u32) -> vec2<u32> {
    return vec2<u32>(tile % all.columns, tile / all.columns) * 16u;
}
