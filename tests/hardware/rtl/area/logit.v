// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// A rounded shift and a bias, without saturation.
module logit (
    input         [31:0] z,
    input         [31:0] half,
    input         [4:0]  shift,
    input         [31:0] offset,
    output        [31:0] value
);
    wire signed [31:0] rounded = z + half;
    assign value = (rounded >>> shift) + offset;
endmodule
