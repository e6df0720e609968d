// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Both trees on the same random pairs: they must say the same in every cycle.
module trees_tb;
  reg clk = 0;
  reg [71:0] pairs = 0;
  wire signed [11:0] from_lut, from_dsp;
  integer cycle;
  tree_lut lut (.clk(clk), .pairs(pairs), .sum(from_lut));
  tree_dsp dsp (.clk(clk), .pairs(pairs), .sum(from_dsp));
  initial begin
    for (cycle = 0; cycle < 10000; cycle = cycle + 1) begin
      pairs = {$urandom, $urandom, $urandom} >> 24;
      #1 clk = 1;
      #1 clk = 0;
      if (cycle > 4 && from_lut !== from_dsp) begin
        $display("cycle %0d: %0d in look-up tables, %0d in slices", cycle, from_lut, from_dsp);
        $fatal;
      end
    end
    $display("10000 sums, all equal");
    $finish;
  end
endmodule
