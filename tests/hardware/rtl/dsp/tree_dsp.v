// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The same in two DSP slices that only add: four lanes of 12 bits each, the multiplier switched
// off. UG479, "SIMD Mode" and "OPMODE": X = A:B, Y = C, Z = 0.
module tree_dsp (
    input  wire                clk,
    input  wire        [71:0] pairs,
    output wire signed [11:0] sum
);
  wire [47:0] even, odd, s, t;
  genvar k;
  generate
    for (k = 0; k < 4; k = k + 1) begin : lane
      assign even[12*k+:12] = {{3{pairs[18*k+8]}}, pairs[18*k+:9]};
      assign odd[12*k+:12]  = {{3{pairs[18*k+17]}}, pairs[18*k+9+:9]};
    end
  endgenerate
  adders first (.clk(clk), .a(even), .b(odd), .sum(s));
  // Lanes 0 and 1 have the next level, lane 2 the last one of the cycle before.
  adders second (
      .clk(clk),
      .a({12'd0, t[11:0], s[35:24], s[11:0]}),
      .b({12'd0, t[23:12], s[47:36], s[23:12]}),
      .sum(t)
  );
  assign sum = t[35:24];
endmodule

module adders (
    input  wire        clk,
    input  wire [47:0] a,
    input  wire [47:0] b,
    output wire [47:0] sum
);
  DSP48E1 #(
      .USE_MULT("NONE"),
      .USE_SIMD("FOUR12"),
      .AREG(0),
      .ACASCREG(0),
      .BREG(0),
      .BCASCREG(0),
      .CREG(0),
      .MREG(0),
      .PREG(1),
      .ADREG(0),
      .DREG(0),
      .INMODEREG(0),
      .OPMODEREG(0),
      .ALUMODEREG(0),
      .CARRYINREG(0),
      .CARRYINSELREG(0)
  ) slice (
      .CLK(clk),
      .A(a[47:18]),
      .B(a[17:0]),
      .C(b),
      .P(sum),
      .OPMODE(7'b0001111),
      .ALUMODE(4'b0000),
      .INMODE(5'b00000),
      .CARRYIN(1'b0),
      .CARRYINSEL(3'b000),
      .CEP(1'b1)
  );
endmodule
