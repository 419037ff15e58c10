// What the parts of the emulator share, and what tests ask of it (the functions of C, which Python finds by name).
//
// Environment: INGOT_CUDA_ON_HOST_SEED (the order of threads and blocks, and how late streams run; 0: streams run at
// once), INGOT_CUDA_ON_HOST_BYTES (memory of all devices), INGOT_CUDA_ON_HOST_DEVICES (how many there are, by default
// 1; -1: not even a driver), INGOT_CUDA_ON_HOST_COMPILER (a C++ compiler in the place of NVRTC; by default none).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "host_calls.h"

struct CudaOnHostCounts {
  std::int64_t allocations, host_allocations;  // so far
  std::int64_t live_bytes;                     // of the device
  std::int64_t kernels;                        // that ran, in graphs or not
  std::int64_t enqueued;                       // calls that put work on a stream; a graph is one
  std::int64_t graph_launches, graph_instantiations, graph_updates;
  std::int64_t graph_patches;  // child graphs that were given anew
};

#pragma GCC visibility push(default)
extern "C" {
void cuda_on_host_counts(CudaOnHostCounts* counts);
void cuda_on_host_set_seed(std::uint64_t seed);
void cuda_on_host_set_bytes(std::int64_t num_bytes);  // that may be allocated in all
void cuda_on_host_set_devices(int count);
const char* cuda_on_host_problem();  // what broke the device; "": nothing
// For libraries that work on the device (cublaslt/). run(argument) is called when the stream has come to it, each time
// if it is captured; argument is released once it cannot be called any more. `kernel`: what it is, to graphs. The
// result is a cudaError_t.
int cuda_on_host_enqueue(cudaStream_t stream, const void* kernel, void (*run)(const void* argument),
                         void (*release)(void* argument), void* argument);
int cuda_on_host_owns(const void* address, std::size_t num_bytes);  // whether all of it is memory of the device
}
#pragma GCC visibility pop

namespace cuda_on_host {

inline constexpr std::uint64_t kUnwritten = 0xfff7fff7fff7fff7u;  // a NaN in every float type, far below 0 as an int
void fill_unwritten(char* address, std::size_t num_bytes);

// Every call holds it; kernels run under it.
std::mutex& device_mutex();
using Lock = std::lock_guard<std::mutex>;

// The rest requires the mutex.
CudaOnHostCounts& counts();
std::uint64_t draw_for_host();
bool runs_late();  // whether what is enqueued now stays where it is until somebody waits for it
std::int64_t device_bytes();
int current_device();  // of this thread

cudaError_t remember(cudaError_t error);  // for cudaGetLastError; returns it
// From then on every call fails, as on a device after a kernel went wrong.
void break_device(const std::string& problem);
cudaError_t device_state();

// memory.cpp
struct DeviceAccess {  // for as long as it lives the device's memory is in reach
  DeviceAccess();
  ~DeviceAccess();
};
bool in_device_memory(const void* address, std::size_t num_bytes);
void check_guards();
void release_all_memory();

enum class WorkKind { kKernel, kCopy, kFill, kHost, kRecord, kWait, kGraph, kConditional };
class GraphRun;
struct Work;
using Nodes = std::vector<Work>;

// What a conditional node does: its body where, or for as long as, the condition is not 0.
struct Branch {
  cudaGraphConditionalHandle condition = 0;
  bool repeats = false;
  CUgraph_st* body = nullptr;
};

// One thing on a stream, or a node of a graph.
struct Work {
  WorkKind kind;
  const void* kernel = nullptr;
  std::function<std::string()> run = nullptr;    // returns "" or what went wrong
  std::shared_ptr<const Nodes> child = nullptr;  // of a node that is a graph, or has a body
  Branch branch = {};                            // of a conditional node
  std::shared_ptr<GraphRun> rest = nullptr;      // of a graph on a stream
};

struct Executable {
  std::shared_ptr<const Nodes> nodes;
  std::shared_ptr<const std::set<cudaGraphConditionalHandle>> conditions;
};

cudaError_t enqueue(cudaStream_t stream, Work work);
cudaError_t finish_all();              // what is on any stream
cudaError_t refuse_while_capturing();  // for calls that no capture survives

}  // namespace cuda_on_host
