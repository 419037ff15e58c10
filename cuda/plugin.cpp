// The one symbol of the plugin: fills the table of functions that csrc/device/api.h describes.
#include <cstring>
#include <type_traits>

#include "cuda/branches.h"
#include "cuda/cache.h"
#include "cuda/capture.h"
#include "cuda/context.h"
#include "cuda/limits.h"
#include "cuda/status.h"
#include "cuda/steps.h"
#include "cuda/stream.h"

namespace ingot::cuda {
namespace {

// A function of the plugin behind the border that no exception crosses.
template <auto function>
struct Guarded;

template <class... Arguments, DeviceStatus (*function)(Arguments...)>
struct Guarded<function> {
  static DeviceStatus call(Arguments... arguments) {
    return guarded([&] { return function(arguments...); });
  }
};

template <auto function>
constexpr auto guard = &Guarded<function>::call;

std::int64_t guarded_workspace_bytes(const DeviceStep* step, const KernelCall* call) {
  std::int64_t result = -1;
  guarded([&] {
    result = workspace_bytes(step, call);
    return kDeviceDone;
  });
  return result;
}

std::int32_t guarded_has_fast(DeviceContext* context, const char* op, const char* row_op, std::int32_t dtype,
                              std::uint32_t freedoms) {
  std::int32_t result = 0;
  guarded([&] {
    result = has_fast(context, op, row_op, dtype, freedoms);
    return kDeviceDone;
  });
  return result;
}

constexpr DeviceApi kApi = {
    .size_bytes = sizeof(DeviceApi),
    .version = kDeviceApiVersion,
    .build = INGOT_VERSION,
    .name = "cuda",
    .message = last_message,
    .count = guard<count_devices>,
    .describe = guard<describe_device>,
    .open = guard<open_context>,
    .close = close_context,
    .free_bytes = guard<free_bytes>,
    .measure_limits = guard<measure_limits>,
    .allocate = guard<allocate>,
    .release = release,
    .allocate_host = guard<allocate_host>,
    .release_host = release_host,
    .owns = owns,
    .has_fast = guarded_has_fast,
    .compile_step = guard<compile_step>,
    .release_step = release_step,
    .workspace_bytes = guarded_workspace_bytes,
    .describe_step = describe_step,
    .open_stream = guard<open_stream>,
    .close_stream = close_stream,
    .native_stream = native_stream,
    .synchronize = guard<synchronize>,
    .is_done = guard<is_done>,
    .wait_for = guard<wait_for>,
    .let_wait = guard<let_wait>,
    .launch = guard<launch_step>,
    .upload = guard<upload>,
    .download = guard<download>,
    .copy = guard<copy>,
    .clear = guard<clear>,
    .set_number = guard<set_number>,
    .begin_capture = guard<begin_capture>,
    .end_capture = guard<end_capture>,
    .run_graph = guard<run_graph>,
    .release_graph = release_graph,
    .begin_part = guard<begin_part>,
    .end_part = guard<end_part>,
    .begin_patch = guard<begin_patch>,
    .end_patch = guard<end_patch>,
    .has_branches = has_branches,
    .begin_if = guard<begin_if>,
    .begin_else = guard<begin_else>,
    .end_branch = guard<end_branch>,
    .begin_while = guard<begin_while>,
    .end_turn = guard<end_turn>,
    .make_event = guard<make_event>,
    .release_event = release_event,
    .record_event = guard<record_event>,
    .elapsed_ns = guard<elapsed_ns>,
};

bool is_of_this_build(const HostApi& host) {
  return host.version == kDeviceApiVersion && host.size_bytes == sizeof(HostApi) &&
         std::strcmp(host.build, INGOT_VERSION) == 0;
}

// What every version of the table begins with: enough to say what does not go together.
void introduce(DeviceApi* api) {
  api->size_bytes = kApi.size_bytes;
  api->version = kApi.version;
  api->build = kApi.build;
  api->name = kApi.name;
  api->message = kApi.message;
}

}  // namespace
}  // namespace ingot::cuda

// To a host of another build it only introduces itself.
extern "C" [[gnu::visibility("default")]] ingot::DeviceStatus ingot_cuda_open(const ingot::HostApi* host,
                                                                              ingot::DeviceApi* api) {
  namespace cuda = ingot::cuda;
  return cuda::guarded([&] {
    if (!cuda::is_of_this_build(*host)) {
      cuda::introduce(api);
      return cuda::fail(ingot::kDeviceFailed,
                        "cuda: libingot_cuda.so was built for another ingot: got version %u, expected %u of ingot %s",
                        host->version, ingot::kDeviceApiVersion, INGOT_VERSION);
    }
    cuda::set_cache_folder(host->cache_folder);
    cuda::limit_cache(host->cache_bytes);
    *api = cuda::kApi;
    return ingot::kDeviceDone;
  });
}
