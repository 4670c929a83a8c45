# Completes the guest's root, inside of it: newer Mesa, the kernel, and the modules that Debian
# does not build. Nothing is installed that would make an initramfs.
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get install -y -qq --no-install-recommends -t trixie-backports mesa-vulkan-drivers \
    libgl1-mesa-dri libgbm1 libegl-mesa0 libglx-mesa0 libegl1 libgles2 >/dev/null
image=$(apt-cache -t=trixie depends linux-image-amd64/trixie |
    sed -n 's/.*\(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1)
kernel=${image#linux-image-}           # as in 6.12.107+deb13-amd64
common=${kernel%-amd64}
source=${kernel%%+*}
source=linux-source-${source%.*}
mkdir /kernel
cd /kernel
apt-get download -qq "$image" "linux-headers-$kernel" "linux-headers-$common-common" \
    "linux-kbuild-$common" "$source" 2>/dev/null
for package in linux-image* linux-headers* linux-kbuild*; do dpkg-deb -x "$package" /; done
dpkg-deb --fsys-tarfile linux-source*.deb | tar -xO "./usr/src/$source.tar.xz" |
    tar -xJ --wildcards "$source/drivers/gpu/drm/vkms"
make -s -C "/usr/src/linux-headers-$kernel" M="/kernel/$source/drivers/gpu/drm/vkms" \
    CONFIG_DRM_VKMS=m CONFIG_DEBUG_INFO_BTF_MODULES= modules
mkdir -p "/usr/lib/modules/$kernel/extra"
strip -g "$source/drivers/gpu/drm/vkms/vkms.ko" -o "/usr/lib/modules/$kernel/extra/vkms.ko"
depmod "$kernel"
mv "/boot/vmlinuz-$kernel" /boot/vmlinuz
cd /
rm -rf /kernel /usr/src/linux-*
# Something to mount the first program over.
touch /usr/sbin/zerohop-init
