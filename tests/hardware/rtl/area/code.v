// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// The power-of-two code of an activation.
module code (
    input  [6:0] x,
    input  [7:0] draw,
    output [2:0] out
);
    wire [2:0] log2 = x[6] ? 3'd6 : x[5] ? 3'd5 : x[4] ? 3'd4 : x[3] ? 3'd3 : x[2] ? 3'd2 :
        x[1] ? 3'd1 : 3'd0;
    wire [7:0] rest = {1'b0, x} - (8'd1 << log2);
    wire up = rest > (draw >> (4'd8 - log2));
    assign out = x > 7'd1 ? log2 + up : {2'b00, x[0] & ~draw[7]};
endmodule
