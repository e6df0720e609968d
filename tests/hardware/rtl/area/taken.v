// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// A delta that a place takes if it equals the largest, and what is left of it.
module taken (
    input  [7:0] x,
    input  [7:0] largest,
    input  [7:0] delta,
    output [7:0] out,
    output [7:0] left
);
    wire equal = x == largest;
    assign out = equal ? delta : 8'd0;
    assign left = equal ? 8'd0 : delta;
endmodule
