// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// Writes the logits of some images through the debugger of a Cortex-M, in hexadecimal digits.
#include "net.h"

static const uint8_t images[][NET_FEATURES] = {
#include "images.inc"
};

static int32_t logits[NET_CLASSES];

// Semihosting: what a debugger, or an emulator, does for a program.
static void call(uint32_t operation, const void* argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void put_word(uint32_t word) {
  char text[10];
  for (uint8_t k = 0; k < 8; ++k) {
    text[k] = "0123456789abcdef"[word >> 28];
    word <<= 4;
  }
  text[8] = '\n';
  text[9] = 0;
  call(4, text);  // SYS_WRITE0
}

void begin(void) {
  for (unsigned n = 0; n < sizeof images / sizeof images[0]; ++n) {
    net_logits(images[n], logits);
    for (unsigned k = 0; k < NET_CLASSES; ++k) put_word((uint32_t)logits[k]);
  }
  call(0x18, (const void*)0x20026);  // SYS_EXIT: the end that was meant
  for (;;) {
  }
}

// Where the stack begins, and the program: all of the vectors that nothing interrupts.
__attribute__((section(".vectors"), used)) static const void* const vectors[2] = {
    (const void*)0x20003ff0, (const void*)begin};
