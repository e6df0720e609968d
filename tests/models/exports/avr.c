// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// Writes the logits of some images to the serial port of an ATmega328P, in hexadecimal digits.
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

#include "net.h"

static const uint8_t images[][NET_FEATURES] PROGMEM = {
#include "images.inc"
};

static uint8_t pixels[NET_FEATURES];
static int32_t logits[NET_CLASSES];

static void put(char letter) {
  while (!(UCSR0A & (1 << UDRE0))) {
  }
  UDR0 = (uint8_t)letter;
}

static void put_word(uint32_t word) {
  for (uint8_t k = 0; k < 8; ++k) {
    put("0123456789abcdef"[word >> 28]);
    word <<= 4;
  }
}

int main(void) {
  const uint8_t* next = images[0];
  UCSR0B = 1 << TXEN0;
  for (uint8_t n = 0; n < sizeof images / NET_FEATURES; ++n) {
    for (uint8_t k = 0; k < NET_FEATURES; ++k) pixels[k] = pgm_read_byte(next++);
    net_logits(pixels, logits);
    for (uint8_t k = 0; k < NET_CLASSES; ++k) put_word((uint32_t)logits[k]);
    put('\n');
  }
  // Asleep without interrupts for good, which ends the simulation.
  cli();
  sleep_mode();
}
