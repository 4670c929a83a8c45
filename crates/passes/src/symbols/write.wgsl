// The trits of each block, and what a reader then has.

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
