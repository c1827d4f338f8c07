#!/bin/sh
# Proves deploy/Dockerfile where there is no container engine: scripts/prove_image.sh [FOLDER]
#
# It makes a minimal Debian (debootstrap), carries out the Dockerfile's own steps in it with chroot
# (scripts/recipe.py), then starts the image as compose.yaml does: as the user 1000 without any
# capability, the root file system read-only, /tmp in memory, in name spaces of its own, and
# without a network but its own loopback. It needs root, debootstrap, util-linux and iproute2.
#
#   MODELS  the folder of pulled weights (~/.cache/ferryman/models)
#   MIRROR  the Debian mirror, where it is not the one of this machine
#   MODEL   other weights than those of the accepted decision record, such as small ones
set -eu
cd "$(dirname "$0")/.."
work=${1:-/var/tmp/ferryman-image}
models=${MODELS:-$HOME/.cache/ferryman/models}
release=bookworm
# This machine's own Debian mirror, with /debian and /debian-security below it.
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | sed -n 's|/debian/*$||p' | head -n 1)}

[ "$(id -u)" = 0 ] || { echo "Only root can change the root folder." >&2; exit 2; }
for tool in debootstrap unshare chroot ip python3; do
    command -v "$tool" >/dev/null || { echo "$tool is missing." >&2; exit 2; }
done

mkdir -p "$work"
if [ ! -f "$work/base/etc/debian_version" ]; then
    debootstrap --variant=minbase "$release" "$work/base" "$mirror/debian" >"$work/debootstrap.log"
fi
# As in Debian's own image: a package that is installed is not kept as an archive, too.
echo 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };' \
    >"$work/base/etc/apt/apt.conf.d/docker-clean"
rm -f "$work"/base/var/cache/apt/archives/*.deb
printf '%s\n' "deb $mirror/debian $release main" "deb $mirror/debian $release-updates main" \
    "deb $mirror/debian-security $release-security main" >"$work/base/etc/apt/sources.list"

if [ ! -f "$work/out/image.json" ]; then
    rm -rf "$work/out"
    mkdir "$work/out"
    python3 scripts/recipe.py "$work/base" "$work/out" >"$work/recipe.log" 2>&1 || {
        tail -n 20 "$work/recipe.log" >&2
        exit 1
    }
fi
tail -n 3 "$work/recipe.log"

for volume in cache state desktop; do
    rm -rf "${work:?}/volumes/$volume"
    install -d -o 1000 -g 1000 "$work/volumes/$volume"
done
install -d -o 1000 -g 1000 "$work/volumes/cache/ferryman" "$work/volumes/cache/ferryman/models"
mkdir -p "$work/probe"
cp scripts/probe_image.py "$work/out/image.json" "$work/probe"

export ROOT="$work/out/image" WORK="$work" MODELS="$models" MODEL="${MODEL:-}"
# shellcheck disable=SC2016  # the inner shell expands them, inside its name spaces
exec unshare --mount --pid --fork --ipc --uts --net --kill-child sh -eu -c '
    mount --make-rprivate /
    mount --bind "$ROOT" "$ROOT"
    mount -t proc -o nosuid,nodev,noexec proc "$ROOT/proc"
    mount -t tmpfs -o nosuid,nodev,size=256m tmpfs "$ROOT/tmp"
    mount -t tmpfs -o nosuid,mode=755 tmpfs "$ROOT/dev"
    for device in null:3 zero:5 random:8 urandom:9; do
        mknod -m 666 "$ROOT/dev/${device%:*}" c 1 "${device#*:}"
    done
    mkdir -m 1777 "$ROOT/dev/shm"
    mount -t tmpfs -o nosuid,nodev,size=64m tmpfs "$ROOT/dev/shm"
    mount -t tmpfs -o nosuid,nodev,size=4m tmpfs "$ROOT/run"
    mkdir "$ROOT/run/probe"
    mount --bind "$WORK/probe" "$ROOT/run/probe"
    for volume in cache state desktop; do
        mount --bind "$WORK/volumes/$volume" "$ROOT/$volume"
    done
    mount --bind "$MODELS" "$ROOT/cache/ferryman/models"
    mount -o remount,bind,ro "$ROOT/cache/ferryman/models"
    mount -o remount,bind,ro "$ROOT/run/probe"
    mount -o remount,bind,ro "$ROOT"
    ip link set lo up
    hostname ferryman
    exec chroot "$ROOT" setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs \
        --bounding-set=-all --inh-caps=-all --ambient-caps=-all \
        env -i MODEL="$MODEL" /usr/bin/python3 /run/probe/probe_image.py'
