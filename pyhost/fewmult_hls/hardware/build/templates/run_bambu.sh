#!/usr/bin/env bash
# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs Bambu, an open-source HLS compiler, on every kernel of this plan, and stops at the first that
# fails. What is done is not done again: after a failure, mend it and call this once more.
#
#   ./run_bambu.sh [STAGE [KERNEL ..]]
#
#   STAGE   synth: C++ to Verilog; cosim: that, and the testbench on the Verilog, with Verilator;
#           or all (default), which is cosim; or clean, which removes what the tools left
#   KERNEL  only these; by default every folder in hls/
#
# Where yosys is on PATH it counts the look-up tables of each kernel.
set -euo pipefail
unset CDPATH # where it is set, cd may go elsewhere
cd "$(dirname "${BASH_SOURCE[0]}")"
here=$PWD

die() {
  echo "error: $*" >&2
  exit 1
}

need() { # tool, package
  command -v "$1" >/dev/null || die "$1 is not on PATH: install $2"
}

# Options are those of release 2024.10: `bambu --help` tells those of another.
synthesize() { # kernel, more options
  bambu "$here/bambu/kernels/${1}_top.cpp" "--top-fname=${1}_top" "-I$here/bambu" "-I$here" \
    "${options[@]}" "${@:2}"
}

run_tool() { # stage, kernel
  case $1 in
    synth) synthesize "$2" ;;
    cosim)
      synthesize "$2" --simulate --simulator=VERILATOR \
        "--generate-tb=$here/testbench/${2}_tb.cpp" "--tb-arg=$here/golden"
      ;;
  esac
}

# Whether a stage did its work: a tool that failed may yet exit with 0.
is_done() { # stage, kernel, log
  if [[ ! -s ${2}_top.v ]]; then
    echo "$1 left no ${2}_top.v" >>"$3"
    return 1
  fi
  if [[ $1 == cosim ]] && ! grep -qE -- "(^| )$2: [0-9]+ cases, all equal" "$3"; then
    echo "$1 did not say: $2: .. cases, all equal" >>"$3"
    return 1
  fi
}

count_area() { # kernel
  command -v yosys >/dev/null || return 0
  yosys -q -p "read_verilog -sv ${1}_top.v; synth_xilinx -family xc7 -flatten -top ${1}_top; \
    tee -o area.json stat -json" >"$here/logs/$1.yosys.log" 2>&1 || {
    rm -f area.json
    echo "$1: yosys fails, no area: see logs/$1.yosys.log"
  }
}

step() { # stage, kernel
  local log=$here/logs/$2.bambu_$1.log stamp=$here/logs/$2.bambu_$1.done
  if [[ -e $stamp || -e $here/logs/$2.bambu_cosim.done ]]; then # cosim synthesizes, too
    echo "$2: $1 was done before"
    return
  fi
  echo "$2: $1 with Bambu .."
  rm -rf "$here/bambu/verilog/$2" "$here/logs/$2".bambu_*
  mkdir -p "$here/bambu/verilog/$2"
  cd "$here/bambu/verilog/$2"
  (bambu --version 2>&1 || true) >version.txt
  if ! run_tool "$1" "$2" >"$log" 2>&1 || ! is_done "$1" "$2" "$log"; then
    grep -nE -- '[Ee]rror|expected|differ|left no|did not say' "$log" | tail -n 15 >&2 ||
      tail -n 15 "$log" >&2
    die "$2: $1 failed: see ${log#"$here/"}"
  fi
  count_area "$2"
  cd "$here"
  touch "$stamp"
}

python=${PYTHON:-python3}
stage=${1:-all}
kernels=("${@:2}")
if ((${#kernels[@]} == 0)); then
  for folder in hls/*/; do
    kernels+=("$(basename "$folder")")
  done
fi
for kernel in "${kernels[@]}"; do
  [[ -d hls/$kernel ]] || die "there is no kernel '$kernel' in this plan: see hls/"
done

case $stage in
  synth | cosim) ;;
  all) stage=cosim ;;
  clean)
    for kernel in "${kernels[@]}"; do
      rm -rf "bambu/verilog/$kernel" logs/"$kernel".bambu_* logs/"$kernel".yosys.log
    done
    exit
    ;;
  *) die "Bambu has no stage '$stage': take synth, cosim or all" ;;
esac

mapfile -t options <bambu/options.txt
need bambu "Bambu (PandA)"
[[ $stage == synth ]] || need verilator "the package verilator"
need "$python" "Python, it reads the reports"
mkdir -p logs
for kernel in "${kernels[@]}"; do
  step "$stage" "$kernel"
  "$python" check_reports.py "bambu:$kernel"
done
echo "done: $stage with Bambu"
