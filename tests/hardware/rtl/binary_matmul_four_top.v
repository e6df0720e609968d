// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The hand-written binary_matmul behind four masters, as a kernel may have: its reads go in turn to
// three of them, each burst to another one, and what it writes to the fourth.
`timescale 1 ns / 1 ps
`default_nettype none

`include "ports.vh"

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
module binary_matmul_four_top (
    `CLOCKED,
    `S_AXI_CONTROL(s_axi_control),
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

  `NO_READ(m_axi_gmem3)

  binary_matmul_top core (
      `TO_CLOCKED,
      `TO_S_AXI_CONTROL(s_axi_control, s_axi_control),
      .m_axi_gmem0_ARVALID(arvalid),
      .m_axi_gmem0_ARREADY(arready),
      .m_axi_gmem0_ARADDR(araddr),
      .m_axi_gmem0_ARLEN(arlen),
      .m_axi_gmem0_RVALID(rvalid),
      .m_axi_gmem0_RREADY(rready),
      .m_axi_gmem0_RDATA(rdata),
      .m_axi_gmem0_RLAST(rlast),
      `TO_M_AXI_WRITES(m_axi_gmem1, m_axi_gmem3)
  );

endmodule

`default_nettype wire
