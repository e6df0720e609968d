// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// A rounding term from a byte, onto a value, and an arithmetic shift.
module rounding (
    input         [31:0] value,
    input         [7:0]  draw,
    input         [3:0]  left,
    input         [3:0]  right,
    input         [15:0] half,
    input         [4:0]  shift,
    output        [31:0] out
);
    wire [31:0] term = (({24'd0, draw} << left) + half) >> right;
    wire signed [31:0] sum = value + term;
    assign out = sum >>> shift;
endmodule
