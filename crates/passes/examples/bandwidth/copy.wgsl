// Copies words sixteen bytes at a time: what the device can move at most.

struct Copy {
    // How many times sixteen bytes.
    count: u32,
    unused_0: u32,
    unused_1: u32,
    unused_2: u32,
}

var<immediate> job: Copy;

@group(1) @binding(0) var<storage, read> source: array<vec4<u32>>;
@group(1) @binding(1) var<storage, read_write> out: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let place = (group.y * groups.x + group.x) * 256u + lane;
    if place < job.count {
        out[place] = source[place];
    }
}
