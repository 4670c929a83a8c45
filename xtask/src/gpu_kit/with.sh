#!/bin/sh
# with COMMAND [ARGUMENTS]: runs a command with the programs and libraries of this folder around it,
# and with the driver that the machine has. FAKE=1 in the environment puts the stand-ins for
# NVIDIA's libraries before everything.
kit=$(cd "$(dirname "$0")" && pwd -P) || exit 1

libraries=$kit/lib
[ -z "$FAKE" ] || libraries=$kit/fake:$libraries
# What the machine has itself is newer, and may be needed by its driver.
for spare in libstdc++.so.6 libgcc_s.so.1; do
    if ! ls /lib/*/$spare /usr/lib/*/$spare /usr/lib64/$spare >/dev/null 2>&1; then
        libraries=$libraries:$kit/lib/spare
        break
    fi
done
[ -z "$LD_LIBRARY_PATH" ] || libraries=$libraries:$LD_LIBRARY_PATH
for folder in /usr/local/nvidia/lib64 /usr/local/nvidia/lib; do
    [ ! -d $folder ] || libraries=$libraries:$folder
done
export LD_LIBRARY_PATH="$libraries"
export PATH="$kit/bin:$PATH"
export XDG_DATA_DIRS="$kit/share:${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"

# NVIDIA's driver where it is, also where the loaders do not look.
if [ -z "$VK_DRIVER_FILES$VK_ICD_FILENAMES" ]; then
    for file in /etc/vulkan/icd.d/nvidia_icd*.json /usr/share/vulkan/icd.d/nvidia_icd*.json \
        /usr/local/share/vulkan/icd.d/nvidia_icd*.json \
        /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd*.json; do
        if [ -f "$file" ]; then
            export VK_DRIVER_FILES="$file"
            break
        fi
    done
fi
if [ -z "$__EGL_VENDOR_LIBRARY_FILENAMES" ]; then
    for file in /etc/glvnd/egl_vendor.d/10_nvidia.json /usr/share/glvnd/egl_vendor.d/10_nvidia.json \
        /usr/local/nvidia/share/glvnd/egl_vendor.d/10_nvidia.json; do
        if [ -f "$file" ]; then
            export __EGL_VENDOR_LIBRARY_FILENAMES="$file"
            break
        fi
    done
fi
exec "$@"
