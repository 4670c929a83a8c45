# Runs QEMU in the root that holds it, with one file server for each folder that the guest sees:
#   enter.sh TOOLS GUEST INIT CHECKOUT TARGET QEMU-OPTION...
# This is the first process of a mount and a process namespace of its own, and becomes QEMU: when
# that ends, or is killed, the file servers end with it and nothing stays mounted.
set -e
tools=$1 guest=$2 init=$3 checkout=$4 target=$5
shift 5
# File servers keep each file open that the guest knows.
ulimit -n "$(ulimit -Hn)"
mount -t proc proc "$tools/proc"
mount --rbind /dev "$tools/dev"
mount -t tmpfs tmpfs "$tools/run"
serve() {
    name=$1 folder=$2
    shift 2
    mkdir "$tools/run/$name"
    mount --bind "$folder" "$tools/run/$name"
    chroot "$tools" /usr/libexec/virtiofsd --socket-path "/run/$name.sock" \
        --shared-dir "/run/$name" --sandbox none --rlimit-nofile 0 --log-level warn "$@" &
}
serve guest "$guest" --cache always --readonly --no-announce-submounts
serve checkout "$checkout" --cache auto
serve target "$target" --cache auto
# What the guest starts first lies in the checkout, so that a change needs no new guest.
printf %s "$init" > "$tools/run/init"
chmod 755 "$tools/run/init"
mount --bind "$tools/run/init" "$tools/run/guest/usr/sbin/zerohop-init"
tries=0
for name in guest checkout target; do
    while [ ! -S "$tools/run/$name.sock" ]; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || { echo "virtiofsd for $name did not start"; exit 1; }
        sleep 0.05
    done
done
exec chroot "$tools" qemu-system-x86_64 "$@"
