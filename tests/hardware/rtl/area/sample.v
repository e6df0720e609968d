// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// The sample of one weight of 16 bits, or of 8: thresholds, and two comparisons.
module sample (
    input         eight,
    input  signed [15:0] w,
    input  [7:0]  draw,
    input  [3:0]  sharpness,
    input         binary,
    output        nonzero,
    output        minus
);
    wire [16:0] size = w[15] ? -{w[15], w} : {1'b0, w};
    wire signed [17:0] half = eight ? 18'sd64 : 18'sd16384;
    wire signed [17:0] one = eight ? 18'sd128 : 18'sd32768;
    wire signed [17:0] low = eight ? {11'd0, draw[7:1]} : {3'b000, draw, 7'b1000000};
    wire signed [17:0] high = eight ? {10'd0, draw} : {2'b00, draw, 8'b10000000};
    wire signed [17:0] ternary = half + ((low - half) >>> sharpness);
    wire signed [17:0] plain = one + ((high - one) >>> sharpness);
    wire drawn = $signed({1'b0, size}) > ternary;
    wire plus = $signed({{2{w[15]}}, w}) + one > plain;
    assign nonzero = binary | drawn;
    assign minus = binary ? !plus : drawn && w[15];
endmodule
