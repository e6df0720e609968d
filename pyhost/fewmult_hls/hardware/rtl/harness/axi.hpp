// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Both sides of AXI that a kernel of Vitis HLS needs around it: a master for its registers
// (AXI4-Lite) and memory for each of its m_axi ports (AXI4). Every channel stalls at random, and
// what the protocol forbids a kernel is a fault. Arm IHI 0022, chapters A3 and B1.
#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace rtl {

struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline std::string hex(std::uint64_t value) {
  char text[19];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

// Says in which cycles a channel waits: a share of all, at random, the same for the same seed.
class Stalls {
 public:
  Stalls(std::uint64_t seed, unsigned percent) : state_(2 * seed + 1), percent_(percent) {}

  bool operator()() {  // xorshift64*
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return (state_ * 0x2545F4914F6CDD1DULL >> 32) % 100 < percent_;
  }

 private:
  std::uint64_t state_;
  unsigned percent_;
};

// Memory outside the kernel; a callback returns 0 if it cannot do what is asked.
struct Memory {
  int (*read)(std::uint64_t address, std::uint32_t size, std::uint8_t* data);
  int (*write)(std::uint64_t address, std::uint32_t size, const std::uint8_t* data);
};

// What a kernel offers on a channel must stay until it is taken.
template <class Payload>
class Offer {
 public:
  // Of one cycle; true if the payload is taken at its end.
  bool taken(bool valid, bool ready, const Payload& now, const char* channel) {
    if (waiting_ && !(valid && now == before_)) {
      throw Fault(std::string(channel) + " took back what it offered before it was accepted");
    }
    waiting_ = valid && !ready;
    before_ = now;
    return valid && ready;
  }

 private:
  bool waiting_ = false;
  Payload before_{};
};

struct Burst {
  std::uint64_t address;
  unsigned beats;
  unsigned size;  // log2 of the bytes of a beat
  unsigned kind;  // 1: ascending addresses

  bool operator==(const Burst& other) const {
    return address == other.address && beats == other.beats && size == other.size &&
           kind == other.kind;
  }
};

// What stands behind a port of a verilated top, called once a cycle.
template <class Top>
class Port {
 public:
  virtual ~Port() = default;
  virtual void sample(Top& top) = 0;  // before the clock rises: what is exchanged in this cycle
  virtual void drive(Top& top) = 0;   // after it: what is offered in the next one
};

// The memory behind one m_axi port. Pins names the port's signals of the verilated top.
template <class Top, class Pins>
class MemoryPort final : public Port<Top> {
  using Data = std::decay_t<decltype(Pins::rdata(std::declval<Top&>()))>;
  static_assert(std::is_integral<Data>::value, "a port of 64 bits at most, as the board's are");

 public:
  MemoryPort(const Memory& memory, Stalls& stalls) : memory_(memory), stalls_(stalls) {}

  void sample(Top& top) override {
    const Burst ar{Pins::araddr(top), Pins::arlen(top) + 1u, Pins::arsize(top), Pins::arburst(top)};
    if (ar_.taken(Pins::arvalid(top), Pins::arready(top), ar, "AR")) accept_read(ar);
    r_taken_ = Pins::rvalid(top) && Pins::rready(top);
    if (r_taken_) next_beat();
    const Burst aw{Pins::awaddr(top), Pins::awlen(top) + 1u, Pins::awsize(top), Pins::awburst(top)};
    if (aw_.taken(Pins::awvalid(top), Pins::awready(top), aw, "AW")) accept_write(aw);
    const Beat w{Pins::wdata(top), Pins::wstrb(top), Pins::wlast(top) != 0};
    if (w_.taken(Pins::wvalid(top), Pins::wready(top), w, "W")) beats_.push_back(w);
    b_taken_ = Pins::bvalid(top) && Pins::bready(top);
    if (b_taken_) --answers_;
    finish_writes();
  }

  void drive(Top& top) override {
    Pins::arready(top) = reads_.size() < kOutstanding && !stalls_();
    Pins::rvalid(top) = !reads_.empty() && ((Pins::rvalid(top) && !r_taken_) || !stalls_());
    if (Pins::rvalid(top)) offer_beat(top);
    Pins::awready(top) = writes_.size() < kOutstanding && !stalls_();
    Pins::wready(top) = beats_.size() < kBeats && !stalls_();
    Pins::bvalid(top) = answers_ > 0 && ((Pins::bvalid(top) && !b_taken_) || !stalls_());
  }

 private:
  static constexpr unsigned kWidth = sizeof(Data);
  static constexpr std::size_t kOutstanding = 4;  // bursts that the memory takes before it answers
  static constexpr std::size_t kBeats = 512;      // and written beats

  struct Beat {
    Data data;
    unsigned strobe;
    bool last;

    bool operator==(const Beat& other) const {
      return data == other.data && strobe == other.strobe && last == other.last;
    }
  };

  struct Read {
    std::vector<std::uint8_t> bytes;
    std::size_t sent;
  };

  static void check(const Burst& burst, const char* channel) {
    const std::string what = std::string(channel) + " of " + std::to_string(burst.beats) +
                             " beats at " + hex(burst.address) + ": ";
    const std::uint64_t last = burst.address + std::uint64_t{burst.beats} * kWidth - 1;
    if (1u << burst.size != kWidth) throw Fault(what + "a beat is not as wide as the port");
    if (burst.kind != 1) throw Fault(what + "addresses do not ascend");
    if (burst.address % kWidth != 0) throw Fault(what + "the address is not a whole beat's");
    if (burst.address >> 12 != last >> 12) throw Fault(what + "it crosses 4 KiB");
  }

  void accept_read(const Burst& burst) {
    check(burst, "AR");
    Read read{std::vector<std::uint8_t>(std::size_t{burst.beats} * kWidth), 0};
    const auto size = static_cast<std::uint32_t>(read.bytes.size());
    if (!memory_.read(burst.address, size, read.bytes.data())) throw Fault("");
    reads_.push_back(read);
  }

  void next_beat() {
    reads_.front().sent += kWidth;
    if (reads_.front().sent == reads_.front().bytes.size()) reads_.pop_front();
  }

  void offer_beat(Top& top) {
    const Read& read = reads_.front();
    Data data = 0;
    for (unsigned k = 0; k < kWidth; ++k) {
      data |= static_cast<Data>(static_cast<Data>(read.bytes[read.sent + k]) << 8 * k);
    }
    Pins::rdata(top) = data;
    Pins::rlast(top) = read.sent + kWidth == read.bytes.size();
  }

  void accept_write(const Burst& burst) {
    check(burst, "AW");
    writes_.push_back(burst);
  }

  // Data may come before its address, but whole bursts go to memory in their order.
  void finish_writes() {
    while (!writes_.empty() && beats_.size() >= writes_.front().beats) {
      const Burst burst = writes_.front();
      std::uint64_t address = burst.address;
      std::vector<std::uint8_t> run;
      for (unsigned beat = 0; beat < burst.beats; ++beat) {
        const Beat& w = beats_.front();
        if (w.last != (beat + 1 == burst.beats)) {
          throw Fault("WLAST is wrong in beat " + std::to_string(beat) + " of " +
                      std::to_string(burst.beats) + " at " + hex(burst.address));
        }
        for (unsigned k = 0; k < kWidth; ++k, ++address) {
          if (w.strobe >> k & 1) {
            run.push_back(static_cast<std::uint8_t>(w.data >> 8 * k));
          } else {
            store(run, address);
          }
        }
        beats_.pop_front();
      }
      store(run, address);
      writes_.pop_front();
      ++answers_;
    }
  }

  // Bytes that end before an address.
  void store(std::vector<std::uint8_t>& run, std::uint64_t end) {
    const auto size = static_cast<std::uint32_t>(run.size());
    if (size != 0 && !memory_.write(end - size, size, run.data())) throw Fault("");
    run.clear();
  }

  const Memory& memory_;
  Stalls& stalls_;
  Offer<Burst> ar_, aw_;
  Offer<Beat> w_;
  std::deque<Read> reads_;
  std::deque<Burst> writes_;
  std::deque<Beat> beats_;
  unsigned answers_ = 0;  // writes whose B has not been taken
  bool r_taken_ = false, b_taken_ = false;
};

}  // namespace rtl
