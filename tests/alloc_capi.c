/* Runs graph 0 of a file with one f32[4,4] input and one f32[4,3] output many times through the C API and prints how
 * many heap allocations the runs after the first made, as seen by the preloaded alloc_counter. */
#include <dlfcn.h>
#include <ingot.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  long (*num_allocations)(void) = NULL;
  *(void**)&num_allocations = dlsym(RTLD_DEFAULT, "num_allocations");
  if (num_allocations == NULL) return 3;
  ingot_program* program = NULL;
  ingot_session* session = NULL;
  if (ingot_program_load(argv[1], NULL, &program) != INGOT_OK || ingot_session_new(program, &session) != INGOT_OK) {
    fprintf(stderr, "%s\n", ingot_last_error());
    return 4;
  }
  float x[16] = {1, 2, 3}, y[12];
  const int64_t x_shape[] = {4, 4}, y_shape[] = {4, 3};
  const ingot_tensor input = {.data = x, .dtype = INGOT_F32, .rank = 2, .shape = x_shape};
  const ingot_tensor output = {.data = y, .dtype = INGOT_F32, .rank = 2, .shape = y_shape};
  long before = 0;
  for (int i = 0; i <= atoi(argv[2]); ++i) {
    if (i == 1) before = num_allocations();
    if (ingot_session_run(session, 0, &input, 1, &output, 1, NULL) != INGOT_OK) {
      fprintf(stderr, "%s\n", ingot_last_error());
      return 5;
    }
  }
  printf("%ld\n", num_allocations() - before);
  ingot_session_free(session);
  ingot_program_free(program);
  return 0;
}
