// Two devices in one process: what is made for the second lies there, whichever device the caller works with.
#include <string>

#include "device_test.h"
#include "open_device.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

// So many devices, until the end of the test; the first is the thread's own.
struct Devices {
  explicit Devices(int count) { cuda_on_host_set_devices(count); }
  ~Devices() {
    cudaSetDevice(0);
    cuda_on_host_set_devices(1);
  }
};

int current_device() {
  int device = -1;
  CHECK(cudaGetDevice(&device) == cudaSuccess);
  return device;
}

}  // namespace

TEST_CASE("every function works on its own device and leaves the caller's current") {
  const Devices devices(2);
  for (const int callers : {0, 1}) {
    CHECK(cudaSetDevice(callers) == cudaSuccess);
    for (const int own : {0, 1}) {
      CAPTURE(callers);
      CAPTURE(own);
      const auto check = [&](DeviceStatus status) {
        CHECK(status == kDeviceDone);
        CHECK(current_device() == callers);
      };
      OpenDevice device(own);
      const DeviceApi& api = device.api;
      CHECK(current_device() == callers);
      std::int64_t free = 0, ns = 0, number = 0;
      check(api.free_bytes(device.context, &free));
      char *host = nullptr, *a = device.allocate(64), *b = device.allocate(64);
      check(api.allocate_host(device.context, 64, &host));
      check(api.clear(device.stream, a, 64));
      check(api.set_number(device.stream, a, 7));
      check(api.copy(device.stream, b, a, 64));
      check(api.download(device.stream, host, b, 64));
      check(api.upload(device.stream, b, host, 64));
      check(api.synchronize(device.stream));

      DeviceEvent *begin = nullptr, *end = nullptr;
      check(api.make_event(device.context, &begin));
      check(api.make_event(device.context, &end));
      check(api.record_event(device.stream, begin));
      check(api.record_event(device.stream, end));
      check(api.synchronize(device.stream));
      check(api.elapsed_ns(begin, end, &ns));

      DeviceGraph* graph = nullptr;
      check(api.begin_capture(device.stream));
      check(api.set_number(device.stream, a, 8));
      check(api.end_capture(device.stream, &graph));
      check(api.run_graph(device.stream, graph));
      check(api.download(device.stream, &number, a, 8));
      check(api.synchronize(device.stream));
      CHECK(number == 8);

      DeviceLimits limits = {};
      check(api.measure_limits(device.context, &limits));

      DeviceStream* other = nullptr;
      check(api.open_stream(device.context, &other));
      check(api.wait_for(device.stream, api.native_stream(other)));
      check(api.let_wait(device.stream, api.native_stream(other)));
      api.close_stream(other);
      api.release_graph(graph);
      api.release_event(begin);
      api.release_event(end);
      api.release_host(device.context, host);
      CHECK(current_device() == callers);
    }
  }
}

TEST_CASE("memory belongs to the device that it was made for") {
  const Devices devices(2);
  OpenDevice first(0), second(1);
  const char *a = first.allocate(8), *b = second.allocate(8);
  CHECK(first.api.owns(first.context, a) == 1);
  CHECK(first.api.owns(second.context, a) == 0);
  CHECK(first.api.owns(first.context, b) == 0);
  CHECK(first.api.owns(second.context, b) == 1);
  DeviceProperties properties = {};
  CHECK(first.api.describe(1, &properties) == kDeviceDone);
  CHECK(properties.index == 1);
}

TEST_CASE("a stream of another device is an error of the call") {
  const Devices devices(2);
  OpenDevice first(0), second(1);
  CHECK(first.api.wait_for(first.stream, first.api.native_stream(second.stream)) == kDeviceFailed);
  CHECK(std::string(first.api.message()).starts_with("stream: "));
  CHECK(first.number_at(first.allocate(8)) != 0);  // it goes on
}
