// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The kernel binary_matmul (docs/arithmetic.md, section 4) by hand, with the ports and registers
// that Vitis HLS gives binary_matmul_top: what the emulated board's RTL device is tested with. It
// is small, not fast: one unit at a time, eight examples a cycle; weights of zero are skipped.
`timescale 1 ns / 1 ps
`default_nettype none

`include "ports.vh"

// Vitis HLS makes every port, whether the kernel listens to it or not, and calls one `interrupt`.
/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off SYMRSVDWORD */
module binary_matmul_top (
    `CLOCKED,
    `S_AXI_CONTROL(s_axi_control),
    `M_AXI(m_axi_gmem0),
    `M_AXI(m_axi_gmem1)
);
  /* verilator lint_on UNUSEDSIGNAL */
  /* verilator lint_on SYMRSVDWORD */

  // Registers.

  wire        start;
  wire [31:0] source, sign, mask, z, inputs, outputs;
  wire        transposed;
  wire [3:0]  log2_batch;
  wire [2:0]  planes;

  binary_matmul_control control (
      `TO_CLOCKED,
      `TO_S_AXI_CONTROL(s, s_axi_control),
      .start(start),
      .idle(state == IDLE && !start),
      .done(state == DONE),
      .source(source),
      .sign(sign),
      .mask(mask),
      .z(z),
      .transposed(transposed),
      .inputs(inputs),
      .outputs(outputs),
      .log2_batch(log2_batch),
      .planes(planes)
  );

  // The product. A unit of the result is a sum of terms, each a row of samples by a weight.

  localparam [3:0] IDLE = 0, UNIT = 1, CLEAR = 2, TERM = 3, MASK = 4, MASK_DATA = 5, SIGN = 6,
                   SIGN_DATA = 7, ROW = 8, ROW_DATA = 9, NEXT = 10, OUT = 11, OUT_DATA = 12,
                   OUT_DONE = 13, DONE = 14;

  reg [3:0]  state;
  reg [31:0] unit, term;
  reg [2:0]  plane;
  reg [31:0] unit_sign, unit_mask;  // addresses: words of the unit's first term,
  reg [31:0] sign_at, mask_at;      // and of this one,
  reg [31:0] row_at;                // its examples,
  reg [31:0] z_at;                  // what is written next
  reg [63:0] sign_word, mask_word;
  reg [4:0]  word;                  // eight examples: whose sums are worked on
  reg [1:0]  quarter;               // of these sums, as they are written
  reg [3:0]  beat;                  // of a written burst

  reg  [255:0] sums[0:31];
  wire [255:0] now = sums[word];

  wire [31:0] units = transposed ? inputs : outputs;
  wire [31:0] terms = transposed ? outputs : inputs;
  wire [31:0] column = outputs << 3;  // bytes of a word column
  wire [5:0]  place = transposed ? unit[5:0] : term[5:0];
  wire        keep = mask_word[place];
  wire        minus = sign_word[place];
  wire [4:0]  last_word = (5'd1 << (log2_batch - 4'd3)) - 5'd1;  // 1 << 5 is 0: 31 of 256 examples
  wire        at_last = word == last_word;

  // x is a byte, and -x is ~x + 1.
  wire [255:0] added, doubled;
  genvar lane;
  generate
    for (lane = 0; lane < 8; lane = lane + 1) begin : lanes
      wire [7:0]  x = m_axi_gmem0_RDATA[8*lane+:8] ^ {8{minus}};
      wire [31:0] sum = now[32*lane+:32];
      assign added[32*lane+:32] = sum + {{24{x[7]}}, x} + {31'd0, minus};
      assign doubled[32*lane+:32] = {sum[30:0], 1'b0};
    end
  endgenerate

  wire ar = m_axi_gmem0_ARVALID && m_axi_gmem0_ARREADY;
  wire r  = m_axi_gmem0_RVALID && m_axi_gmem0_RREADY;
  wire aw = m_axi_gmem1_AWVALID && m_axi_gmem1_AWREADY;
  wire w  = m_axi_gmem1_WVALID && m_axi_gmem1_WREADY;

  always @(posedge ap_clk) begin
    case (state)
      IDLE: begin
        unit <= 0;
        unit_sign <= sign;
        unit_mask <= mask;
        z_at <= z;
        if (start) state <= UNIT;
      end
      UNIT: begin
        term <= 0;
        plane <= 0;
        word <= 0;
        sign_at <= unit_sign;
        mask_at <= unit_mask;
        row_at <= source;
        state <= unit == units ? DONE : CLEAR;
      end
      CLEAR: begin  // the first plane starts at zero, each further one doubles those before it
        sums[word] <= plane == 0 ? 256'd0 : doubled;
        word <= at_last ? 5'd0 : word + 5'd1;
        if (at_last) state <= TERM;
      end
      TERM:
      if (term != terms) begin
        state <= transposed || term[5:0] == 0 ? MASK : keep ? ROW : NEXT;
      end else if (!transposed && plane + 3'd1 != planes) begin
        term <= 0;
        plane <= plane + 3'd1;
        row_at <= source;
        if (term[5:0] != 0) begin
          sign_at <= sign_at + column;
          mask_at <= mask_at + column;
        end
        state <= CLEAR;
      end else begin
        quarter <= 0;
        state <= OUT;
      end
      MASK: if (ar) state <= MASK_DATA;
      MASK_DATA: begin
        mask_word <= m_axi_gmem0_RDATA;
        if (r) state <= SIGN;
      end
      SIGN: if (ar) state <= SIGN_DATA;
      SIGN_DATA: begin
        sign_word <= m_axi_gmem0_RDATA;
        if (r) state <= keep ? ROW : NEXT;
      end
      ROW: if (ar) state <= ROW_DATA;
      ROW_DATA:
      if (r) begin
        sums[word] <= added;
        word <= at_last ? 5'd0 : word + 5'd1;
        if (m_axi_gmem0_RLAST) state <= at_last ? NEXT : ROW;
      end
      NEXT: begin
        term <= term + 1;
        row_at <= row_at + (32'd1 << log2_batch);
        if (transposed || term[5:0] == 6'd63) begin
          sign_at <= sign_at + (transposed ? 32'd8 : column);
          mask_at <= mask_at + (transposed ? 32'd8 : column);
        end
        state <= TERM;
      end
      OUT: begin
        beat <= 0;
        if (aw) state <= OUT_DATA;
      end
      OUT_DATA:
      if (w) begin
        beat <= beat + 4'd1;
        quarter <= quarter + 2'd1;
        if (quarter == 2'd3) word <= at_last ? 5'd0 : word + 5'd1;
        if (m_axi_gmem1_WLAST) state <= OUT_DONE;
      end
      OUT_DONE:
      if (m_axi_gmem1_BVALID) begin
        z_at <= z_at + (last_word == 5'd1 ? 32'd64 : 32'd128);
        state <= OUT;
        if (word == 0) begin
          unit <= unit + 1;
          if (!transposed || unit[5:0] == 6'd63) begin
            unit_sign <= unit_sign + (transposed ? column : 32'd8);
            unit_mask <= unit_mask + (transposed ? column : 32'd8);
          end
          state <= UNIT;
        end
      end
      default: state <= IDLE;
    endcase
    if (!ap_rst_n) state <= IDLE;
  end

  // Bursts of at most 16 beats, as AXI3 takes them: a row is one or two, a unit's sums up to eight.

  `BURST(m_axi_gmem0_AR)
  assign m_axi_gmem0_ARVALID = state == MASK || state == SIGN || state == ROW;
  assign m_axi_gmem0_ARADDR = state == MASK ? mask_at : state == SIGN ? sign_at
                                                      : row_at + {24'd0, word, 3'd0};
  assign m_axi_gmem0_ARLEN = state != ROW ? 8'd0 : {4'd0, last_word > 5'd15 ? 4'd15
                                                                            : last_word[3:0]};
  assign m_axi_gmem0_RREADY = state == MASK_DATA || state == SIGN_DATA || state == ROW_DATA;

  `BURST(m_axi_gmem1_AW)
  assign m_axi_gmem1_AWVALID = state == OUT;
  assign m_axi_gmem1_AWADDR = z_at;
  assign m_axi_gmem1_AWLEN = last_word == 5'd1 ? 8'd7 : 8'd15;
  assign m_axi_gmem1_WVALID = state == OUT_DATA;
  assign m_axi_gmem1_WDATA = now[64*quarter+:64];
  assign m_axi_gmem1_WSTRB = 8'hFF;
  assign m_axi_gmem1_WLAST = {4'd0, beat} == m_axi_gmem1_AWLEN;
  assign m_axi_gmem1_WID = 1'b0;
  assign m_axi_gmem1_WUSER = 1'b0;
  assign m_axi_gmem1_BREADY = state == OUT_DONE;

  `NO_WRITE(m_axi_gmem0)
  `NO_READ(m_axi_gmem1)

endmodule

`default_nettype wire
