// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A verilated kernel with the ports that Vitis HLS makes: clock, reset, s_axi_control and an
// m_axi port for each bundle. ../library.py puts beside it what Verilator made, and bundles.hpp
// with RTL_BUNDLES, a list of X(bundle); ../kernel.py calls it through ctypes.
#include <memory>

#include "Vkernel.h"
#include "axi.hpp"
#include "bundles.hpp"
#include "verilated.h"

// Verilator's own way out of an error is to abort the process.
void vl_fatal(const char* file, int line, const char*, const char* message) {
  throw rtl::Fault(std::string(file) + ":" + std::to_string(line) + ": " + message);
}

namespace {

using Top = Vkernel;

// The signals of a port, as functions of the top.
// clang-format off
#define PIN(bundle, ours, theirs) \
  static auto& ours(Top& top) { return top.m_axi_##bundle##_##theirs; }
#define X(bundle)                                                                           \
  struct bundle##_pins {                                                                    \
    PIN(bundle, arvalid, ARVALID) PIN(bundle, arready, ARREADY) PIN(bundle, araddr, ARADDR) \
    PIN(bundle, arlen, ARLEN) PIN(bundle, arsize, ARSIZE) PIN(bundle, arburst, ARBURST)     \
    PIN(bundle, rvalid, RVALID) PIN(bundle, rready, RREADY) PIN(bundle, rdata, RDATA)       \
    PIN(bundle, rlast, RLAST)                                                               \
    PIN(bundle, awvalid, AWVALID) PIN(bundle, awready, AWREADY) PIN(bundle, awaddr, AWADDR) \
    PIN(bundle, awlen, AWLEN) PIN(bundle, awsize, AWSIZE) PIN(bundle, awburst, AWBURST)     \
    PIN(bundle, wvalid, WVALID) PIN(bundle, wready, WREADY) PIN(bundle, wdata, WDATA)       \
    PIN(bundle, wstrb, WSTRB) PIN(bundle, wlast, WLAST)                                     \
    PIN(bundle, bvalid, BVALID) PIN(bundle, bready, BREADY)                                 \
  };
// clang-format on
RTL_BUNDLES
#undef X
#undef PIN

class Kernel {
 public:
  Kernel(unsigned seed, unsigned percent, rtl::Memory memory)
      : memory_(memory), stalls_(seed, percent), context_(new VerilatedContext) {
    context_->randReset(2);  // what no reset sets is anything
    context_->randSeed(static_cast<int>(seed) + 1);
    top_.reset(new Top(context_.get(), "top"));
    top_->ap_rst_n = 0;
    run(kResetCycles);
    top_->ap_rst_n = 1;
#define X(bundle) ports_.emplace_back(new rtl::MemoryPort<Top, bundle##_pins>(memory_, stalls_));
    RTL_BUNDLES
#undef X
  }

  ~Kernel() { top_->final(); }

  void run(unsigned cycles) {
    for (unsigned cycle = 0; cycle < cycles; ++cycle) tick();
  }

  void write(unsigned offset, std::uint32_t value) {
    bool address = false, data = false;  // taken
    bool address_there = false, data_there = false;
    top_->s_axi_control_AWADDR = offset;
    top_->s_axi_control_WDATA = value;
    top_->s_axi_control_WSTRB = 0xF;
    for (unsigned cycle = 0; !(address && data); ++cycle) {
      patience(cycle, "a write of " + rtl::hex(offset));
      address_there = !address && (address_there || !stalls_());
      data_there = !data && (data_there || !stalls_());
      top_->s_axi_control_AWVALID = address_there;
      top_->s_axi_control_WVALID = data_there;
      settle();
      const bool takes_address = address_there && top_->s_axi_control_AWREADY;
      const bool takes_data = data_there && top_->s_axi_control_WREADY;
      tick();
      address = address || takes_address;
      data = data || takes_data;
    }
    top_->s_axi_control_AWVALID = top_->s_axi_control_WVALID = 0;
    bool done = false;
    for (unsigned cycle = 0; !done; ++cycle) {
      patience(cycle, "a write of " + rtl::hex(offset));
      top_->s_axi_control_BREADY = !stalls_();
      settle();
      done = top_->s_axi_control_BREADY && top_->s_axi_control_BVALID;
      if (done && top_->s_axi_control_BRESP != 0) refuse(offset);
      tick();
    }
    top_->s_axi_control_BREADY = 0;
  }

  std::uint32_t read(unsigned offset) {
    top_->s_axi_control_ARADDR = offset;
    bool there = false;
    for (unsigned cycle = 0, taken = 0; !taken; ++cycle) {
      patience(cycle, "a read of " + rtl::hex(offset));
      there = there || !stalls_();
      top_->s_axi_control_ARVALID = there;
      settle();
      taken = there && top_->s_axi_control_ARREADY;
      tick();
    }
    top_->s_axi_control_ARVALID = 0;
    std::uint32_t value = 0;
    for (unsigned cycle = 0, done = 0; !done; ++cycle) {
      patience(cycle, "a read of " + rtl::hex(offset));
      top_->s_axi_control_RREADY = !stalls_();
      settle();
      done = top_->s_axi_control_RREADY && top_->s_axi_control_RVALID;
      if (done && top_->s_axi_control_RRESP != 0) refuse(offset);
      value = top_->s_axi_control_RDATA;
      tick();
    }
    top_->s_axi_control_RREADY = 0;
    return value;
  }

  std::uint64_t cycles() const { return cycles_; }

 private:
  static constexpr unsigned kResetCycles = 16;
  static constexpr unsigned kPatience = 10000;  // cycles until registers count as dead

  static void patience(unsigned cycle, const std::string& what) {
    if (cycle > kPatience) throw rtl::Fault("s_axi_control does not answer " + what);
  }

  static void refuse(unsigned offset) {
    throw rtl::Fault("s_axi_control answers " + rtl::hex(offset) + " with an error");
  }

  void settle() { top_->eval(); }

  // What is exchanged is decided by the signals before the clock rises, and what the outside
  // offers next changes after it.
  void tick() {
    settle();
    for (auto& port : ports_) port->sample(*top_);
    top_->ap_clk = 1;
    top_->eval();
    for (auto& port : ports_) port->drive(*top_);
    top_->ap_clk = 0;
    top_->eval();
    ++cycles_;
    if (context_->gotFinish()) throw rtl::Fault("the RTL called $finish");
  }

  rtl::Memory memory_;
  rtl::Stalls stalls_;
  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Top> top_;
  std::vector<std::unique_ptr<rtl::Port<Top>>> ports_;
  std::uint64_t cycles_ = 0;
};

thread_local std::string fault;

// Runs a callable of the kernel; false, with the reason in `fault`, if that failed.
template <class Do>
int guarded(Do work) {
  try {
    fault.clear();
    work();
    return 1;
  } catch (const std::exception& error) {
    fault = error.what();
    return 0;
  }
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

Kernel* rtl_open(unsigned seed, unsigned percent, decltype(rtl::Memory::read) read,
                 decltype(rtl::Memory::write) write) {
  Kernel* kernel = nullptr;
  guarded([&] { kernel = new Kernel(seed, percent, {read, write}); });
  return kernel;
}

void rtl_close(Kernel* kernel) { delete kernel; }

int rtl_run(Kernel* kernel, unsigned cycles) {
  return guarded([&] { kernel->run(cycles); });
}

int rtl_write(Kernel* kernel, unsigned offset, std::uint32_t value) {
  return guarded([&] { kernel->write(offset, value); });
}

int rtl_read(Kernel* kernel, unsigned offset, std::uint32_t* value) {
  return guarded([&] { *value = kernel->read(offset); });
}

std::uint64_t rtl_cycles(const Kernel* kernel) { return kernel->cycles(); }

// Why the last call failed; empty if a callback said so itself.
const char* rtl_fault() { return fault.c_str(); }

}  // extern "C"
#pragma GCC visibility pop
