#!/bin/sh
# The packed X server, with the packed keyboards.
kit=$(cd "$(dirname "$0")/.." && pwd -P) || exit 1
exec "$kit/x11/Xvfb" -xkbdir "$kit/share/X11/xkb" "$@"
