# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Shell scripts in the place of v++, vitis-run, vitis_hls, vivado and bambu.

The real ones do not run here. These say nothing about them: they leave what a plan's script looks
for, or fail as they are told, so that the script's own control flow can be tested.
"""

from __future__ import annotations

import os
from pathlib import Path

from checkout import REPORTS
from command import environment

# MISCHIEF is "stage kernel what": fail, silent (exit 0 and leave nothing), hang.
TOOL = """#!/usr/bin/env bash
set -eu
if [[ $* == @(-|--)version ]]; then
  echo "****** $(basename "$0") ${RELEASE-v2024.1} (64-bit)"
  exit
fi
case "$(basename "$0") $*" in
  v++*) stage=synth ;;
  vitis-run*) stage=$(grep -oE 'csim|cosim|package|impl' <<<"$3") ;;
  vitis_hls*) stage=$FEWMULT_STAGE ;;
  vivado*) stage=overlay ;;
esac
kernel=$(basename "$PWD")
echo "$(basename "$0") $*" >>"$CALLS"
what=
case "${MISCHIEF:-}" in "$stage $kernel "*) what=${MISCHIEF##* } ;; esac
echo "INFO: [HLS 200-10] Running $stage of $kernel"
case $what in
  fail)
    echo "$kernel: case ragged: z[3]: expected 5, got 7" >&2
    echo "ERROR: [SIM 211-100] $stage failed: nonzero return value"
    echo "INFO: [HLS 200-112] Total CPU user time: 1.2 seconds"
    exit 1
    ;;
  silent) exit 0 ;;
  hang)
    echo $$ >"$CALLS.pid"
    sleep 60
    ;;
esac
case $stage in
  csim) echo "$kernel: 27 cases, all equal" ;;
  cosim) echo "INFO: [COSIM 212-1000] *** C/RTL co-simulation finished: PASS ***" ;;
  synth)
    mkdir -p work/hls/syn/report
    sed "s,<DSP>0<,<DSP>${DSP:-0}<," "$REPORTS/csynth.xml" >work/hls/syn/report/csynth.xml
    ;;
  package) mkdir -p work/hls/impl/ip && echo "<x/>" >work/hls/impl/ip/component.xml ;;
  impl)
    mkdir -p work/hls/impl/report/verilog
    cp "$REPORTS/export_impl.xml" work/hls/impl/report/verilog/
    ;;
  overlay)
    mkdir -p reports
    cp "$REPORTS"/*.rpt reports/
    echo bits >"$(basename "${@: -1}" .tcl).bit"
    ;;
esac
"""

# It takes the arguments that a plan gives and no others, refuses pragmas as the real one does, and
# compiles and runs what it is given with g++: so the sources and the testbench are real.
BAMBU = """#!/usr/bin/env bash
set -eu
if [[ $* == --version ]]; then
  printf '\\n%s\\n' "Version: PandA 2024.10 - stand-in"
  exit
fi
echo "bambu $*" >>"$CALLS"
refuse() { echo "error -> $*"; exit 1; }
source= top= tb= golden= simulate= includes=()
for word; do
  case $word in
    *_top.cpp) source=$word ;;
    --top-fname=*) top=${word#*=} ;;
    -I*) includes+=("$word") ;;
    --device=xc7z020-1clg484-VVD | --clock-period=10 | -O2 | -std=c++14) ;;
    --compiler=I386_CLANG16 | --generate-interface=INFER | --simulator=VERILATOR) ;;
    --simulate) simulate=yes ;;
    --generate-tb=*) tb=${word#*=} ;;
    --tb-arg=*) golden=${word#*=} ;;
    *) refuse "unknown option $word" ;;
  esac
done
kernel=${top%_top}
[[ $source == */${kernel}_top.cpp && ${#includes[@]} == 2 ]] || refuse "no top"
form='#pragma HLS interface port = [a-z]+ mode = m_axi offset = direct bundle = gmem[0-3]'
left=$(grep -rh '#pragma HLS' "$(dirname "$source")" | grep -vxE "$form" || true)
[[ -z $left ]] || refuse "$left not supported"
case ${MISCHIEF:-} in
  fail) refuse "Internal error" ;;
  silent) exit 0 ;;
  differ) sed -i 's/return z + /return z - /; s/rounding.half) >>/rounding.half) << 1 >>/' \
    "$(dirname "$source")/arithmetic.hpp" ;;
esac
echo "module $top(input clock, input [7:0] a, output reg [7:0] b);
always @(posedge clock) b <= a ^ b; endmodule" >"$top.v"
if [[ -n $simulate ]]; then
  g++ -std=c++14 -O1 -w "${includes[@]}" "$tb" "$source" -o tb
  ./tb "$golden" || refuse "the testbench returned $?"
  echo "  Total cycles             : 1234 cycles"
fi
"""

UNIFIED = ("v++", "vitis-run")
TCL = ("vitis_hls",)


class Tools:
    """A folder to be put on PATH, and what was called."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.calls_file = folder / "calls"
        self._bin = folder / "bin"
        self._bin.mkdir(parents=True)
        for name in names:
            self.put(name, TOOL)

    def put(self, name: str, script: str) -> None:
        """Adds another tool."""
        tool = self._bin / name
        tool.write_text(script)
        tool.chmod(0o755)

    def environment(self, **changes: str) -> dict[str, str]:
        return environment(
            PATH=f"{self._bin}{os.pathsep}{os.environ['PATH']}",
            CALLS=str(self.calls_file),
            REPORTS=str(REPORTS),
            **changes,
        )

    def calls(self) -> list[str]:
        """Since the last time that they were asked for."""
        if not self.calls_file.exists():
            return []
        lines = self.calls_file.read_text().splitlines()
        self.calls_file.unlink()
        return lines
