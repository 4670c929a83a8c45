#!/bin/bash
# The guest's first process: mounts what a Linux system has, loads the devices' modules, runs the
# command that the host sends over the control port, says how it ended, and powers off.
# Ports: 1 control, 2 what the command prints, 3 its errors, 4 the program `screenshot`.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root
if [ "$1" != writable ]; then
    # The root is shared read-only with other machines: what is written goes into memory.
    mount -t proc proc /proc
    mount -t tmpfs tmpfs /mnt
    mkdir /mnt/upper /mnt/work /mnt/root
    modprobe overlay
    mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
    exec switch_root /mnt/root "$0" writable
fi
mountpoint -q /proc || mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for folder in /dev/shm /run /tmp; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
mount -t debugfs debugfs /sys/kernel/debug
mount -t configfs configfs /sys/kernel/config
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
hostname zerohop-vm
for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
    ln -s "/proc/self/${link#*:}" "/dev/${link%:*}"
done
# The number of the device that the ports belong to is the kernel's choice.
for _ in {1..100}; do
    port=$(echo /dev/vport*p1)
    [ -c "${port%1}4" ] && break
    sleep 0.1
done
for number in 1 2 3 4; do ln -s "${port%1}$number" "/run/port$number"; done
exec 3<>/run/port1
for name in modules checkout target command; do IFS= read -r -d '' "$name" <&3; done
mkdir -p "$checkout"
mount -t virtiofs checkout "$checkout"
mkdir -p "$target"
mount -t virtiofs target "$target"
# shellcheck disable=SC2086
modprobe -a $modules
chmod 666 /dev/udmabuf /dev/dri/* /dev/dma_heap/*
# /run/cards/vkms and so on, since numbers follow the order of loading.
mkdir -p /run/user /run/cards
mkdir -m 700 /run/user/0
for card in /sys/class/drm/card[0-9]; do
    driver=$(basename "$(readlink -f "$card/device/driver")")
    # Devices without hardware have none, and are named themselves.
    [ -e "$card/device/driver" ] || driver=$(basename "$(readlink -f "$card/device")")
    ln -s "/dev/dri/${card##*/}" "/run/cards/${driver/virtio-pci/virtio-gpu}"
done
cat > /usr/local/bin/screenshot <<'S'
#!/bin/bash
# screenshot FILE.png [cirrus|virtio-gpu]: what that card shows now.
[ -n "$1" ] || { echo "usage: screenshot FILE.png [cirrus|virtio-gpu]" >&2; exit 2; }
exec 9>/run/screenshot.lock
flock 9
exec 8<>/run/port4
echo "${2:-cirrus} $(realpath -m "$1")" >&8
IFS= read -r answer <&8
[ "$answer" = done ] || { echo "screenshot: $answer" >&2; exit 1; }
S
chmod 755 /usr/local/bin/screenshot
echo "ready $(cut -d' ' -f1 /proc/uptime)" >&3
bash -c "$command" </dev/null >/run/port2 2>/run/port3 3>&-
echo "exit $?" >&3
sync
read -r _ <&3
echo o > /proc/sysrq-trigger
sleep 60
