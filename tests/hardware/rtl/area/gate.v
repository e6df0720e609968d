// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// A gated sum: what passes the gate of an activation.
module gate (
    input  [31:0] g,
    input  [7:0]  x,
    output [31:0] gated
);
    assign gated = (x != 8'd0 && x[7:0] != 8'd127 && !x[7]) ? g : 32'd0;
endmodule
