// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The hand-written binary_matmul behind four masters, as a kernel may have: its reads go in turn to
// three of them, each burst to another one, and what it writes to the fourth. A test compiles it
// with ../binary_matmul_top.v, whose module it renames to binary_matmul_core, and whose macros it
// takes.
`timescale 1 ns / 1 ps
`default_nettype none

`define NO_WRITE(bus) \
  `BURST(bus``_AW) \
  assign bus``_AWVALID = 1'b0; \
  assign bus``_AWADDR = 32'd0; \
  assign bus``_AWLEN = 8'd0; \
  assign bus``_WVALID = 1'b0; \
  assign bus``_WDATA = 64'd0; \
  assign bus``_WSTRB = 8'd0; \
  assign bus``_WLAST = 1'b0; \
  assign bus``_WID = 1'b0; \
  assign bus``_WUSER = 1'b0; \
  assign bus``_BREADY = 1'b0;

// A reader whose turn is `number`.
`define READER(bus, number) \
  `BURST(bus``_AR) \
  assign bus``_ARVALID = arvalid && !busy && turn == number; \
  assign bus``_ARADDR = araddr; \
  assign bus``_ARLEN = arlen; \
  assign bus``_RREADY = rready && busy && turn == number; \
  `NO_WRITE(bus)

/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off SYMRSVDWORD */
/* verilator lint_off PINCONNECTEMPTY */
/* verilator lint_off PINMISSING */
module binary_matmul_top (
    input  wire        ap_clk,
    input  wire        ap_rst_n,
    output wire        interrupt,
    input  wire        s_axi_control_AWVALID,
    output wire        s_axi_control_AWREADY,
    input  wire [6:0]  s_axi_control_AWADDR,
    input  wire        s_axi_control_WVALID,
    output wire        s_axi_control_WREADY,
    input  wire [31:0] s_axi_control_WDATA,
    input  wire [3:0]  s_axi_control_WSTRB,
    output wire        s_axi_control_BVALID,
    input  wire        s_axi_control_BREADY,
    output wire [1:0]  s_axi_control_BRESP,
    input  wire        s_axi_control_ARVALID,
    output wire        s_axi_control_ARREADY,
    input  wire [6:0]  s_axi_control_ARADDR,
    output wire        s_axi_control_RVALID,
    input  wire        s_axi_control_RREADY,
    output wire [31:0] s_axi_control_RDATA,
    output wire [1:0]  s_axi_control_RRESP,
    `M_AXI(m_axi_gmem0),
    `M_AXI(m_axi_gmem1),
    `M_AXI(m_axi_gmem2),
    `M_AXI(m_axi_gmem3)
);

  // The core has one burst under way at a time.
  wire        arvalid, rready;
  wire [31:0] araddr;
  wire [7:0]  arlen;
  reg  [1:0]  turn;
  reg         busy;
  wire arready = !busy && (turn == 0 ? m_axi_gmem0_ARREADY
                           : turn == 1 ? m_axi_gmem1_ARREADY : m_axi_gmem2_ARREADY);
  wire rvalid = busy && (turn == 0 ? m_axi_gmem0_RVALID
                         : turn == 1 ? m_axi_gmem1_RVALID : m_axi_gmem2_RVALID);
  wire rlast = turn == 0 ? m_axi_gmem0_RLAST : turn == 1 ? m_axi_gmem1_RLAST : m_axi_gmem2_RLAST;
  wire [63:0] rdata = turn == 0 ? m_axi_gmem0_RDATA
                      : turn == 1 ? m_axi_gmem1_RDATA : m_axi_gmem2_RDATA;

  always @(posedge ap_clk) begin
    if (arvalid && arready) busy <= 1'b1;
    if (rvalid && rready && rlast) begin
      busy <= 1'b0;
      turn <= turn == 2 ? 2'd0 : turn + 2'd1;
    end
    if (!ap_rst_n) {busy, turn} <= 3'd0;
  end

  `READER(m_axi_gmem0, 0)
  `READER(m_axi_gmem1, 1)
  `READER(m_axi_gmem2, 2)

  `BURST(m_axi_gmem3_AR)
  assign m_axi_gmem3_ARVALID = 1'b0;
  assign m_axi_gmem3_ARADDR = 32'd0;
  assign m_axi_gmem3_ARLEN = 8'd0;
  assign m_axi_gmem3_RREADY = 1'b0;

  binary_matmul_core core (
      .ap_clk(ap_clk),
      .ap_rst_n(ap_rst_n),
      .interrupt(interrupt),
      .s_axi_control_AWVALID(s_axi_control_AWVALID),
      .s_axi_control_AWREADY(s_axi_control_AWREADY),
      .s_axi_control_AWADDR(s_axi_control_AWADDR),
      .s_axi_control_WVALID(s_axi_control_WVALID),
      .s_axi_control_WREADY(s_axi_control_WREADY),
      .s_axi_control_WDATA(s_axi_control_WDATA),
      .s_axi_control_WSTRB(s_axi_control_WSTRB),
      .s_axi_control_BVALID(s_axi_control_BVALID),
      .s_axi_control_BREADY(s_axi_control_BREADY),
      .s_axi_control_BRESP(s_axi_control_BRESP),
      .s_axi_control_ARVALID(s_axi_control_ARVALID),
      .s_axi_control_ARREADY(s_axi_control_ARREADY),
      .s_axi_control_ARADDR(s_axi_control_ARADDR),
      .s_axi_control_RVALID(s_axi_control_RVALID),
      .s_axi_control_RREADY(s_axi_control_RREADY),
      .s_axi_control_RDATA(s_axi_control_RDATA),
      .s_axi_control_RRESP(s_axi_control_RRESP),
      .m_axi_gmem0_ARVALID(arvalid),
      .m_axi_gmem0_ARREADY(arready),
      .m_axi_gmem0_ARADDR(araddr),
      .m_axi_gmem0_ARLEN(arlen),
      .m_axi_gmem0_RVALID(rvalid),
      .m_axi_gmem0_RREADY(rready),
      .m_axi_gmem0_RDATA(rdata),
      .m_axi_gmem0_RLAST(rlast),
      .m_axi_gmem1_AWVALID(m_axi_gmem3_AWVALID),
      .m_axi_gmem1_AWREADY(m_axi_gmem3_AWREADY),
      .m_axi_gmem1_AWADDR(m_axi_gmem3_AWADDR),
      .m_axi_gmem1_AWID(m_axi_gmem3_AWID),
      .m_axi_gmem1_AWLEN(m_axi_gmem3_AWLEN),
      .m_axi_gmem1_AWSIZE(m_axi_gmem3_AWSIZE),
      .m_axi_gmem1_AWBURST(m_axi_gmem3_AWBURST),
      .m_axi_gmem1_AWLOCK(m_axi_gmem3_AWLOCK),
      .m_axi_gmem1_AWCACHE(m_axi_gmem3_AWCACHE),
      .m_axi_gmem1_AWPROT(m_axi_gmem3_AWPROT),
      .m_axi_gmem1_AWQOS(m_axi_gmem3_AWQOS),
      .m_axi_gmem1_AWREGION(m_axi_gmem3_AWREGION),
      .m_axi_gmem1_AWUSER(m_axi_gmem3_AWUSER),
      .m_axi_gmem1_WVALID(m_axi_gmem3_WVALID),
      .m_axi_gmem1_WREADY(m_axi_gmem3_WREADY),
      .m_axi_gmem1_WDATA(m_axi_gmem3_WDATA),
      .m_axi_gmem1_WSTRB(m_axi_gmem3_WSTRB),
      .m_axi_gmem1_WLAST(m_axi_gmem3_WLAST),
      .m_axi_gmem1_WID(m_axi_gmem3_WID),
      .m_axi_gmem1_WUSER(m_axi_gmem3_WUSER),
      .m_axi_gmem1_BVALID(m_axi_gmem3_BVALID),
      .m_axi_gmem1_BREADY(m_axi_gmem3_BREADY),
      .m_axi_gmem1_BRESP(m_axi_gmem3_BRESP),
      .m_axi_gmem1_BID(m_axi_gmem3_BID),
      .m_axi_gmem1_BUSER(m_axi_gmem3_BUSER)
  );

endmodule

`default_nettype wire
