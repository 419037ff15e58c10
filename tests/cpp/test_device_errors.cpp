// What goes wrong on a device: inside a run, and because of the device itself.
#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "device/plugin.h"
#include "device_test.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

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
