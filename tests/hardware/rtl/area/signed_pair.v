// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The first level of the product's trees: two activations, each kept, negated or dropped.
module signed_pair (
    input  [7:0] a,
    input  [7:0] b,
    input  [1:0] keep,
    input  [1:0] flip,
    output [8:0] sum
);
    wire signed [7:0] first  = (a & {8{keep[0]}}) ^ {8{flip[0]}};
    wire signed [7:0] second = (b & {8{keep[1]}}) ^ {8{flip[1]}};
    assign sum = first + second;
endmodule
