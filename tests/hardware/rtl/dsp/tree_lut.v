// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The sum of eight pairs of a lane of the product array, in look-up tables: a register behind each
// level, as a pipeline of II = 1 has.
module tree_lut (
    input  wire                clk,
    input  wire        [71:0] pairs,  // eight of 9 bits, signed
    output wire signed [11:0] sum
);
  function automatic signed [8:0] pair(input [2:0] k);
    pair = pairs[9*k+:9];
  endfunction
  reg signed [9:0] s0, s1, s2, s3;
  reg signed [10:0] t0, t1;
  reg signed [11:0] u;
  always @(posedge clk) begin
    s0 <= pair(0) + pair(1);
    s1 <= pair(2) + pair(3);
    s2 <= pair(4) + pair(5);
    s3 <= pair(6) + pair(7);
    t0 <= s0 + s1;
    t1 <= s2 + s3;
    u  <= t0 + t1;
  end
  assign sum = u;
endmodule
