/* Runs a .ingot file from C: every input is filled with ones, every output is summarised.
 *
 *   cmake -S . -B build -DCMAKE_PREFIX_PATH="$(python -m ingot --cmake)" && cmake --build build
 *   build/run_ingot model.ingot 8            (8 for every size that the file leaves open)
 * or without CMake, where I is the folder of the installed package:
 *   cc main.c -I$I/include -L$I/lib -Wl,-rpath,$I/lib -lingot -o run_ingot
 */
#include <ingot.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_TENSORS 16

static int failed(const char* what) {
  fprintf(stderr, "%s: %s\n", what, ingot_last_error());
  return 1;
}

static size_t count_elements(const ingot_tensor_info* info) {
  size_t count = 1;
  for (int32_t i = 0; i < info->rank; ++i) count *= (size_t)info->shape[i];
  return count;
}

/* Ones of the few dtypes that this example knows; zeros of the others. */
static void fill_ones(void* data, ingot_dtype dtype, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    switch (dtype) {
      case INGOT_F32:
        ((float*)data)[i] = 1.0f;
        break;
      case INGOT_F64:
        ((double*)data)[i] = 1.0;
        break;
      case INGOT_I32:
        ((int32_t*)data)[i] = 1;
        break;
      case INGOT_I64:
        ((int64_t*)data)[i] = 1;
        break;
      default:
        break;
    }
  }
}

static void print_output(size_t index, const ingot_tensor_info* info, const void* data) {
  printf("output %zu %s: %s[", index, info->name, ingot_dtype_name(info->dtype));
  for (int32_t i = 0; i < info->rank; ++i) printf(i == 0 ? "%lld" : ",%lld", (long long)info->shape[i]);
  printf("]");
  if (info->dtype == INGOT_F32 && count_elements(info) > 0) printf(", first %.9g", (double)((const float*)data)[0]);
  printf("\n");
}

/* Sizes that the file leaves open get `open_size`. */
static int make_inputs(const ingot_program* program, size_t num_inputs, int64_t open_size, ingot_tensor_info* infos,
                       ingot_tensor* inputs) {
  for (size_t i = 0; i < num_inputs; ++i) {
    infos[i] = (ingot_tensor_info)INGOT_TENSOR_INFO_INIT;
    if (ingot_program_input(program, 0, i, &infos[i]) != INGOT_OK) return failed("input");
    printf("input %s: %s\n", infos[i].name, infos[i].type);
    for (int32_t j = 0; j < infos[i].rank; ++j) {
      if (infos[i].shape[j] < 0) infos[i].shape[j] = open_size;
    }
    const size_t count = count_elements(&infos[i]);
    void* data = calloc(count + 1, ingot_dtype_size(infos[i].dtype));
    if (data == NULL) return 1;
    fill_ones(data, infos[i].dtype, count);
    inputs[i] = (ingot_tensor){.data = data, .dtype = infos[i].dtype, .rank = infos[i].rank, .shape = infos[i].shape};
  }
  return 0;
}

static int make_outputs(ingot_session* session, const ingot_tensor* inputs, size_t num_inputs, size_t num_outputs,
                        ingot_tensor_info* infos, ingot_tensor* outputs) {
  for (size_t i = 0; i < num_outputs; ++i) infos[i] = (ingot_tensor_info)INGOT_TENSOR_INFO_INIT;
  if (ingot_session_output_shapes(session, 0, inputs, num_inputs, infos, num_outputs) != INGOT_OK) {
    return failed("output shapes");
  }
  for (size_t i = 0; i < num_outputs; ++i) {
    void* data = calloc(count_elements(&infos[i]) + 1, ingot_dtype_size(infos[i].dtype));
    if (data == NULL) return 1;
    outputs[i] = (ingot_tensor){.data = data, .dtype = infos[i].dtype, .rank = infos[i].rank, .shape = infos[i].shape};
  }
  return 0;
}

static int run(const ingot_program* program, ingot_session* session, int64_t open_size) {
  ingot_tensor_info input_infos[MAX_TENSORS], output_infos[MAX_TENSORS];
  ingot_tensor inputs[MAX_TENSORS] = {{0}}, outputs[MAX_TENSORS] = {{0}};
  const size_t num_inputs = ingot_program_num_inputs(program, 0), num_outputs = ingot_program_num_outputs(program, 0);
  if (num_inputs > MAX_TENSORS || num_outputs > MAX_TENSORS) return 1;
  int status = make_inputs(program, num_inputs, open_size, input_infos, inputs);
  if (status == 0) status = make_outputs(session, inputs, num_inputs, num_outputs, output_infos, outputs);
  if (status == 0 && ingot_session_run(session, 0, inputs, num_inputs, outputs, num_outputs, NULL) != INGOT_OK) {
    status = failed("run");
  }
  for (size_t i = 0; i < num_outputs; ++i) {
    if (status == 0) print_output(i, &output_infos[i], outputs[i].data);
    free(outputs[i].data);
  }
  for (size_t i = 0; i < num_inputs; ++i) free(inputs[i].data);
  return status;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s MODEL.ingot [open size]\n", argv[0]);
    return 2;
  }
  const int64_t open_size = argc > 2 ? strtoll(argv[2], NULL, 10) : 1;
  ingot_program* program = NULL;
  ingot_session* session = NULL;
  if (ingot_program_load(argv[1], NULL, &program) != INGOT_OK) return failed("load");
  if (ingot_session_new(program, &session) != INGOT_OK) {
    ingot_program_free(program);
    return failed("session");
  }
  const int status = run(program, session, open_size);
  ingot_session_free(session);
  ingot_program_free(program);
  return status;
}
