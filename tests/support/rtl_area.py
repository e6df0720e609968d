# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What Yosys makes of the pieces in tests/hardware/rtl/area.

`python tests/support/rtl_area.py` prints the table.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path

from checkout import HARDWARE

PIECES = sorted((HARDWARE / "rtl" / "area").glob("*.v"))


def measure() -> dict[str, tuple[int, int, int]]:
    """LUT, FF and DSP of every piece.

    One run for all, each as a module that nothing goes into or comes out of by itself.
    """
    names = [path.stem for path in PIECES]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        instances = "\n".join(f"(* keep *) {name} {name}_0();" for name in names)
        (folder / "all.v").write_text(f"module all; {instances} endmodule\n")
        script = [
            *(f"read_verilog {path}" for path in PIECES),
            f"read_verilog {folder / 'all.v'}",
            "synth_xilinx -abc9 -family xc7 -noiopad -noclkbuf -top all",
            f"tee -o {folder / 'stat.json'} stat -json",
        ]
        command = ["yosys", "-q", "-p", "; ".join(script)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        text = (folder / "stat.json").read_text()
    modules = json.loads(text[text.index("{") :])["modules"]
    return {name: _cells(modules[f"\\{name}"]["num_cells_by_type"]) for name in names}


def _cells(cells: dict[str, int]) -> tuple[int, int, int]:
    def count(pattern: str) -> int:
        return sum(number for cell, number in cells.items() if re.fullmatch(pattern, cell))

    return count(r"LUT[2-6]"), count(r"FD\w+"), count(r"DSP48E1")


if __name__ == "__main__":
    for piece, (lut, ff, _) in measure().items():
        print(f'    "{piece}": Area(lut={lut}, ff={ff}),')
