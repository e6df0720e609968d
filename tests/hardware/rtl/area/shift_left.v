// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// A change, shifted left.
module shift_left (
    input  [31:0] value,
    input  [3:0]  distance,
    output [31:0] out
);
    assign out = value << distance;
endmodule
