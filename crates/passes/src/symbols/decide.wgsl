// What is done for each block.

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
