// What csynth.xml here is a report of: only the lines of loops and pragmas matter.
void load(const char* source, int rows) {
first_loop:
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < 64;
         ++column) {
// A comment between a loop and its pragmas.
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
#pragma HLS PIPELINE II = 1
      source++;
    }
  }
}
