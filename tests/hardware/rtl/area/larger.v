// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// The larger of two bytes; the one if it is the first.
module larger (
    input  signed [7:0] one,
    input  signed [7:0] other,
    input               begins,
    output        [7:0] out
);
    assign out = begins || one > other ? one : other;
endmodule
