// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// A pixel, moved by one step.
module perturbed (
    input  [31:0] g,
    input  [7:0]  x,
    input  [7:0]  step,
    output [7:0]  out
);
    wire none = g == 32'd0;
    wire signed [9:0] moved = $signed({2'b00, x}) +
        (none ? 10'sd0 : g[31] ? -$signed({2'b00, step}) : $signed({2'b00, step}));
    assign out = moved < 0 ? 8'd0 : moved > 127 ? 8'd127 : moved[7:0];
endmodule
