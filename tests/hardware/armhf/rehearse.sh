#!/usr/bin/env bash
# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
#
# Rehearses an installation on a board: a root of armhf packages as its image has them, the board
# wheel in it, and the tests of the emulated board there, under QEMU as a Cortex-A9.
#
#   rehearse.sh WHEEL [FOLDER]    by default build/armhf; a root that is there is taken again
#
# It needs root (debootstrap, chroot), the Debian packages debootstrap, qemu-user-static and
# util-linux, 1 GB of disk, and these mirrors, from the environment:
#   SUITE          bookworm (default), a later Debian, or jammy, the image's own Ubuntu
#   DEBIAN_MIRROR  http://deb.debian.org/debian
#   UBUNTU_MIRROR  http://ports.ubuntu.com/ubuntu-ports
#   PIP_*          pip's own variables, as PIP_INDEX_URL; /etc/pip.conf is copied
# What it mounts is seen by it alone, and it registers QEMU with the kernel only while it runs.
set -euo pipefail

die() {
  echo "error: $1" >&2
  exit 1
}

wheel=${1:?usage: rehearse.sh WHEEL [FOLDER]}
folder=${2:-build/armhf}
suite=${SUITE:-bookworm}
case $suite in
  jammy) mirror=${UBUNTU_MIRROR:-http://ports.ubuntu.com/ubuntu-ports} components=main,universe ;;
  *) mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian} components=main ;;
esac

# What the image brings as Debian's packages; nothing is compiled there.
PACKAGES=(
  libmagic1 python3 python3-cffi python3-numpy python3-pil python3-psutil python3-venv
)
# The image's own, of 2022 and 2024, and what pynq imports, as long as nothing must be compiled for
# it; grpcio is for remote devices only.
TOOLS=(pip==22.0.2 setuptools==59.6.0 wheel==0.37.1)
PYNQ=(pynq==3.1.2 pynqmetadata==0.2.0 pynqutils==0.1.3)
PYNQ_NEEDS=(
  "ipython<9" "jsonschema<4.18" nest_asyncio "pycparser<3" "pydantic>=2" "python-magic>=0.4.25" tqdm
)
TESTS=(backends/test_pynq_backend.py hardware/test_embedded_device.py hardware/test_hwh.py)

tests=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
root=$folder/$suite

check() {
  [[ -f $wheel ]] || die "there is no $wheel: make it with 'make board-wheel'"
  [[ $EUID == 0 ]] || die "debootstrap and chroot need root: run this under sudo -E"
  local program
  for program in debootstrap qemu-arm-static unshare; do
    command -v "$program" >/dev/null ||
      die "there is no $program: apt-get install debootstrap qemu-user-static util-linux"
  done
}

# The kernel starts ARM programs, those too that tests start, once it knows who runs them. The flag
# F opens QEMU now, so that the root needs no copy.
register_qemu() {
  local binfmt=/proc/sys/fs/binfmt_misc name=fewmult-armhf-$$
  [[ -e $binfmt/register ]] || mount -t binfmt_misc binfmt_misc $binfmt ||
    die "the kernel has no binfmt_misc: modprobe binfmt_misc"
  ! grep -qs '^enabled' $binfmt/qemu-arm || return 0
  local head='\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00'
  local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  echo ":$name:M::$head:$mask:$(command -v qemu-arm-static):F" >$binfmt/register ||
    die "the kernel takes no program for ARM: run this where it may, not in a container"
  # shellcheck disable=SC2064 # names of now
  trap "echo -1 >$binfmt/$name" EXIT
}

make_root() {
  [[ ! -d $root ]] || return 0
  echo "== $suite for armhf, into $root"
  rm -rf "$root.part"
  mkdir -p "$folder"
  debootstrap --arch=armhf --variant=minbase --components="$components" \
    "$suite" "$root.part" "$mirror" >"$folder/debootstrap.log" ||
    die "debootstrap failed: see $folder/debootstrap.log"
  mv "$root.part" "$root"
}

# Copies of the machine's names, certificates and pip settings: the root gets nothing to write to.
prepare_root() {
  mount -t proc proc "$root/proc"
  local path
  for path in /etc/hosts /etc/resolv.conf /etc/pip.conf; do
    [[ ! -e $path ]] || cp "$path" "$root$path"
  done
  cp "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}" "$root/opt/certificates.crt"
}

# A command in the root, on the board's processor.
board() {
  local name given=()
  for name in "${!PIP_@}" http_proxy https_proxy no_proxy; do
    [[ -z ${!name:-} ]] || given+=("$name=${!name}")
  done
  env -i "${given[@]}" PIP_CERT=/opt/certificates.crt DEBIAN_FRONTEND=noninteractive \
    HOME=/root LANG=C.UTF-8 PATH=/opt/board/bin:/usr/sbin:/usr/bin:/sbin:/bin QEMU_CPU=cortex-a9 \
    chroot "$root" "$@"
}

install_packages() {
  echo "== packages"
  local pip=(board python -m pip install -qq --disable-pip-version-check --no-cache-dir)
  if [[ ! -e $root/opt/board.stamp ]]; then
    board apt-get update -qq
    board apt-get install -qq --no-install-recommends "${PACKAGES[@]}" >"$folder/apt.log" 2>&1 ||
      die "apt-get failed: see $folder/apt.log"
    board python3 -m venv --clear --system-site-packages /opt/board
    "${pip[@]}" "${TOOLS[@]}"
    # No numpy but the image's; another one would be compiled for hours, or for another ARM.
    board python -c 'import numpy; print(f"numpy=={numpy.__version__}")' >"$root/opt/as-is.txt"
    # What pynq compiles on a board serves audio and I2C: PYNQ_BUILD_ARCH leaves it out.
    board env PYNQ_BUILD_ARCH=none python -m pip install -qq --disable-pip-version-check \
      --no-build-isolation --no-deps "${PYNQ[@]}"
    "${pip[@]}" -c /opt/as-is.txt "${PYNQ_NEEDS[@]}" hypothesis "pytest>=7.4"
    touch "$root/opt/board.stamp"
  fi
  cp "$wheel" "$root/opt/"
  "${pip[@]}" -c /opt/as-is.txt "/opt/$(basename "$wheel")"
  # pip keeps what is installed while the version stays the same.
  "${pip[@]}" --force-reinstall --no-deps "/opt/$(basename "$wheel")"
}

rehearse() {
  rm -rf "$root/opt/rehearsal"
  mkdir "$root/opt/rehearsal"
  cp -r "$tests" "$tests/../pyproject.toml" "$root/opt/rehearsal/"
  board sh -euc '
    cd /opt/rehearsal
    uname -m
    grep -h ^PRETTY_NAME /etc/os-release
    python --version
    python -m pip list --disable-pip-version-check 2>/dev/null |
      grep -E "^(click|fewmult-hls|numpy|Pillow|pip|pydantic|pynq|pytest|rich|setuptools) "
    echo "== fewmult-hls doctor"
    fewmult-hls doctor
    echo "== fewmult-hls verify --backend pynq --device emulated"
    fewmult-hls verify --backend pynq --device emulated
    echo "== pytest $*"
    python -m pytest -p no:cacheprovider "$@"
  ' sh "${TESTS[@]/#/tests/}"
}

check
if [[ ${REHEARSAL_PRIVATE:-} != yes ]]; then
  REHEARSAL_PRIVATE=yes exec unshare --mount --propagation private -- "${BASH_SOURCE[0]}" "$@"
fi
register_qemu
make_root
prepare_root
install_packages
rehearse
