// Where the trits of each block go.

var<workgroup> sums: array<u32, 256>;

// One workgroup: each invocation adds up a part of the blocks.
@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
    let job = told.job;
    let each = (job.blocks + 255u) / 256u;
    let begin = min(lane * each, job.blocks);
    let end = min(begin + each, job.blocks);
    var sum = 0u;
    for (var block = begin; block < end; block++) {
        sum += planes_of(actions[block]);
    }
    sums[lane] = sum;
    workgroupBarrier();
    var at = 0u;
    for (var before = 0u; before < lane; before++) {
        at += sums[before];
    }
    for (var block = begin; block < end; block++) {
        first[block] = at * job.plane_words;
        at += planes_of(actions[block]);
    }
    if lane == 255u {
        first[job.blocks] = at * job.plane_words;
    }
}
