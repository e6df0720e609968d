// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The registers of binary_matmul_top, as Vitis HLS lays them out (s_axilite, ap_ctrl_hs): control
// and interrupts below 0x10, then eight bytes for each argument in the order of the signature.
`timescale 1 ns / 1 ps
`default_nettype none

`include "ports.vh"

module binary_matmul_control (
    `CLOCKED,
    `S_AXI_CONTROL(s),
    output reg         start,
    input  wire        idle,
    input  wire        done,
    output wire [31:0] source,
    output wire [31:0] sign,
    output wire [31:0] mask,
    output wire [31:0] z,
    output wire        transposed,
    output wire [31:0] inputs,
    output wire [31:0] outputs,
    output wire [3:0]  log2_batch,
    output wire [2:0]  planes
);

  // Of no overlay: what puts this kernel into one writes the overlay's number here, as
  // `fewmult-hls build` writes kernels/build_id.hpp.
  localparam [31:0] BUILD_ID = 32'h00000000;

  localparam [6:0] CONTROL = 7'h00, GLOBAL_ENABLE = 7'h04, ENABLE = 7'h08, STATUS = 7'h0C,
                   BUILD = 7'h58, BUILD_VALID = 7'h5C;

  // Writing: an address, then its data, then the answer.
  localparam [1:0] ADDRESS = 0, DATA = 1, ANSWER = 2;
  reg  [1:0]  writing;
  reg  [6:0]  written;
  wire        write = writing == DATA && s_WVALID;
  wire [31:0] bits = {{8{s_WSTRB[3]}}, {8{s_WSTRB[2]}}, {8{s_WSTRB[1]}}, {8{s_WSTRB[0]}}};
  assign s_AWREADY = writing == ADDRESS;
  assign s_WREADY = writing == DATA;
  assign s_BVALID = writing == ANSWER;
  assign s_BRESP = 2'b00;

  // Reading: an address, then its data.
  reg  reading;
  wire read = s_ARVALID && s_ARREADY;
  assign s_ARREADY = !reading;
  assign s_RVALID = reading;
  assign s_RRESP = 2'b00;
  assign s_RDATA = rdata;
  reg [31:0] rdata;

  reg [31:0] arguments[0:8];
  wire [3:0] to = written[6:3] - 4'd2;
  wire [3:0] from = s_ARADDR[6:3] - 4'd2;

  integer k;
  reg       was_done, was_ready, auto_restart, interrupts, build_valid;
  reg [1:0] enabled, pending;  // of done and of ready
  assign interrupt = interrupts && pending != 0;

  always @(posedge ap_clk) begin
    case (writing)
      ADDRESS: if (s_AWVALID) writing <= DATA;
      DATA: if (s_WVALID) writing <= ANSWER;
      default: if (s_BREADY) writing <= ADDRESS;
    endcase
    if (s_AWVALID && s_AWREADY) written <= s_AWADDR;

    if (read) reading <= 1'b1;
    else if (s_RREADY) reading <= 1'b0;
    if (read) begin
      case (s_ARADDR)
        CONTROL: rdata <= {24'd0, auto_restart, 3'd0, was_ready, idle, was_done, start};
        GLOBAL_ENABLE: rdata <= {31'd0, interrupts};
        ENABLE: rdata <= {30'd0, enabled};
        STATUS: rdata <= {30'd0, pending};
        BUILD: rdata <= BUILD_ID;
        BUILD_VALID: rdata <= {31'd0, build_valid};
        default: rdata <= s_ARADDR[2:0] == 0 && from < 4'd9 ? arguments[from] : 32'd0;
      endcase
    end

    // Reading clears what says that something has ended, unless it ends just now.
    if (read && s_ARADDR == CONTROL) {was_done, was_ready} <= 2'b00;
    if (read && s_ARADDR == BUILD_VALID) build_valid <= 1'b0;
    if (done) {was_done, was_ready, build_valid} <= 3'b111;

    if (done) start <= auto_restart;
    if (write && written == CONTROL && s_WSTRB[0]) begin
      if (s_WDATA[0]) start <= 1'b1;
      auto_restart <= s_WDATA[7];
    end
    if (write && written == GLOBAL_ENABLE && s_WSTRB[0]) interrupts <= s_WDATA[0];
    if (write && written == ENABLE && s_WSTRB[0]) enabled <= s_WDATA[1:0];
    // Writing ones toggles; an end sets.
    if (write && written == STATUS && s_WSTRB[0]) pending <= pending ^ s_WDATA[1:0];
    if (done) pending <= pending | enabled;
    if (write && written[6:4] != 0 && written[2:0] == 0 && to < 4'd9) begin
      arguments[to] <= arguments[to] & ~bits | s_WDATA & bits;
    end

    if (!ap_rst_n) begin
      writing <= ADDRESS;
      reading <= 1'b0;
      start <= 1'b0;
      {was_done, was_ready, auto_restart, interrupts, build_valid} <= 5'd0;
      {enabled, pending} <= 4'd0;
      for (k = 0; k < 9; k = k + 1) arguments[k] <= 32'd0;
    end
  end

  assign source = arguments[0];
  assign sign = arguments[1];
  assign mask = arguments[2];
  assign z = arguments[3];
  assign transposed = arguments[4] != 0;
  assign inputs = arguments[5];
  assign outputs = arguments[6];
  assign log2_batch = arguments[7][3:0];
  assign planes = arguments[8][2:0];

endmodule

`default_nettype wire
