// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The first level of the gradient's trees: two deltas, each shifted, or dropped for a shift of 7.
module shifted_pair (
    input  signed [7:0] a,
    input  signed [7:0] b,
    input  [2:0]  shift_a,
    input  [2:0]  shift_b,
    output [15:0] sum
);
    wire signed [14:0] wide_a = a;
    wire signed [14:0] wide_b = b;
    wire signed [14:0] first  = (shift_a == 3'd7) ? 15'sd0 : wide_a <<< shift_a;
    wire signed [14:0] second = (shift_b == 3'd7) ? 15'sd0 : wide_b <<< shift_b;
    assign sum = first + second;
endmodule
