# In the virtual machine: $1 the program zerohop, $2 the client with dumb buffers, $3 rounds.
# Prints a line for each run: what, pictures a second, CPU milliseconds of the host for each, bytes
# that it copied of each.
FEW=20
MANY=260
SCREEN=/run/cards/vkms,mode=640x480
# A card that takes its own buffers only, so that pictures are copied there.
OTHER=/run/cards/virtio-gpu,mode=640x480
# GLX would open a card, and be its master.
Xvfb :9 -screen 0 1280x1024x24 -nolisten tcp -extension GLX >/dev/null 2>&1 &
server=$!
export DISPLAY=:9
for _ in {1..100}; do [ -S /tmp/.X11-unix/X9 ] && break; sleep 0.1; done
# Shows $2 pictures on screen $1; leaves what zerohop itself used, in hundredths of a second, in `ticks`.
show() {
    "$zerohop" run --to "kms:$1" --no-progress --report /tmp/report.json -- \
        vkcube --width 640 --height 480 --present_mode 2 --c "$2" >/dev/null 2>/tmp/said &
    pid=$!
    # Until it is gone; fields 14 and 15 are its times.
    while read -r -a now < "/proc/$pid/stat" && stat=("${now[@]}"); do sleep 0.1; done 2>/dev/null
    wait $pid || { cat /tmp/said >&2; kill $server; exit 1; }
    ticks=$((stat[13] + stat[14]))
}
# Measures the way called $1 to screen $2 with $3 pictures more than a few.
way() {
    show "$2" $FEW
    few=$ticks
    show "$2" $((FEW + $3))
    # The start, which costs the same however many follow, is in both.
    awk -v what="$1" -v ticks=$((ticks - few)) -v count="$3" '
        /"fps":/ { fps = $2 } /"bytes_copied_by_cpu":/ { bytes = $2 }
        END { print what, fps + 0, ticks * 10 / count, bytes + 0 }' /tmp/report.json
}
zerohop=$1
for ((round = 0; round < $3; round++)); do
    way direct "$SCREEN" $((MANY - FEW))
    way cpu "$OTHER" $((MANY - FEW))
    # A second for each.
    way gpu "$OTHER,copy=gpu" $FEW
    echo "canvas $("$2" "$SCREEN" $MANY) 0"
done
kill $server
