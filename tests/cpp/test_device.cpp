// Programs on a device: the fake one, whose kernels are the processor's, so that every bit can be compared.
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "base/error.h"
#include "device/device.h"
#include "device/plugin.h"
#include "fake_device/fake_device.h"
#include "run_text.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

const std::string kHead = "ingot 1\nnumerics 1\n";

// Groups, a product, a gather that can fail, a counted loop: everything that is captured. `walked` adds a loop that
// depends on data.
const std::string kWork = kHead + R"(dim n in 1..16
graph counted(x: f32[n,4], w: f32[4,5], i: i64[2]) {
  %0 = matmul(x, w) : f32[n,5]
  %1 = max(%0, axes=[1], keepdims=true) : f32[n,1]
  %2 = subtract(%0, %1) : f32[n,5]
  %3 = exp(%2) : f32[n,5]
  %4 = sum(%3, axes=[1], keepdims=true) : f32[n,1]
  %5 = divide(%3, %4) : f32[n,5]
  %6 = take(%5, i, axis=1) : f32[n,2]  @ model.py:5
  %7 = sum(%5, axes=[0]) : f32[5]
  %8, %9 = scan(%7, %5, carries=1, length=n) : f32[5], f32[n,5] {
    body(%10: f32[5], %11: i64[], %12: f32[5]) {
      %13 = multiply(%10, 0.5) : f32[5]
      %14 = add(%13, %12) : f32[5]
      return %14, %10
    }
  }
  return %6, %9, %8
}
graph walked(x: f32[5], i: i64[1]) {
  %1, %2 = while(0:i64, x) : i64[], f32[5] {
    cond(%3: i64[], %4: f32[5]) {
      %5 = take(%4, i, axis=0) : f32[1]  @ model.py:8
      %6 = sum(%5, axes=[0]) : f32[]
      %7 = less(%6, 100.0) : bool[]
      return %7
    }
    body(%8: i64[], %9: f32[5]) {
      %10 = add(%8, 1) : i64[]
      %11 = multiply(%9, 1.5) : f32[5]
      return %10, %11
    }
  }
  return %2, %1
}
)";

// `push` fails on a bad position or a negative value before anything is written.
const std::string kCache = kHead + R"(state cache: f32[4] = stored
state count: i64[] = zeros
graph push(value: f32[1], at: i64[1]) {
  %0 = dynamic_update_slice(cache, value, at) : f32[4]  @ model.py:4
  %1 = less(value, 0.0) : bool[1]
  %2 = reshape(%1, shape=[]) : bool[]
  abort(%2, message="negative value")  @ model.py:6
  %3 = add(count, 1) : i64[]
  update cache <- %0
  update count <- %3
  return %0
}
)";

// A setting of the fake device for the length of a scope.
class Setting {
 public:
  Setting(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Setting() { unsetenv(name_); }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  const char* name_;
};

const fake::Counts& counts() {
  static const fake::Counts* counts = [] {
    setenv("INGOT_CUDA_PLUGIN", INGOT_FAKE_DEVICE, 1);
    void* const library = dlopen(INGOT_FAKE_DEVICE, RTLD_NOW);
    REQUIRE(library != nullptr);
    return reinterpret_cast<fake::GetCounts>(dlsym(library, fake::kGetCountsName))();
  }();
  return *counts;
}

std::shared_ptr<Program> on_device(const std::string& text, const Tensors& tensors = {}, const char* device = "cuda") {
  counts();
  CompileOptions options;
  options.device = device;
  return Program::compile(parse_for_run(text, tensors), options);
}

const Tensors kCacheTensors = {{"cache", Array::of<float>({4}, {1, 2, 3, 4})}};

std::vector<Array> work_inputs(std::int64_t n, std::int64_t index = 3) {
  return {Array::of<float>({n, 4}, {0.5f, -1, 2, 0.25f, 3, -0.125f, 1}), Array::of<float>({4, 5}, {0.1f, 0.7f, -0.3f}),
          Array::of<std::int64_t>({2}, {index, -1})};
}

std::vector<Array> walk_inputs(std::int64_t index = 1) {
  return {Array::of<float>({5}, {1, 2, 3}), Array::of<std::int64_t>({1}, {index})};
}

void check_equal(const std::vector<Array>& got, const std::vector<Array>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i].bytes == expected[i].bytes);
}

std::vector<Array> push(Session& session, float value, std::int64_t at) {
  return run(session, 0, {Array::of<float>({1}, {value}), Array::of<std::int64_t>({1}, {at})});
}

}  // namespace

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
  CHECK(counts().captures == first.captures + 1);
}

TEST_CASE("reserve makes the room that a run needs") {
  const auto session = on_device(kWork)->new_session();
  session->reserve(0, {});
  const fake::Counts reserved = counts();
  run(*session, 0, work_inputs(16));
  CHECK(counts().allocations == reserved.allocations);
  CHECK(counts().host_allocations == reserved.host_allocations);
}

TEST_CASE("errors inside a run are those of the processor, and leave the states as they were") {
  const auto program = on_device(kCache, kCacheTensors);
  const auto session = program->new_session();
  const auto processor = Program::compile(parse_for_run(kCache, kCacheTensors))->new_session();
  for (int i = 0; i < 3; ++i) {
    for (const auto& [value, at] : {std::pair(1.0f, 9), std::pair(-1.0f, 0), std::pair(-1.0f, 9)}) {
      const std::string message = error_of([&] { push(*session, value, at); });
      CHECK(message != "");
      CHECK(message == error_of([&] { push(*processor, value, at); }));
    }
  }
  CHECK(push(*session, 10, 1)[0].values<float>() == std::vector<float>{1, 10, 3, 4});
  CHECK(session->read_state("count").front() == std::byte{1});
  const auto work = on_device(kWork)->new_session();
  const auto expected = Program::compile(parse_for_run(kWork))->new_session();
  for (int i = 0; i < 3; ++i)
    CHECK(error_of([&] { run(*work, 0, work_inputs(2, 7)); }) ==
          error_of([&] { run(*expected, 0, work_inputs(2, 7)); }));
}

TEST_CASE("a fault ends a loop that its garbage would never leave, and limits bound one that never ends") {
  const auto session = on_device(kWork)->new_session();
  CHECK(error_of([&] { run(*session, 1, walk_inputs(5)); }) ==
        "RangeError: take: index out of range: got 5, expected -5..4 (element 0)  (model.py:8)");
  std::vector<Array> endless = {Array::of<float>({5}, {0}), Array::of<std::int64_t>({1}, {0})};
  CHECK(error_of([&] { run(*session, 1, endless, {.max_steps = 1000}); }) ==
        "LimitError: run: more steps than max_steps: got more than 1000");
  const auto at_once = [](void*) { return true; };
  CHECK(error_of([&] { run(*session, 1, endless, {.interrupted = at_once}); }) == "AbortError: run: interrupted");
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

TEST_CASE("what a device cannot do is one clear error, and the process goes on") {
  const auto before = counts();
  CHECK(error_of([] { on_device(kWork, {}, "gpu"); }) ==
        "DeviceError: compile: no such device: got 'gpu', expected cpu, cuda or cuda:N");
  CHECK(error_of([] { on_device(kWork, {}, "cuda:x"); }).find("got 'cuda:x'") != std::string::npos);
  CHECK(error_of([] { on_device(kWork, {}, "cuda:2"); }) ==
        "DeviceError: compile: no such device: got cuda:2, expected less than 2");
  {
    const Setting none("FAKE_DEVICE_COUNT", "0");
    CHECK(error_of([] { on_device(kWork); }) == "DeviceError: compile: device cuda:0: no device: expected one");
    CHECK(device_summary() == "none: no device: expected one");
  }
  {
    const Setting without("FAKE_DEVICE_WITHOUT", "take");
    CHECK(error_of([] { on_device(kWork); }) ==
          "DTypeError: take: no kernel: got f32, expected what device cuda:0 can compute: the fake device was told so  "
          "(model.py:5)");
  }
  {
    const auto program = on_device(kWork);
    const Setting little("FAKE_DEVICE_MEMORY", "500");
    const std::string message = error_of([&] { run(*program->new_session(), 0, work_inputs(16)); });
    CHECK(message.find("LimitError: memory: device cuda:0 does not give ") == 0);
  }
  {
    const auto session = on_device(kCache, kCacheTensors)->new_session();
    push(*session, 1, 0);
    const Setting fails("FAKE_DEVICE_FAILS", std::to_string(counts().launches + 1));
    CHECK(error_of([&] { push(*session, 2, 1); }) == "DeviceError: run: device cuda:0: a launch failed");
  }
  CHECK(run(*on_device(kWork)->new_session(), 0, work_inputs(2)).size() == 3);
  CHECK(counts().steps == before.steps);
  CHECK(counts().streams == before.streams);
  CHECK(counts().graphs == before.graphs);
  CHECK(counts().allocated_bytes == before.allocated_bytes);
  CHECK(device_summary() == "cuda:0 a fake, 1.0 GiB, sm_90; cuda:1 a fake, 1.0 GiB, sm_90");
}

TEST_CASE("a failed device run that may have written states asks for a reset") {
  const auto session = on_device(kCache, kCacheTensors)->new_session();
  for (int i = 0; i < 3; ++i) push(*session, 1, 0);
  {
    const Setting fails("FAKE_DEVICE_FAILS", std::to_string(counts().launches));
    CHECK(error_of([&] { push(*session, 2, 1); }) == "DeviceError: run: device cuda:0: a launch failed");
  }
  CHECK(error_of([&] { push(*session, 2, 1); }).find("StateError") == 0);
  session->reset();
  CHECK(push(*session, 2, 1)[0].values<float>() == std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("steps say what runs them; passes about caches of processors are left out") {
  const auto program = on_device(kWork);
  CHECK(program->options().device == "cuda:0");
  bool has_product = false;
  for (const std::string& code : program->step_codes(0)) has_product = has_product || code == "matmul";
  CHECK(has_product);
}
