#!/usr/bin/env bash
# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
#
# The board's side of `fewmult-hls deploy`.
#
#   deploy.sh check ENVIRONMENT DEVICE              what is there, as a line of words; changes nothing
#   deploy.sh install ENVIRONMENT FOLDER [DEVICE]   installs what was copied into FOLDER, runs doctor,
#                                                   and verify if a device is named
#
# Exit codes say what failed: 10 the installation, 11 doctor, 12 verify.
set -eEuo pipefail
environment=$2
python=$environment/bin/python

die() {
  echo "error: $*" >&2
  exit 1
}

# What a login shell on the image has, and one under sudo has not: XILINX_XRT and BOARD, without
# which pynq finds no device. These files are the image's own, written without set -u.
load_profile() {
  local file
  set +eu
  for file in /etc/profile.d/{boardname,xrt_setup,pynq_venv}.sh; do
    # shellcheck source=/dev/null
    [[ -r $file ]] && source "$file"
  done
  set -eu
}

check() {
  [[ -x $python ]] || die "there is no Python environment $environment: is this the image of a board? (--environment)"
  "$python" - "$environment" "$1" <<'PYTHON'
import os, platform, subprocess, sys, sysconfig

environment, device = sys.argv[1:]
python = platform.python_version()
if sys.version_info < (3, 10):
    sys.exit(f"error: {environment} has Python {python}, and 3.10 is the least: take the image v3.0.1 or later")

from importlib.metadata import PackageNotFoundError, version


def found(name):
    try:
        return version(name)
    except PackageNotFoundError:
        sys.exit(f"error: {environment} has no {name}: name the environment that has it with --environment")


def answers(*command):
    quiet = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
    try:
        return subprocess.run(command, **quiet).returncode == 0
    except OSError:
        return False


found("pip")
facts = f"Python {python}, numpy {found('numpy')}, pynq {found('pynq')}"
# On a board, root alone reaches the fabric.
if os.geteuid() == 0 or device != "board" and os.access(sysconfig.get_path("purelib"), os.W_OK):
    sudo = ""
else:
    sudo = "sudo -n" if answers("sudo", "-n", "true") else "sudo"
print(f"fewmult-hls finds {facts}, installs with: {sudo}")
PYTHON
}

# No index is asked, and only pure wheels lie in the folder: what the image compiled, numpy above
# all, cannot be replaced.
pip_install() {
  "$python" -m pip --quiet --disable-pip-version-check --no-cache-dir \
    install --no-index --no-warn-script-location "$@"
}

# All of them or none: the folder is filled beside the old one and takes its name. If that was
# killed between its two renames, the old one comes back first.
replace_overlays() { # folder, if there are new ones
  local place
  place=$("$python" -c 'import fewmult_hls; print(fewmult_hls.__path__[0])')
  cd "$place"
  if [[ ! -e overlays && -d .overlays.old ]]; then mv .overlays.old overlays; fi
  rm -rf .overlays.new .overlays.old
  if [[ -d $1 ]]; then
    cp -r "$1" .overlays.new
    if [[ -d overlays ]]; then mv overlays .overlays.old; fi
    mv .overlays.new overlays
    rm -rf .overlays.old
  fi
  cd /
}

install() { # folder, device
  local failed=10
  load_profile
  trap 'exit "$failed"' ERR
  umask 022
  cd /
  pip_install --find-links "$1/wheels" --requirement "$1/requirements.txt"
  pip_install --no-deps --force-reinstall "$1"/wheels/fewmult_hls-*.whl
  replace_overlays "$1/overlays"
  failed=11
  echo "--- fewmult-hls doctor"
  "$environment/bin/fewmult-hls" doctor
  if [[ -z $2 ]]; then return; fi
  failed=12
  echo "--- fewmult-hls verify --backend pynq --device $2"
  "$environment/bin/fewmult-hls" verify --backend pynq --device "$2"
}

case $1 in
  check) check "$3" ;;
  install) install "$3" "${4:-}" ;;
  *) die "deploy.sh knows check and install, not $1" ;;
esac
