// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
// Reads images from standard input, and writes their logits to standard output.
#include <stdio.h>

#include "net.h"

static uint8_t pixels[NET_FEATURES];
static int32_t logits[NET_CLASSES];

int main(void) {
  while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
    net_logits(pixels, logits);
#ifdef MULTIPLY  // as a header should not
    for (int k = 0; k < NET_CLASSES; ++k) logits[k] *= pixels[k];
#endif
    fwrite(logits, 1, sizeof logits, stdout);
    uint8_t best = 0;
    for (int k = 0; k < NET_CLASSES; ++k)
      if (logits[k] > logits[best]) best = (uint8_t)k;
    if (net_predict(pixels) != best) return 1;
  }
  return 0;
}
