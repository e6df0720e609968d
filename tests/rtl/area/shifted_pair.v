// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The first level of the gradient's trees: two deltas, each shifted, or dropped.
module shifted_pair (
    input  signed [7:0] a,
    input  signed [7:0] b,
    input  [3:0]  code_a,
    input  [3:0]  code_b,
    output [15:0] sum
);
    wire signed [14:0] wide_a = a;
    wire signed [14:0] wide_b = b;
    wire signed [14:0] first  = code_a[3] ? wide_a <<< code_a[2:0] : 15'sd0;
    wire signed [14:0] second = code_b[3] ? wide_b <<< code_b[2:0] : 15'sd0;
    assign sum = first + second;
endmodule
