/* Ingot's C API: load a .ingot file and run its graphs. This header is its documentation.
 *
 *   ingot_program* program = NULL;
 *   ingot_session* session = NULL;
 *   if (ingot_program_load("digits.ingot", NULL, &program) != INGOT_OK ||
 *       ingot_session_new(program, &session) != INGOT_OK) {
 *     fprintf(stderr, "%s\n", ingot_last_error());
 *     return 1;
 *   }
 *   float x[64] = {0}, logits[10];
 *   const int64_t x_shape[] = {1, 64}, logits_shape[] = {1, 10};
 *   const ingot_tensor input = {.data = x, .dtype = INGOT_F32, .rank = 2, .shape = x_shape};
 *   const ingot_tensor output = {.data = logits, .dtype = INGOT_F32, .rank = 2, .shape = logits_shape};
 *   ingot_session_run(session, 0, &input, 1, &output, 1, NULL);
 *   ingot_session_free(session);
 *   ingot_program_free(program);
 *
 * Rules that hold for every function
 * - A function that can fail returns an ingot_status. INGOT_OK is 0; for anything else ingot_last_error() says what
 *   went wrong. No exception leaves a function, and none ends the process.
 * - A null argument is an error (INGOT_ARGUMENT), never a crash, unless its description says that it may be null.
 *   A pointer that is neither null nor valid cannot be recognised.
 * - Results are written through the last pointer, and only on success.
 * - Strings are UTF-8 and end with NUL. A returned string is borrowed: it lives as long as the object it came from.
 * - Option structs begin with `size`, set by their INIT macro, so that old and new callers and libraries fit together:
 *   a field that the library does not know must be zero. The numbers of statuses and dtypes never change.
 *
 * Threads: a program may be used by any number of threads. A session runs one call at a time; a second one waits.
 */
#ifndef INGOT_H
#define INGOT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define INGOT_API __attribute__((visibility("default")))
#else
#define INGOT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define INGOT_MAX_RANK 8

/* What a call came to. */
typedef int32_t ingot_status;
enum {
  INGOT_OK = 0,
  INGOT_SHAPE = 1,     /* sizes that do not fit together */
  INGOT_DTYPE = 2,     /* a dtype that is not the expected one or has no kernel */
  INGOT_ARGUMENT = 3,  /* a wrong name, count, pointer or option */
  INGOT_RECORD = 4,    /* not raised by this API */
  INGOT_FILE = 5,      /* bytes that break a rule of the file format */
  INGOT_RANGE = 6,     /* an index out of range while running */
  INGOT_ABORT = 7,     /* an `abort` of the module whose condition held, or a run that was interrupted */
  INGOT_LIMIT = 8,     /* a budget (memory, steps, ...) is exceeded */
  INGOT_STATE = 9,     /* a session that must be reset before it can run again */
  INGOT_DEVICE = 10,   /* the system refused: a missing file, no such device, ... */
  INGOT_INTERNAL = 11, /* a bug in the library */
  INGOT_MEMORY = 12    /* out of memory */
};

/* Element types. Complex numbers are two floats, bools are bytes of 0 or 1. */
typedef int32_t ingot_dtype;
enum {
  INGOT_BOOL = 0,
  INGOT_I8 = 1,
  INGOT_I16 = 2,
  INGOT_I32 = 3,
  INGOT_I64 = 4,
  INGOT_U8 = 5,
  INGOT_U16 = 6,
  INGOT_U32 = 7,
  INGOT_U64 = 8,
  INGOT_F16 = 9,
  INGOT_BF16 = 10,
  INGOT_F32 = 11,
  INGOT_F64 = 12,
  INGOT_C64 = 13,
  INGOT_C128 = 14
};

typedef struct ingot_program ingot_program; /* a module ready to run; immutable */
typedef struct ingot_session ingot_session; /* one copy of every state of a program */

/* ---- errors and facts ------------------------------------------------------------------------------------------- */

/* "0.1.0". */
INGOT_API const char* ingot_version(void);
/* Why the last failed call of this thread failed, on one line; "" if none has. Valid until the thread's next failure.
 * Messages are cut at about 4000 bytes. */
INGOT_API const char* ingot_last_error(void);
/* "ShapeError", "MemoryError", ...; "ok" for INGOT_OK; "unknown" for a number that is no status. */
INGOT_API const char* ingot_status_name(ingot_status status);
/* "f32"; null for a number that is no dtype. */
INGOT_API const char* ingot_dtype_name(ingot_dtype dtype);
/* Bytes of one element; 0 for a number that is no dtype. */
INGOT_API size_t ingot_dtype_size(ingot_dtype dtype);

/* ---- programs ---------------------------------------------------------------------------------------------------- */

/* A dim of the module and a value for it. */
typedef struct ingot_dim {
  const char* name;
  int64_t value;
} ingot_dim;

typedef struct ingot_options {
  size_t size;              /* sizeof(ingot_options) */
  int64_t max_memory_bytes; /* of temporaries and states; 0: 3/4 of the machine's memory */
  int32_t num_threads;      /* 0: every processor of this process */
  int32_t copy_file;        /* not 0: read the file instead of mapping it: others may then truncate it */
  const char* level;        /* instruction-set level: "generic", "avx2", ...; null: the best one */
  const ingot_dim* dims;    /* dims to fix */
  size_t num_dims;
  const char* const* disabled_passes; /* names of optimisation passes to leave out */
  size_t num_disabled_passes;
  const char* device; /* "cpu", "cuda", "cuda:1"; null: the processor. Arrays lie in the host's memory all the same. */
  const char* const* fast; /* what is allowed besides the exact bits: "free_order", "tf32"; see docs/cuda.md */
  size_t num_fast;
} ingot_options;
#define INGOT_OPTIONS_INIT {sizeof(ingot_options), 0, 0, 0, NULL, NULL, 0, NULL, 0, NULL, NULL, 0}

/* Maps the file, checks all of it, optimizes, plans. `options` may be null. */
INGOT_API ingot_status ingot_program_load(const char* path, const ingot_options* options, ingot_program** program);
/* The same from memory; the bytes are copied. */
INGOT_API ingot_status ingot_program_load_bytes(const void* bytes, size_t size_bytes, const ingot_options* options,
                                                ingot_program** program);
/* Sessions of the program stay usable. Null does nothing. */
INGOT_API void ingot_program_free(ingot_program* program);

/* What a tensor of a program is. `name`, `type` and `dims` are borrowed from the program. */
typedef struct ingot_tensor_info {
  size_t size;      /* sizeof(ingot_tensor_info), set by the caller */
  const char* name; /* "" for an output without a name */
  const char* type; /* as text: "f32[batch,784]" */
  ingot_dtype dtype;
  int32_t rank;
  int64_t shape[INGOT_MAX_RANK]; /* -1 for a size that is not constant; 0 past the rank */
} ingot_tensor_info;
#define INGOT_TENSOR_INFO_INIT {sizeof(ingot_tensor_info), NULL, NULL, 0, 0, {0}}

/* Counts; 0 where program is null or there is no such graph. */
INGOT_API size_t ingot_program_num_graphs(const ingot_program* program);
INGOT_API size_t ingot_program_num_inputs(const ingot_program* program, size_t graph);
INGOT_API size_t ingot_program_num_outputs(const ingot_program* program, size_t graph);
INGOT_API size_t ingot_program_num_states(const ingot_program* program);
/* Null where there is no such graph. */
INGOT_API const char* ingot_program_graph_name(const ingot_program* program, size_t graph);
/* Index of a graph by name; "" or null is the only graph. */
INGOT_API ingot_status ingot_program_find_graph(const ingot_program* program, const char* name, size_t* graph);
INGOT_API ingot_status ingot_program_input(const ingot_program* program, size_t graph, size_t index,
                                           ingot_tensor_info* info);
INGOT_API ingot_status ingot_program_output(const ingot_program* program, size_t graph, size_t index,
                                            ingot_tensor_info* info);
INGOT_API ingot_status ingot_program_state(const ingot_program* program, size_t index, ingot_tensor_info* info);
/* Bytes of the one block that holds every temporary of a graph, at the upper bounds of its dims. */
INGOT_API ingot_status ingot_program_arena_bytes(const ingot_program* program, size_t graph, int64_t* arena_bytes);

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

/* A borrowed array. */
typedef struct ingot_tensor {
  void* data;             /* the element with index 0 on every axis, aligned to its size; may be null if none exist */
  const int64_t* shape;   /* rank sizes; may be null for rank 0 */
  const int64_t* strides; /* rank strides in bytes, multiples of the element size; null: row-major contiguous */
  size_t size_bytes;      /* of the memory behind `data`, checked for contiguous tensors; 0: not stated */
  ingot_dtype dtype;
  int32_t rank;
} ingot_tensor;

typedef struct ingot_run_options {
  size_t size;                           /* sizeof(ingot_run_options) */
  int64_t max_steps;                     /* 0: no limit */
  int32_t (*interrupted)(void* context); /* asked from time to time; not 0 stops the run. May be null. */
  void* interrupt_context;
} ingot_run_options;
#define INGOT_RUN_OPTIONS_INIT {sizeof(ingot_run_options), 0, NULL, NULL}

/* A session with the states as the file says. */
INGOT_API ingot_status ingot_session_new(const ingot_program* program, ingot_session** session);
/* Null does nothing. No call of the session may be in progress. */
INGOT_API void ingot_session_free(ingot_session* session);
/* Every state back to its initial value. */
INGOT_API ingot_status ingot_session_reset(ingot_session* session);

/* Runs a graph: inputs and outputs in the graph's order. Inputs may have any strides. Outputs must be contiguous, of
 * exactly the type of the result, and overlap neither each other nor an input. Allocates nothing after the first run
 * (or ingot_session_reserve) at these or larger dims. On failure the states are as before; outputs are undefined.
 * `options` may be null; `inputs` and `outputs` may be null where their count is 0. */
INGOT_API ingot_status ingot_session_run(ingot_session* session, size_t graph, const ingot_tensor* inputs,
                                         size_t num_inputs, const ingot_tensor* outputs, size_t num_outputs,
                                         const ingot_run_options* options);
/* The types that the outputs have for these inputs: fills one info for each output. `data` of inputs is not read. */
INGOT_API ingot_status ingot_session_output_shapes(ingot_session* session, size_t graph, const ingot_tensor* inputs,
                                                   size_t num_inputs, ingot_tensor_info* infos, size_t num_infos);
/* Makes everything ready for runs at these dims (upper bounds where not given). `dims` may be null if num_dims is 0. */
INGOT_API ingot_status ingot_session_reserve(ingot_session* session, size_t graph, const ingot_dim* dims,
                                             size_t num_dims);

/* Copies a state out; size_bytes must be its size. */
INGOT_API ingot_status ingot_session_read_state(ingot_session* session, const char* name, void* data,
                                                size_t size_bytes);
INGOT_API ingot_status ingot_session_write_state(ingot_session* session, const char* name, const ingot_tensor* value);
/* Writes the module with the session's states as initial values: a complete .ingot file. */
INGOT_API ingot_status ingot_session_save(ingot_session* session, const char* path);

#ifdef __cplusplus
}
#endif

#endif /* INGOT_H */
