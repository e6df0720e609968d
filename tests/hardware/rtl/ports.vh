// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The ports that Vitis HLS gives a kernel, each written once: lists of ports, what connects two of
// them, and what stands in every burst.
`ifndef PORTS_VH
`define PORTS_VH

// Clock, reset and interrupt.
`define CLOCKED \
    input  wire        ap_clk, \
    input  wire        ap_rst_n, \
    output wire        interrupt

// The registers of a kernel with at most 128 bytes of them.
`define S_AXI_CONTROL(bus) \
    input  wire        bus``_AWVALID, \
    output wire        bus``_AWREADY, \
    input  wire [6:0]  bus``_AWADDR, \
    input  wire        bus``_WVALID, \
    output wire        bus``_WREADY, \
    input  wire [31:0] bus``_WDATA, \
    input  wire [3:0]  bus``_WSTRB, \
    output wire        bus``_BVALID, \
    input  wire        bus``_BREADY, \
    output wire [1:0]  bus``_BRESP, \
    input  wire        bus``_ARVALID, \
    output wire        bus``_ARREADY, \
    input  wire [6:0]  bus``_ARADDR, \
    output wire        bus``_RVALID, \
    input  wire        bus``_RREADY, \
    output wire [31:0] bus``_RDATA, \
    output wire [1:0]  bus``_RRESP

// The ports of one bundle, 64 bits wide, with 32-bit addresses.
`define M_AXI(bus) \
    output wire        bus``_AWVALID, \
    input  wire        bus``_AWREADY, \
    output wire [31:0] bus``_AWADDR, \
    output wire [0:0]  bus``_AWID, \
    output wire [7:0]  bus``_AWLEN, \
    output wire [2:0]  bus``_AWSIZE, \
    output wire [1:0]  bus``_AWBURST, \
    output wire [1:0]  bus``_AWLOCK, \
    output wire [3:0]  bus``_AWCACHE, \
    output wire [2:0]  bus``_AWPROT, \
    output wire [3:0]  bus``_AWQOS, \
    output wire [3:0]  bus``_AWREGION, \
    output wire [0:0]  bus``_AWUSER, \
    output wire        bus``_WVALID, \
    input  wire        bus``_WREADY, \
    output wire [63:0] bus``_WDATA, \
    output wire [7:0]  bus``_WSTRB, \
    output wire        bus``_WLAST, \
    output wire [0:0]  bus``_WID, \
    output wire [0:0]  bus``_WUSER, \
    input  wire        bus``_BVALID, \
    output wire        bus``_BREADY, \
    input  wire [1:0]  bus``_BRESP, \
    input  wire [0:0]  bus``_BID, \
    input  wire [0:0]  bus``_BUSER, \
    output wire        bus``_ARVALID, \
    input  wire        bus``_ARREADY, \
    output wire [31:0] bus``_ARADDR, \
    output wire [0:0]  bus``_ARID, \
    output wire [7:0]  bus``_ARLEN, \
    output wire [2:0]  bus``_ARSIZE, \
    output wire [1:0]  bus``_ARBURST, \
    output wire [1:0]  bus``_ARLOCK, \
    output wire [3:0]  bus``_ARCACHE, \
    output wire [2:0]  bus``_ARPROT, \
    output wire [3:0]  bus``_ARQOS, \
    output wire [3:0]  bus``_ARREGION, \
    output wire [0:0]  bus``_ARUSER, \
    input  wire        bus``_RVALID, \
    output wire        bus``_RREADY, \
    input  wire [63:0] bus``_RDATA, \
    input  wire        bus``_RLAST, \
    input  wire [1:0]  bus``_RRESP, \
    input  wire [0:0]  bus``_RID, \
    input  wire [0:0]  bus``_RUSER

// Those of a module inside, by those of the module around it.
`define TO_CLOCKED \
    .ap_clk(ap_clk), \
    .ap_rst_n(ap_rst_n), \
    .interrupt(interrupt)

`define TO_S_AXI_CONTROL(inner, outer) \
    .inner``_AWVALID(outer``_AWVALID), \
    .inner``_AWREADY(outer``_AWREADY), \
    .inner``_AWADDR(outer``_AWADDR), \
    .inner``_WVALID(outer``_WVALID), \
    .inner``_WREADY(outer``_WREADY), \
    .inner``_WDATA(outer``_WDATA), \
    .inner``_WSTRB(outer``_WSTRB), \
    .inner``_BVALID(outer``_BVALID), \
    .inner``_BREADY(outer``_BREADY), \
    .inner``_BRESP(outer``_BRESP), \
    .inner``_ARVALID(outer``_ARVALID), \
    .inner``_ARREADY(outer``_ARREADY), \
    .inner``_ARADDR(outer``_ARADDR), \
    .inner``_RVALID(outer``_RVALID), \
    .inner``_RREADY(outer``_RREADY), \
    .inner``_RDATA(outer``_RDATA), \
    .inner``_RRESP(outer``_RRESP)

`define TO_M_AXI_WRITES(inner, outer) \
    .inner``_AWVALID(outer``_AWVALID), \
    .inner``_AWREADY(outer``_AWREADY), \
    .inner``_AWADDR(outer``_AWADDR), \
    .inner``_AWID(outer``_AWID), \
    .inner``_AWLEN(outer``_AWLEN), \
    .inner``_AWSIZE(outer``_AWSIZE), \
    .inner``_AWBURST(outer``_AWBURST), \
    .inner``_AWLOCK(outer``_AWLOCK), \
    .inner``_AWCACHE(outer``_AWCACHE), \
    .inner``_AWPROT(outer``_AWPROT), \
    .inner``_AWQOS(outer``_AWQOS), \
    .inner``_AWREGION(outer``_AWREGION), \
    .inner``_AWUSER(outer``_AWUSER), \
    .inner``_WVALID(outer``_WVALID), \
    .inner``_WREADY(outer``_WREADY), \
    .inner``_WDATA(outer``_WDATA), \
    .inner``_WSTRB(outer``_WSTRB), \
    .inner``_WLAST(outer``_WLAST), \
    .inner``_WID(outer``_WID), \
    .inner``_WUSER(outer``_WUSER), \
    .inner``_BVALID(outer``_BVALID), \
    .inner``_BREADY(outer``_BREADY), \
    .inner``_BRESP(outer``_BRESP), \
    .inner``_BID(outer``_BID), \
    .inner``_BUSER(outer``_BUSER)

// What is the same in every burst: whole beats, ascending addresses, normal memory.
`define BURST(channel) \
  assign channel``ID = 1'b0; \
  assign channel``SIZE = 3'd3; \
  assign channel``BURST = 2'b01; \
  assign channel``LOCK = 2'b00; \
  assign channel``CACHE = 4'b0011; \
  assign channel``PROT = 3'b000; \
  assign channel``QOS = 4'b0000; \
  assign channel``REGION = 4'b0000; \
  assign channel``USER = 1'b0;

// The ports of a bundle that never writes, or never reads: they are there all the same.
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

`define NO_READ(bus) \
  `BURST(bus``_AR) \
  assign bus``_ARVALID = 1'b0; \
  assign bus``_ARADDR = 32'd0; \
  assign bus``_ARLEN = 8'd0; \
  assign bus``_RREADY = 1'b0;

`endif
