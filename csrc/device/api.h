// The boundary between the core and a device plugin: plain structs and C function pointers, so that either side can be
// built by another compiler and neither can throw into, allocate for, or free what belongs to the other.
// A plugin exports `ingot_cuda_open` (DeviceOpen). The core opens it when a device is asked for, never before.
//
// Thread rule: a DeviceContext may be used by any thread; a DeviceStream, and all that is enqueued on it, by one at a
// time. What is enqueued on one stream runs in that order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "execute/kernel.h"

namespace ingot {

// Raised whenever a struct of this file, or of execute/kernel.h as far as plugins see it, changes.
inline constexpr std::uint32_t kDeviceApiVersion = 6;

struct DeviceContext;  // one device
struct DeviceStream;   // one queue of it
struct DeviceStep;     // the code of one step
struct DeviceGraph;    // launches that were captured
struct DeviceEvent;    // a moment of a stream

enum DeviceStatus : std::int32_t {
  kDeviceDone,
  kDeviceMissing,      // no driver, no device, no library that is needed
  kDeviceNoKernel,     // this op is not computed in this dtype
  kDeviceOutOfMemory,  // the device has not that much
  kDeviceFailed,       // anything else
  kDeviceRefused,      // of end_patch: nothing went wrong, but the graph has to be captured anew
};

struct DeviceProperties {
  char name[128];
  std::int32_t index;
  std::int32_t major, minor;  // compute capability
  std::int32_t num_processors;
  std::int64_t memory_bytes;
};

// What a device does at best, as measured on it.
struct DeviceLimits {
  double flops_per_ns;                              // of fused multiply-adds of float32, 2 each
  double cached_bytes_per_ns, memory_bytes_per_ns;  // read and written by copies
  double launch_ns;                                 // a kernel that does nothing
  std::int64_t cached_bytes;                        // what is taken to stay in the cache that all processors share
};

// One op of a group; see PointwiseInstruction for registers: of an anchored group the anchor's result is number 0 and
// the inputs follow.
struct DeviceGroupOp {
  const char* op;  // name of the table row
  std::int32_t dtype, result_dtype;
  std::int32_t num_operands;
  std::int32_t operands[3];
  std::int32_t per_row;
  std::int32_t is_reduction;
};

struct DeviceGroup {
  const DeviceGroupOp* ops;
  std::int32_t num_ops;
  std::int32_t num_inputs;  // of the group alone: registers anchored .. anchored + num_inputs - 1
  const std::int32_t* input_dtypes;
  const std::int32_t* output_registers;
  std::int32_t num_outputs;
  std::int32_t row_axes;     // as in PointwiseGroup
  std::int32_t first_input;  // of the call
  std::int32_t anchored;
};

// What a caller allows besides the bits of the processor (docs/decisions/fast.md). One bit each, in the order of
// fast_names() of csrc/fast.h.
enum DeviceFreedom : std::uint32_t {
  kFreeOrder = 1,  // sums of products in any order; narrow floats multiplied as they are, summed in float32
  kTf32 = 2,       // float32 operands of products rounded to 10 bits behind the point; their sums in any order
};

// A step, as far as it is known before dims are. All of it is borrowed for the length of the call.
struct DeviceStepRequest {
  // Name of the table row; "pointwise" for groups alone, "attention" for a group of rows between two products, "copy"
  // for materialising a view, "abort" for what reports a fault where its input, a bool[], is true (element, value and
  // extent are 0).
  const char* kernel;
  std::int32_t dtype;        // of the operand that kernels are found by
  const KernelCall* call;    // ranks, dtypes and whatever is not symbolic; symbolic sizes stand as 0
  const DeviceGroup* group;  // null: none
  std::uint32_t freedoms;    // DeviceFreedom
  std::int32_t guarded;      // 1: a launch may be, see DeviceLaunch
};

// Where kernels report what went wrong, in the device's memory, all zero at the begin of a run. Of several reports the
// one with the lowest (order, element) stays.
struct DeviceFault {
  std::int32_t lock;
  std::int32_t set;
  std::int64_t order;  // of the launch
  std::int64_t step;
  std::int64_t element, value, extent;  // as in ErrorWord
};

// Of DeviceFault::step: a run was asked to stop.
inline constexpr std::int64_t kDeviceStopped = -1;

// What decides about a branch or a turn of a loop: it holds where the condition is 1. Where there is a fault, nothing
// of a branch runs and no loop goes on; so it is where `stop` is not 0, and then a fault says so.
struct DeviceTest {
  const char* condition;  // a bool of the device's memory
  DeviceFault* fault;
  const std::int32_t* stop;  // in memory of the host that the device reads; null: none
  std::int64_t order;        // as that of a launch
};

struct DeviceLaunch {
  const DeviceStep* step;
  const KernelCall* call;  // addresses are the device's, `group` is null; not needed any more when launch returns
  DeviceFault* fault;      // never null: where the kernel reports, and what it looks at if `guarded`
  std::int64_t order;      // launches of a run, ascending
  std::int64_t step_index;
  std::int32_t guarded;  // 1: writes nothing once a fault is set
  char* workspace;       // workspace_bytes of it
};

// Every function returns a status unless said otherwise; of one that is not kDeviceDone, message() tells what it was,
// for this thread, until its next call.
struct DeviceApi {
  std::uint32_t size_bytes;  // of this struct
  std::uint32_t version;     // kDeviceApiVersion
  const char* build;         // the package's version
  const char* name;          // of the kind of device: "cuda"
  const char* (*message)(void);

  // Without opening a device. No device is kDeviceMissing, with the reason, never 0 of them.
  DeviceStatus (*count)(std::int32_t* num_devices);
  DeviceStatus (*describe)(std::int32_t index, DeviceProperties* properties);

  DeviceStatus (*open)(std::int32_t index, DeviceContext** context);
  void (*close)(DeviceContext* context);
  DeviceStatus (*free_bytes)(DeviceContext* context, std::int64_t* num_bytes);
  // Takes some milliseconds and, for their length, some memory.
  DeviceStatus (*measure_limits)(DeviceContext* context, DeviceLimits* limits);

  // Addresses are multiples of 256. A host block is memory of the host that the device reads and writes at full speed.
  DeviceStatus (*allocate)(DeviceContext* context, std::int64_t num_bytes, char** address);
  void (*release)(DeviceContext* context, char* address);
  DeviceStatus (*allocate_host)(DeviceContext* context, std::int64_t num_bytes, char** address);
  void (*release_host)(DeviceContext* context, char* address);
  // Whether the address lies in this device's memory: 1 or 0.
  std::int32_t (*owns)(DeviceContext* context, const void* address);

  // Whether freedoms let the op be computed in this dtype, which else it would not be, or faster: 1 or 0. row_op: in
  // the same step as this pointwise op of its result and one vector along the last axis; null: by itself.
  std::int32_t (*has_fast)(DeviceContext* context, const char* op, const char* row_op, std::int32_t dtype,
                           std::uint32_t freedoms);
  // Finds or makes the step's code. kDeviceNoKernel where there is none.
  DeviceStatus (*compile_step)(DeviceContext* context, const DeviceStepRequest* request, DeviceStep** step);
  void (*release_step)(DeviceStep* step);
  // Of one launch, at these sizes; monotone in them. -1: they are more than the device computes; message() tells why.
  std::int64_t (*workspace_bytes)(const DeviceStep* step, const KernelCall* call);
  // What runs the step, for people: "matmul 128x128x8", "group by NVRTC". Lives as long as the step.
  const char* (*describe_step)(const DeviceStep* step);

  DeviceStatus (*open_stream)(DeviceContext* context, DeviceStream** stream);
  void (*close_stream)(DeviceStream* stream);
  void* (*native_stream)(DeviceStream* stream);  // a cudaStream_t
  DeviceStatus (*synchronize)(DeviceStream* stream);
  DeviceStatus (*is_done)(DeviceStream* stream, std::int32_t* done);  // without waiting: 1 or 0
  // Later work of `stream` waits for what is now enqueued on the other one, given as native_stream gives it.
  DeviceStatus (*wait_for)(DeviceStream* stream, void* other);
  DeviceStatus (*let_wait)(DeviceStream* stream, void* other);

  // Enqueue. Host memory must stay as it is until the stream has been synchronized.
  DeviceStatus (*launch)(DeviceStream* stream, const DeviceLaunch* launch);
  DeviceStatus (*upload)(DeviceStream* stream, char* to, const void* from, std::int64_t num_bytes);
  DeviceStatus (*download)(DeviceStream* stream, void* to, const char* from, std::int64_t num_bytes);
  DeviceStatus (*copy)(DeviceStream* stream, char* to, const char* from, std::int64_t num_bytes);
  DeviceStatus (*clear)(DeviceStream* stream, char* to, std::int64_t num_bytes);
  DeviceStatus (*set_number)(DeviceStream* stream, char* to, std::int64_t value);  // writes one i64

  // What is enqueued between begin and end is noted, not run; run_graph enqueues all of it at once. `graph` is null at
  // first; a later capture of the same launches with other addresses or numbers changes it in place where it can.
  // end_capture ends the capture whatever it returns; where it fails the graph stays as it was. Without a place for a
  // graph (a null pointer to it) nothing comes of the capture.
  DeviceStatus (*begin_capture)(DeviceStream* stream);
  DeviceStatus (*end_capture)(DeviceStream* stream, DeviceGraph** graph);
  DeviceStatus (*run_graph)(DeviceStream* stream, DeviceGraph* graph);
  void (*release_graph)(DeviceGraph* graph);
  // What is enqueued between begin_part and end_part, inside of a capture, is a part of its graph. Between begin_patch
  // and end_patch all parts come again, in their order and nothing else: the same launches with other addresses, which
  // take the place of those of before. Runs that are in progress keep what they have. end_patch ends the patch
  // whatever it returns; unless that is kDeviceDone the graph may not be run until it is captured anew.
  DeviceStatus (*begin_part)(DeviceStream* stream);
  DeviceStatus (*end_part)(DeviceStream* stream);
  DeviceStatus (*begin_patch)(DeviceStream* stream, DeviceGraph* graph);
  DeviceStatus (*end_patch)(DeviceStream* stream);

  // Branches and loops of a capture, outside of its parts; they nest. has_branches: whether there can be any, 1 or 0.
  //   begin_if, the branch, [begin_else, the other branch,] end_branch
  //   begin_while, what is done in a turn, end_turn
  // A test is made where it is given: once for both branches, before the first turn and at the end of every one.
  std::int32_t (*has_branches)(DeviceContext* context);
  DeviceStatus (*begin_if)(DeviceStream* stream, const DeviceTest* test, std::int32_t has_else);
  DeviceStatus (*begin_else)(DeviceStream* stream);
  DeviceStatus (*end_branch)(DeviceStream* stream);
  DeviceStatus (*begin_while)(DeviceStream* stream, const DeviceTest* test);
  DeviceStatus (*end_turn)(DeviceStream* stream, const DeviceTest* test);

  DeviceStatus (*make_event)(DeviceContext* context, DeviceEvent** event);
  void (*release_event)(DeviceEvent* event);
  DeviceStatus (*record_event)(DeviceStream* stream, DeviceEvent* event);
  // Requires both recorded and the stream synchronized.
  DeviceStatus (*elapsed_ns)(DeviceEvent* begin, DeviceEvent* end, std::int64_t* ns);
};

// What the core tells a plugin.
struct HostApi {
  std::uint32_t size_bytes;
  std::uint32_t version;
  const char* build;
  const char* cache_folder;  // where compiled groups are kept from process to process; "": nowhere
  std::int64_t cache_bytes;  // that they may take there
};

// The one function that a plugin exports. Fills `api`; kDeviceFailed where the two were not built for each other.
using DeviceOpen = DeviceStatus (*)(const HostApi* host, DeviceApi* api);
inline constexpr char kDeviceOpenName[] = "ingot_cuda_open";

}  // namespace ingot
