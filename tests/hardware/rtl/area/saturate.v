// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// A value between -limit and limit.
module saturate #(parameter LIMIT = 32'd26624) (
    input  signed [31:0] value,
    output signed [31:0] out
);
    wire signed [31:0] limit = LIMIT;
    assign out = value > limit ? limit : value < -limit ? -limit : value;
endmodule
