// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// An addition of 32 bits.
module add32 (
    input  [31:0] a,
    input  [31:0] b,
    output [31:0] sum
);
    assign sum = a + b;
endmodule
