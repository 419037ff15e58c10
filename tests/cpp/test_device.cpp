// Programs on a device: the fake one, whose kernels are the processor's, so that every bit can be compared.
#include <doctest/doctest.h>

#include <string>

#include "device/device.h"
#include "device_test.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

TEST_CASE("a device gives the bits of the processor, walked, captured and replayed, at any dims") {
  const auto device = on_device(kWork)->new_session();
  const auto processor = Program::compile(parse_for_run(kWork))->new_session();
  for (std::int64_t n : {3, 3, 3, 3, 16, 16, 16, 1, 3})
    check_equal(run(*device, 0, work_inputs(n)), run(*processor, 0, work_inputs(n)));
  for (int i = 0; i < 4; ++i) check_equal(run(*device, 1, walk_inputs()), run(*processor, 1, walk_inputs()));
}

TEST_CASE("the second run in a row with the same sizes is captured, further ones replay it and allocate nothing") {
  const auto session = on_device(kWork)->new_session();
  std::vector<Array> inputs = work_inputs(3), outputs = run(*session, 0, work_inputs(3));
  const std::vector<ArrayRef> in = refs(inputs), out = refs(outputs);
  const fake::Counts first = counts();
  for (int i = 0; i < 5; ++i) session->run(0, in, out);
  CHECK(counts().captures == first.captures + 1);
  CHECK(counts().replays == first.replays + 5);
  CHECK(counts().allocations == first.allocations);
  CHECK(counts().host_allocations == first.host_allocations);
  run(*session, 0, work_inputs(4));
  CHECK(counts().replays == first.replays + 5);
  run(*session, 1, walk_inputs());
  run(*session, 1, walk_inputs());
  CHECK(counts().captures == first.captures + 2);
}

TEST_CASE("reserve makes the room that a run needs") {
  const auto session = on_device(kWork)->new_session();
  session->reserve(0, {});
  const fake::Counts reserved = counts();
  run(*session, 0, work_inputs(16));
  CHECK(counts().allocations == reserved.allocations);
  CHECK(counts().host_allocations == reserved.host_allocations);
}

TEST_CASE("states lie on the device: written, read, reset, saved") {
  const auto program = on_device(kCache, kCacheTensors);
  const auto one = program->new_session(), two = program->new_session();
  for (int i = 0; i < 4; ++i) push(*one, static_cast<float>(10 + i), i);
  Array cache = Array::of<float>({4}, {0});
  const auto read = [&](Session& session) {
    const std::vector<std::byte> bytes = session.read_state("cache");
    std::memcpy(cache.bytes.data(), bytes.data(), bytes.size());
    return cache.values<float>();
  };
  CHECK(read(*one) == std::vector<float>{10, 11, 12, 13});
  CHECK(read(*two) == std::vector<float>{1, 2, 3, 4});
  const Module saved = one->module_with_states();
  CHECK(std::memcmp(saved.states[0].init.data, one->read_state("cache").data(), 16) == 0);
  one->reset();
  CHECK(read(*one) == std::vector<float>{1, 2, 3, 4});
  Array given = Array::of<float>({4}, {5, 6, 7, 8});
  one->write_state("cache", given.ref());
  CHECK(push(*one, 0, 0)[0].values<float>() == std::vector<float>{0, 6, 7, 8});
}

TEST_CASE("arrays of the device are read and written in place, those with gaps are copied") {
  const auto program = on_device(kWork);
  const auto session = program->new_session();
  const auto device = program->device();
  std::vector<Array> inputs = work_inputs(4);
  const std::vector<Array> expected = run(*session, 0, work_inputs(4));
  std::vector<ArrayRef> in = refs(inputs);
  std::vector<Array> outputs = expected;
  for (Array& output : outputs) std::fill(output.bytes.begin(), output.bytes.end(), char{0});
  std::vector<ArrayRef> out = refs(outputs);
  const DeviceMemory x(device, 1024), result(device, 1024);
  for (std::int64_t i = 0; i < 16; ++i)  // every other element, backwards
    device->upload(x.data() + 4 * (32 - 2 * i), inputs[0].bytes.data() + 4 * i, 4);
  in[0].data = x.data() + 4 * 32;
  in[0].strides[0] = -32;
  in[0].strides[1] = -8;
  in[0].device = 0;
  out[1].data = result.data();
  out[1].device = 0;
  for (int i = 0; i < 3; ++i) {
    session->run(0, in, out);
    device->download(outputs[1].bytes.data(), result.data(), static_cast<std::int64_t>(outputs[1].bytes.size()));
    check_equal(outputs, expected);
    CHECK(session->last_copied_inputs() == std::vector<std::string>{"x"});
  }
  in[0].device = 1;
  CHECK(error_of([&] { session->run(0, in, out); }) ==
        "ArgumentError: run: input x: lies on device 1, expected the host or cuda:0");
  in[0] = inputs[0].ref();
  in[0].device = 0;
  CHECK(error_of([&] { session->run(0, in, out); }) ==
        "ArgumentError: run: input x: its address is not in the memory of cuda:0");
  const auto processor = Program::compile(parse_for_run(kWork))->new_session();
  CHECK(error_of([&] { processor->run(0, in, out); }) ==
        "ArgumentError: run: input x: lies on device 0, expected the host or cpu");
}

TEST_CASE("a run in the order of a caller's stream is not waited for, where nothing needs that") {
  const auto program = on_device(kHead + "graph g(x: f32[4]) {\n  %0 = exp(x) : f32[4]\n  return %0\n}\n");
  const auto session = program->new_session();
  const DeviceMemory x(program->device(), 16), y(program->device(), 16);
  Array input = Array::of<float>({4}, {0}), output = input;
  program->device()->upload(x.data(), input.bytes.data(), 16);
  std::vector<ArrayRef> in = {input.ref()}, out = {output.ref()};
  const RunOptions options = {.has_stream = true, .stream = nullptr};
  session->run(0, in, out, options);  // with arrays of the host
  CHECK(output.values<float>()[3] == 1);
  in[0].data = x.data();
  out[0].data = y.data();
  in[0].device = out[0].device = 0;
  const fake::Counts before = counts();
  for (int i = 0; i < 3; ++i) session->run(0, in, out, options);
  CHECK(counts().synchronizations == before.synchronizations);
  CHECK(counts().waits == before.waits + 6);
  session->reset();
  session->reserve(0, {});
  program->device()->download(output.bytes.data(), y.data(), 16);
  CHECK(output.values<float>()[3] == 1);
  const auto processor = Program::compile(parse_for_run(kWork))->new_session();
  std::vector<Array> inputs = work_inputs(4), outputs;
  CHECK(error_of([&] { processor->run(0, refs(inputs), refs(outputs), options); }) ==
        "ArgumentError: run: a stream is given: expected a program on a device");
}

TEST_CASE("a profile has times of the device") {
  const auto session = on_device(kWork)->new_session();
  std::vector<Array> inputs = work_inputs(4), outputs = run(*session, 0, work_inputs(4));
  std::vector<StepProfile> profile;
  for (int i = 0; i < 3; ++i) session->run(0, refs(inputs), refs(outputs), {}, &profile);
  std::int64_t calls = 0, total_ns = 0;
  for (const StepProfile& step : profile) calls += step.calls, total_ns += step.total_ns;
  CHECK(calls > 3 * 4);
  CHECK(total_ns > 0);
}

TEST_CASE("what a device can do at best is measured once") {
  const fake::Counts before = counts();
  for (int i = 0; i < 2; ++i) {
    const MachineLimits& limits = on_device(kWork)->limits();
    CHECK(limits.flops_per_ns == 100);
    CHECK(limits.least_ns({.flops = 10, .bytes = 10}) == 1000);           // a launch
    CHECK(limits.least_ns({.flops = 1'000'000, .bytes = 10}) == 10'000);  // arithmetic
    CHECK(limits.least_ns({.flops = 10, .bytes = 4096}) == 1000);
    CHECK(limits.least_ns({.flops = 10, .bytes = 100'000}) == 10'000);  // memory
  }
  CHECK(counts().measurements <= before.measurements + 1);
}

TEST_CASE("steps say what runs them; passes about caches of processors are left out") {
  const auto program = on_device(kWork);
  CHECK(program->options().device == "cuda:0");
  bool has_product = false;
  for (const std::string& code : program->step_codes(0)) has_product = has_product || code == "matmul";
  CHECK(has_product);
}
