// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The memory port of the RTL harness against a master that is written here: it must refuse what
// AXI forbids a master, and keep its own side of the protocol. `ports_test CASE` prints the fault.
#include <array>
#include <cstring>
#include <iostream>

#include "axi.hpp"

namespace {

// Signals as Verilator has them, of a port of 64 bits.
struct Top {
  std::uint8_t arvalid, arready, arlen, arsize, arburst, rvalid, rready, rlast;
  std::uint8_t awvalid, awready, awlen, awsize, awburst, wvalid, wready, wstrb, wlast;
  std::uint8_t bvalid, bready;
  std::uint32_t araddr, awaddr;
  std::uint64_t rdata, wdata;
};

// clang-format off
struct Pins {
#define PIN(name) \
  static auto& name(Top& top) { return top.name; }
  PIN(arvalid) PIN(arready) PIN(araddr) PIN(arlen) PIN(arsize) PIN(arburst)
  PIN(rvalid) PIN(rready) PIN(rdata) PIN(rlast)
  PIN(awvalid) PIN(awready) PIN(awaddr) PIN(awlen) PIN(awsize) PIN(awburst)
  PIN(wvalid) PIN(wready) PIN(wdata) PIN(wstrb) PIN(wlast)
  PIN(bvalid) PIN(bready)
#undef PIN
};
// clang-format on

std::array<std::uint8_t, 8192> bytes;

int read(std::uint64_t address, std::uint32_t size, std::uint8_t* data) {
  if (address + size > bytes.size()) return 0;
  std::memcpy(data, &bytes[address], size);
  return 1;
}

int write(std::uint64_t address, std::uint32_t size, const std::uint8_t* data) {
  if (address + size > bytes.size()) return 0;
  std::memcpy(&bytes[address], data, size);
  return 1;
}

// A port and its master, cycle by cycle.
struct Bench {
  explicit Bench(unsigned percent, std::uint64_t seed = 1) : stalls(seed, percent) {
    top.arsize = top.awsize = 3;
    top.arburst = top.awburst = 1;
    top.wstrb = 0xFF;
  }

  void cycle() {
    port.sample(top);
    port.drive(top);
  }

  // Holds a valid signal until its ready one meets it.
  void offer(std::uint8_t& valid, const std::uint8_t& ready) {
    valid = 1;
    for (bool taken = false; !taken;) {
      taken = ready != 0;
      cycle();
    }
    valid = 0;
  }

  void write_burst(std::uint32_t address, unsigned beats, std::uint64_t first) {
    top.awaddr = address;
    top.awlen = static_cast<std::uint8_t>(beats - 1);
    offer(top.awvalid, top.awready);
    for (unsigned beat = 0; beat < beats; ++beat) {
      top.wdata = first + beat;
      top.wlast = beat + 1 == beats;
      offer(top.wvalid, top.wready);
    }
    top.bready = 1;
    for (bool done = false; !done;) {
      done = top.bvalid != 0;
      cycle();
    }
    top.bready = 0;
  }

  void ask(std::uint32_t address, unsigned beats) {
    top.araddr = address;
    top.arlen = static_cast<std::uint8_t>(beats - 1);
    offer(top.arvalid, top.arready);
  }

  // Takes a burst, itself slow by a pattern, and checks that what is offered stays.
  void expect(unsigned beats, std::uint64_t first, unsigned pattern) {
    for (unsigned beat = 0, step = 0; beat < beats; ++step) {
      top.rready = pattern >> step % 8 & 1;
      const bool valid = top.rvalid != 0, taken = valid && top.rready;
      const std::uint64_t data = top.rdata;
      if (valid && (data != first + beat || top.rlast != (beat + 1 == beats))) {
        throw rtl::Fault("wrong beat");
      }
      cycle();
      if (valid && !taken && !(top.rvalid && top.rdata == data)) throw rtl::Fault("R taken back");
      beat += taken;
    }
    top.rready = 0;
  }

  rtl::Memory memory{read, write};
  rtl::Stalls stalls;
  Top top{};
  rtl::MemoryPort<Top, Pins> port{memory, stalls};
};

void bursts() {
  for (unsigned percent : {0u, 30u, 90u}) {
    Bench bench(percent, percent);
    for (unsigned beats : {1u, 2u, 16u, 256u}) {
      bench.write_burst(2048, beats, 1000 * beats);
      bench.ask(2048, beats);
      bench.ask(2048, 1);  // another one waits meanwhile
      bench.expect(beats, 1000 * beats, 0xB5);
      bench.expect(1, 1000 * beats, 0x0F);
    }
  }
}

void strobes() {
  Bench bench(50);
  bench.write_burst(64, 2, 0);
  bench.top.wstrb = 0x66;  // two runs of two bytes
  bench.write_burst(64, 1, 0x1122334455667788);
  bench.ask(64, 1);
  bench.expect(1, 0x0022330000667700, 0xFF);
}

// Each of these must end in a fault.
void forbidden(const std::string& name) {
  Bench bench(50);
  Top& top = bench.top;
  if (name == "4k") bench.ask(4096 - 8, 2);
  if (name == "aligned") bench.ask(4, 1);
  if (name == "size") top.arsize = 2, bench.ask(0, 1);
  if (name == "kind") top.awburst = 0, bench.write_burst(0, 1, 0);
  if (name == "outside") bench.ask(8192, 1);
  if (name == "last") {
    top.awlen = 1;
    bench.offer(top.awvalid, top.awready);
    top.wlast = 1;
    bench.offer(top.wvalid, top.wready);
    bench.offer(top.wvalid, top.wready);
  }
  if (name == "withdrawn" || name == "changed") {
    for (int k = 0; k < 100; ++k) {  // some cycle of these makes the offer wait
      top.arvalid = 1;
      top.arlen = 0;
      const bool waits = !top.arready;
      bench.cycle();
      if (!waits) continue;
      if (name == "withdrawn") top.arvalid = 0;
      top.araddr += 8;
      bench.cycle();
    }
  }
}

}  // namespace

int main(int, char** arguments) {
  const std::string name = arguments[1];
  try {
    if (name == "bursts") {
      bursts();
    } else if (name == "strobes") {
      strobes();
    } else {
      forbidden(name);
    }
  } catch (const rtl::Fault& fault) {
    std::cout << "fault: " << fault.what() << "\n";
    return 0;
  }
  std::cout << "no fault\n";
}
