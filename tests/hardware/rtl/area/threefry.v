// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// Threefry-2x32 of 13 rounds, a register behind every two of them.
module threefry (
    input             clk,
    input      [31:0] seed,
    input      [31:0] purpose,
    input      [31:0] element,
    input      [31:0] step,
    output reg [31:0] low,
    output reg [31:0] high
);
    wire [31:0] parity = 32'h1BD11BDA ^ seed ^ purpose;
    function [63:0] round;
        input [63:0] x;
        input [4:0]  distance;
        reg [31:0] sum;
        begin
            sum = x[31:0] + x[63:32];
            round = {((x[63:32] << distance) | (x[63:32] >> (6'd32 - distance))) ^ sum, sum};
        end
    endfunction
    function [63:0] inject;
        input [63:0] x;
        input [31:0] a;
        input [31:0] b;
        inject = {x[63:32] + b, x[31:0] + a};
    endfunction
    reg [63:0] s0, s1, s2, s3, s4, s5, s6;
    always @(posedge clk) begin
        s0 <= {step + purpose, element + seed};
        s1 <= round(round(s0, 5'd13), 5'd15);
        s2 <= inject(round(round(s1, 5'd26), 5'd6), purpose, parity + 32'd1);
        s3 <= round(round(s2, 5'd17), 5'd29);
        s4 <= inject(round(round(s3, 5'd16), 5'd24), parity, seed + 32'd2);
        s5 <= round(round(s4, 5'd13), 5'd15);
        s6 <= inject(round(round(s5, 5'd26), 5'd6), seed, purpose + 32'd3);
        {high, low} <= round(s6, 5'd17);
    end
endmodule
