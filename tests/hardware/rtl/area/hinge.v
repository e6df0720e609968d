// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// The hinge of one logit: loss and delta.
module hinge (
    input  signed [31:0] logit,
    input         target,
    output [6:0]  size,
    output [7:0]  delta
);
    wire signed [32:0] margin = 33'sd64 - (target ? logit : -logit);
    assign size = margin < 0 ? 7'd0 : margin > 127 ? 7'd127 : margin[6:0];
    assign delta = target ? -{1'b0, size} : {1'b0, size};
endmodule
