#!/usr/bin/env bash
# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs the stages of this plan for every kernel and stops at the first that fails. What is done is
# not done again: after a failure, mend it and call this once more.
#
#   ./run.sh [STAGE [KERNEL ..]]
#
#   STAGE   csim synth cosim package impl overlay, or all (default); or clean, which removes what
#           the tools left. cosim, package and impl synthesize first, overlay packages first.
#   KERNEL  only these; by default every folder in hls/
set -euo pipefail
unset CDPATH # where it is set, cd may go elsewhere
cd "$(dirname "${BASH_SOURCE[0]}")"
here=$PWD

die() {
  echo "error: $*" >&2
  exit 1
}

need() { # tool, whose
  command -v "$1" >/dev/null || die "$1 is not on PATH: source settings64.sh of $2"
}

# Refuses a release that is too old. A tool that does not say which it is passes.
need_release() { # tool, how it is asked, least
  local said
  said=$("$1" "$2" </dev/null 2>&1) || true
  [[ $said =~ 20[0-9]{2}\.[0-9] ]] || return 0
  [[ ! ${BASH_REMATCH[0]} < $3 ]] ||
    die "$1 is of release ${BASH_REMATCH[0]}, and $3 is the least: source settings64.sh of a later one"
}

# What check_reports.py needs, as it says.
need_python() {
  local found
  command -v "$python" >/dev/null || die "$python is not on PATH: install Python, it reads the reports"
  found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>&1) ||
    die "$python does not run (${found##*$'\n'}): name another, as in PYTHON=/usr/bin/python3 ./run.sh"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' ||
    die "$python is Python $found, and reading the reports needs 3.8: name a later one, as in PYTHON=python3.9 ./run.sh"
}

choose_flow() {
  if command -v vitis-run >/dev/null; then
    need v++ Vitis
    need_release v++ --version 2023.2
    flow=unified
  elif command -v vitis_hls >/dev/null; then
    need_release vitis_hls -version 2022.2
    flow=tcl
  else
    die "vitis-run is not on PATH, nor is vitis_hls: source settings64.sh of Vitis"
  fi
}

run_tool() { # stage
  case $flow-$1 in
    *-overlay) vivado -mode batch -nojournal -nolog -notrace -source "$(basename "$overlay")" ;;
    tcl-*) FEWMULT_STAGE=$1 vitis_hls -f hls.tcl ;;
    unified-synth) v++ --compile --mode hls --config hls_config.cfg --work_dir work ;;
    unified-*) vitis-run --mode hls "--$1" --config hls_config.cfg --work_dir work ;;
  esac
}

# The file that a stage must leave.
product() { # stage
  case $1 in
    synth) echo work/hls/syn/report/csynth.xml ;;
    package) echo work/hls/impl/ip/component.xml ;;
    impl) echo work/hls/impl/report/verilog/export_impl.xml ;;
    overlay) basename "${overlay%.tcl}.bit" ;;
  esac
}

# What a stage's log must say.
verdict() { # stage
  case $1 in
    csim) echo 'cases, all equal' ;;
    cosim) echo 'co-simulation finished: PASS' ;;
  esac
}

# Whether a stage did its work: a tool that failed may yet exit with 0.
is_done() { # stage, log
  local file text
  file=$(product "$1")
  text=$(verdict "$1")
  if [[ -n $file && ! -s $file ]]; then
    echo "$1 left no $file" >>"$2"
    return 1
  fi
  if [[ -n $text ]] && ! grep -qF -- "$text" "$2"; then
    echo "$1 did not say: $text" >>"$2"
    return 1
  fi
}

# The lines of a log that say what went wrong, or else its end.
relevant() { # log
  local pattern='ERROR|FATAL|CRITICAL WARNING|@E|[Ff]ail|error:|differ|expected|left no|did not say'
  grep -nE -- "$pattern" "$1" | tail -n 15 || tail -n 15 "$1"
}

step() { # stage, name, folder
  local log=$here/logs/$2.$1.log stamp=$here/logs/$2.$1.done file
  if [[ -e $stamp ]]; then
    echo "$2: $1 was done before"
    return
  fi
  echo "$2: $1 .."
  cd "$here/$3"
  case $1 in
    synth)
      rm -rf work
      rm -f "$here/logs/$2".{cosim,package,impl}.done "$here/logs/overlay.overlay.done"
      ;;
    *)
      file=$(product "$1")
      [[ -z $file ]] || rm -f "$file"
      ;;
  esac
  if ! run_tool "$1" >"$log" 2>&1 || ! is_done "$1" "$log"; then
    relevant "$log" >&2
    die "$2: $1 failed: see ${log#"$here/"}"
  fi
  cd "$here"
  touch "$stamp"
}

# Refuses multipliers, missed clocks and missed intervals; writes build.json.
check() { # names
  "$python" check_reports.py "$@"
}

run_stage() { # stage
  local kernel
  if [[ $1 == overlay ]]; then
    step overlay overlay overlay
    check overlay
    return
  fi
  for kernel in "${kernels[@]}"; do
    step "$1" "$kernel" "hls/$kernel"
    if [[ $1 == synth || $1 == impl ]]; then check "$kernel"; fi
  done
}

python=${PYTHON:-python3}
overlay=$(find overlay -maxdepth 1 -name '*.tcl' 2>/dev/null || true)
stage=${1:-all}
kernels=("${@:2}")
if ((${#kernels[@]} == 0)); then
  for folder in hls/*/; do
    kernels+=("$(basename "$folder")")
  done
elif [[ $stage == overlay ]]; then
  die "an overlay holds all its kernels: name none"
fi
for kernel in "${kernels[@]}"; do
  [[ -d hls/$kernel ]] || die "there is no kernel '$kernel' in this plan: see hls/"
done

case $stage in
  csim | synth) stages=("$stage") ;;
  cosim | package | impl) stages=(synth "$stage") ;;
  overlay) stages=(synth package overlay) ;;
  all)
    stages=(csim synth cosim package impl)
    # Without all of its kernels there is no overlay.
    if (($# < 2)) && [[ -n $overlay ]]; then stages+=(overlay); fi
    ;;
  clean)
    for kernel in "${kernels[@]}"; do
      rm -rf "hls/$kernel/work" logs/"$kernel".*
    done
    for file in overlay/*; do
      [[ $file == *.tcl ]] || rm -rf "$file"
    done
    rm -rf logs/overlay.* build.json
    rmdir logs 2>/dev/null || true
    exit
    ;;
  *) die "there is no stage '$stage': take csim, synth, cosim, package, impl, overlay or all" ;;
esac

need_python
choose_flow
if [[ " ${stages[*]} " == *" overlay "* ]]; then
  [[ -n $overlay ]] || die "this plan has no overlay"
  need vivado Vivado
  need_release vivado -version 2022.2
fi
mkdir -p logs
for stage in "${stages[@]}"; do
  run_stage "$stage"
done
echo "done: ${stages[*]}"
