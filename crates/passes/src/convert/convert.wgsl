// Writes tiles of the picture as Y'CbCr. The twin is `cpu.rs` beside this file. `build.rs` puts
// `words.wgsl` and `ycbcr.wgsl` in front.

// One invocation for 8 by 2 pixels, one workgroup for 8 tiles. Neighbours on the list are neighbours
// in the picture more often than not, so sixteen invocations in turn write one row of all: what
// lies in host memory is written across a bus, which likes long lines.
@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let task = task_of(job.tiles, group, groups, 8u, (thread & 15u) >> 1u);
    if !task.is_one {
        return;
    }
    let at = task.corner + vec2<u32>((thread & 1u) * 8u, (thread >> 4u) * 2u);
    paint(at, row_of(at), row_of(at + vec2<u32>(0u, 1u)));
}
