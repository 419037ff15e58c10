// The plugin's graphs as the core makes them, on the device that is the CPU.
#include <string>

#include "device_test.h"
#include "open_device.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

CudaOnHostCounts counted() {
  CudaOnHostCounts counts = {};
  cuda_on_host_counts(&counts);
  return counts;
}

// Numbers written from a graph of five segments: 1, a part, 2, a part, 3.
struct PartsTest {
  OpenDevice device;
  const DeviceApi& api = device.api;
  DeviceGraph* graph = nullptr;
  char* numbers = device.allocate(5 * 8);

  PartsTest() { CHECK(api.clear(device.stream, numbers, 5 * 8) == kDeviceDone); }
  ~PartsTest() { api.release_graph(graph); }

  void write(int place, std::int64_t value) {
    CHECK(api.set_number(device.stream, numbers + 8 * place, value) == kDeviceDone);
  }
  void part(int place, std::int64_t value, int times = 1) {
    CHECK(api.begin_part(device.stream) == kDeviceDone);
    for (int i = 0; i < times; ++i) write(place, value);
    CHECK(api.end_part(device.stream) == kDeviceDone);
  }
  void capture(std::int64_t first, std::int64_t second, int times = 1) {
    CHECK(api.begin_capture(device.stream) == kDeviceDone);
    write(0, 1);
    part(1, first, times);
    write(2, 2);
    part(3, second);
    write(4, 3);
    CHECK(api.end_capture(device.stream, &graph) == kDeviceDone);
  }
  void check(const std::vector<std::int64_t>& expected) {
    CHECK(api.run_graph(device.stream, graph) == kDeviceDone);
    for (int i = 0; i < 5; ++i) CHECK(device.number_at(numbers + 8 * i) == expected[static_cast<std::size_t>(i)]);
  }
};

}  // namespace

TEST_CASE("a captured graph runs when it is told to, and is changed in place") {
  OpenDevice device;
  const DeviceApi& api = device.api;
  char* const a = device.allocate(16);
  DeviceGraph* graph = nullptr;
  const auto capture = [&](char* to, std::int64_t value, int times) {
    CHECK(api.begin_capture(device.stream) == kDeviceDone);
    for (int i = 0; i < times; ++i) CHECK(api.set_number(device.stream, to, value + i) == kDeviceDone);
    CHECK(api.end_capture(device.stream, &graph) == kDeviceDone);
  };
  CHECK(api.clear(device.stream, a, 16) == kDeviceDone);
  capture(a, 5, 1);
  CHECK(device.number_at(a) == 0);
  CHECK(api.run_graph(device.stream, graph) == kDeviceDone);
  CHECK(device.number_at(a) == 5);

  const DeviceGraph* const before = graph;
  const std::int64_t updates = counted().graph_updates;
  capture(a + 8, 6, 1);  // another address and number
  CHECK(counted().graph_updates == updates + 1);
  CHECK(graph == before);
  CHECK(api.run_graph(device.stream, graph) == kDeviceDone);
  CHECK(device.number_at(a + 8) == 6);

  capture(a, 20, 3);  // other launches: a new graph in its place
  CHECK(api.run_graph(device.stream, graph) == kDeviceDone);
  CHECK(device.number_at(a) == 22);
  api.release_graph(graph);
}

TEST_CASE("a capture that fails ends, and leaves the graph as it was") {
  OpenDevice device;
  const DeviceApi& api = device.api;
  char* const a = device.allocate(8);
  DeviceGraph* graph = nullptr;
  CHECK(api.begin_capture(device.stream) == kDeviceDone);
  CHECK(api.set_number(device.stream, a, 1) == kDeviceDone);
  CHECK(api.end_capture(device.stream, &graph) == kDeviceDone);
  DeviceGraph* const before = graph;

  CHECK(api.begin_capture(device.stream) == kDeviceDone);
  CHECK(api.synchronize(device.stream) == kDeviceFailed);  // what no capture survives
  CHECK(api.end_capture(device.stream, &graph) == kDeviceFailed);
  CHECK(std::string(api.message()).starts_with("capture: "));
  CHECK(graph == before);
  CHECK(api.run_graph(device.stream, graph) == kDeviceDone);
  CHECK(device.number_at(a) == 1);
  api.release_graph(graph);
}

TEST_CASE("the parts of a graph are patched in their order, the rest stays") {
  PartsTest test;
  test.capture(10, 20);
  test.check({1, 10, 2, 20, 3});
  const CudaOnHostCounts before = counted();
  CHECK(test.api.run_graph(test.device.stream, test.graph) == kDeviceDone);  // keeps what it has
  CHECK(test.api.begin_patch(test.device.stream, test.graph) == kDeviceDone);
  test.part(1, 11);
  test.part(3, 21);
  CHECK(test.api.end_patch(test.device.stream) == kDeviceDone);
  CHECK(test.device.number_at(test.numbers + 8) == 10);
  test.check({1, 11, 2, 21, 3});
  CHECK(counted().graph_patches == before.graph_patches + 2);
  CHECK(counted().graph_instantiations == before.graph_instantiations);

  test.capture(12, 22);  // as a whole, in place; then its parts again
  CHECK(counted().graph_updates == before.graph_updates + 1);
  test.check({1, 12, 2, 22, 3});
  CHECK(test.api.begin_patch(test.device.stream, test.graph) == kDeviceDone);
  test.part(1, 13);
  test.part(3, 23);
  CHECK(test.api.end_patch(test.device.stream) == kDeviceDone);
  test.check({1, 13, 2, 23, 3});
}

TEST_CASE("a patch with other launches is refused, and the graph captured anew") {
  PartsTest test;
  test.capture(10, 20);
  const auto patch = [&](int times, bool both) {
    CHECK(test.api.begin_patch(test.device.stream, test.graph) == kDeviceDone);
    test.part(1, 11, times);
    if (both) test.part(3, 21);
    const DeviceStatus status = test.api.end_patch(test.device.stream);
    if (status != kDeviceDone) {
      CHECK(std::string(test.api.message()) == "capture: these are other launches than those of the graph");
    }
    return status;
  };
  CHECK(patch(2, true) == kDeviceRefused);
  CHECK(patch(0, true) == kDeviceRefused);
  CHECK(patch(1, false) == kDeviceRefused);
  CHECK(patch(1, true) == kDeviceDone);
  test.capture(12, 22, 0);  // a part without launches
  test.check({1, 0, 2, 22, 3});
  CHECK(patch(1, true) == kDeviceRefused);
  CHECK(patch(0, true) == kDeviceDone);
  test.check({1, 0, 2, 21, 3});
}

TEST_CASE("a patch that is given up half-way leaves the stream as it was") {
  PartsTest test;
  test.capture(10, 20);
  CHECK(test.api.begin_patch(test.device.stream, test.graph) == kDeviceDone);
  CHECK(test.api.begin_part(test.device.stream) == kDeviceDone);
  test.write(1, 11);
  CHECK(test.api.end_patch(test.device.stream) == kDeviceRefused);
  test.capture(12, 22);
  test.check({1, 12, 2, 22, 3});
}

TEST_CASE("a branch runs where the test holds, the other one where it does not, none where there is a fault") {
  OpenDevice device;
  const DeviceApi& api = device.api;
  CHECK(api.has_branches(device.context) == 1);
  char* const condition = device.allocate(8);
  char* const numbers = device.allocate(16);
  auto* const fault = reinterpret_cast<DeviceFault*>(device.allocate(sizeof(DeviceFault)));
  const DeviceTest test = {.condition = condition, .fault = fault, .stop = nullptr, .order = 3};
  DeviceGraph* graph = nullptr;
  CHECK(api.begin_capture(device.stream) == kDeviceDone);
  CHECK(api.clear(device.stream, numbers, 16) == kDeviceDone);
  CHECK(api.begin_if(device.stream, &test, 1) == kDeviceDone);
  CHECK(api.set_number(device.stream, condition, 0) == kDeviceDone);  // the test has been made
  CHECK(api.set_number(device.stream, numbers, 1) == kDeviceDone);
  CHECK(api.begin_else(device.stream) == kDeviceDone);
  CHECK(api.set_number(device.stream, numbers, 2) == kDeviceDone);
  CHECK(api.end_branch(device.stream) == kDeviceDone);
  CHECK(api.set_number(device.stream, numbers + 8, 7) == kDeviceDone);
  CHECK(api.end_capture(device.stream, &graph) == kDeviceDone);
  const auto run = [&](std::int64_t holds, const DeviceFault& before) {
    CHECK(api.upload(device.stream, reinterpret_cast<char*>(fault), &before, sizeof before) == kDeviceDone);
    CHECK(api.set_number(device.stream, condition, holds) == kDeviceDone);
    CHECK(api.run_graph(device.stream, graph) == kDeviceDone);
    CHECK(device.number_at(numbers + 8) == 7);
    return device.number_at(numbers);
  };
  DeviceFault given = {};
  CHECK(run(1, given) == 1);
  CHECK(run(0, given) == 2);
  given.set = 1;
  CHECK(run(1, given) == 0);
  CHECK(run(0, given) == 0);
  api.release_graph(graph);
}

TEST_CASE("a loop turns while its test holds, and ends where the host asks it to") {
  OpenDevice device;
  const DeviceApi& api = device.api;
  char* const condition = device.allocate(8);
  char* const number = device.allocate(8);
  auto* const fault = device.allocate(sizeof(DeviceFault));
  char* stop = nullptr;
  REQUIRE(api.allocate_host(device.context, 4, &stop) == kDeviceDone);
  const DeviceTest test = {.condition = condition,
                           .fault = reinterpret_cast<DeviceFault*>(fault),
                           .stop = reinterpret_cast<const std::int32_t*>(stop),
                           .order = 3};
  DeviceGraph* graph = nullptr;
  const auto run = [&](std::int64_t first, std::int64_t again, std::int32_t asked) {
    *reinterpret_cast<std::int32_t*>(stop) = 0;
    CHECK(api.begin_capture(device.stream) == kDeviceDone);
    CHECK(api.clear(device.stream, number, 8) == kDeviceDone);
    CHECK(api.clear(device.stream, fault, sizeof(DeviceFault)) == kDeviceDone);
    CHECK(api.set_number(device.stream, condition, first) == kDeviceDone);
    CHECK(api.begin_while(device.stream, &test) == kDeviceDone);
    CHECK(api.set_number(device.stream, number, 1) == kDeviceDone);
    CHECK(api.set_number(device.stream, condition, again) == kDeviceDone);
    CHECK(api.end_turn(device.stream, &test) == kDeviceDone);
    CHECK(api.end_capture(device.stream, &graph) == kDeviceDone);
    CHECK(api.run_graph(device.stream, graph) == kDeviceDone);
    std::int32_t done = 0;
    for (int i = 0; i < 20; ++i) CHECK(api.is_done(device.stream, &done) == kDeviceDone);
    CHECK(done == (first != 0 && again != 0 ? 0 : 1));
    *reinterpret_cast<std::int32_t*>(stop) = asked;
    DeviceFault seen = {};
    CHECK(api.download(device.stream, &seen, fault, sizeof seen) == kDeviceDone);
    CHECK(api.synchronize(device.stream) == kDeviceDone);
    CHECK(seen.set == asked);
    if (asked != 0) CHECK(seen.step == kDeviceStopped);
    if (asked != 0) CHECK(seen.order == 3);
    return device.number_at(number);
  };
  CHECK(run(0, 0, 0) == 0);
  CHECK(run(1, 0, 0) == 1);
  CHECK(run(1, 1, 1) == 1);
  api.release_graph(graph);
  api.release_host(device.context, stop);
}
