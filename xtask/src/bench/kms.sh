# In the virtual machine: $1 the program zerohop, $2 the client with dumb buffers, $3 rounds.
# Prints a line for each run: what, pictures a second, CPU milliseconds of the host for each.
COUNT=240
SCREEN=/run/cards/vkms
Xvfb :9 -screen 0 1280x1024x24 -nolisten tcp >/dev/null 2>&1 &
server=$!
export DISPLAY=:9
for _ in {1..100}; do [ -S /tmp/.X11-unix/X9 ] && break; sleep 0.1; done
for ((round = 0; round < $3; round++)); do
    "$1" run --to "kms:$SCREEN" --no-progress --report /tmp/report.json -- \
        vkcube --width 1024 --height 768 --present_mode 2 --c $COUNT >/dev/null 2>/tmp/said &
    pid=$!
    # Until it is dead and its times are complete; fields 14 and 15 are in hundredths of a second.
    while read -r -a stat < "/proc/$pid/stat" && [ "${stat[2]}" != Z ]; do sleep 0.1; done
    wait $pid || { cat /tmp/said >&2; kill $server; exit 1; }
    awk -v ticks=$((stat[13] + stat[14])) -v count=$COUNT '
        /"fps":/ { fps = $2 } /"bytes_copied_by_cpu":/ { bytes = $2 }
        END { print "direct", fps + 0, ticks * 10 / count, bytes + 0 }' /tmp/report.json
    echo "canvas $("$2" "$SCREEN" $COUNT) 0"
done
kill $server
