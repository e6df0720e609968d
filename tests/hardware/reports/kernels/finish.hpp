// Another file with a loop in the line of one of tile.hpp's, which asks for another interval.
void finish(int units) {

  for (int unit = 0; unit < units; ++unit) {
    for (int b = 0; b < 256; ++b) {
#pragma HLS PIPELINE II = 2
      units++;
    }
  }
  write_back: for (int b = 0; b < 256; ++b) {
#pragma HLS PIPELINE II = 1
    units--;
  }
  for (int b = 0; b < 4; ++b) units++;
}
