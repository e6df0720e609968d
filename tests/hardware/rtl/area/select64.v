// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// One bit of 64.
module select64 (
    input [63:0] from,
    input [5:0]  which,
    output       bit
);
    assign bit = from[which];
endmodule
