// Branches and loops that depend on data, inside of the graphs of a fake device.
#include <doctest/doctest.h>

#include <string>

#include "device_test.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

// A loop around an if; its branches hold a counted loop and a loop that depends on data. All carries swap buffers, an
// odd number of times.
const std::string kNested = kHead + R"(graph g(x: f32[3,3], n: i64[]) {
  %0, %1 = while(x, 0:i64) : f32[3,3], i64[] {
    cond(%2: f32[3,3], %3: i64[]) {
      %4 = less(%3, n) : bool[]
      return %4
    }
    body(%5: f32[3,3], %6: i64[]) {
      %7 = matmul(%5, x) : f32[3,3]
      %8 = sum(%7, axes=[0, 1]) : f32[]
      %9 = less(%8, 0.0) : bool[]
      %10 = if(%9) : f32[3,3] {
        then() {
          %11, %12 = scan(%7, x, carries=1, length=3) : f32[3,3], f32[3,3] {
            body(%13: f32[3,3], %14: i64[], %15: f32[3]) {
              %16 = matmul(%13, x) : f32[3,3]
              %17 = add(%15, 1.0) : f32[3]
              return %16, %17
            }
          }
          %18 = add(%11, %12) : f32[3,3]
          return %18
        }
        else() {
          %19, %20 = while(%7, 1:i64) : f32[3,3], i64[] {
            cond(%21: f32[3,3], %22: i64[]) {
              %23 = less(%22, %6) : bool[]
              return %23
            }
            body(%24: f32[3,3], %25: i64[]) {
              %26 = matmul(x, %24) : f32[3,3]
              %27 = add(%25, 1) : i64[]
              return %26, %27
            }
          }
          return %19
        }
      }
      %28 = tanh(%10) : f32[3,3]
      %29 = add(%6, 1) : i64[]
      return %28, %29
    }
  }
  %30 = matmul(%0, x) : f32[3,3]
  return %30, %1
}
)";

// A loop whose index goes wrong in some turn; behind it a state is written.
const std::string kFailing = kHead + R"(state total: f32[1] = stored
graph g(x: f32[4], n: i64[]) {
  %0, %1 = while(0:i64, 0.0:f32) : i64[], f32[] {
    cond(%2: i64[], %3: f32[]) {
      %4 = less(%2, n) : bool[]
      return %4
    }
    body(%5: i64[], %6: f32[]) {
      %7 = reshape(%5, shape=[1]) : i64[1]
      %8 = take(x, %7, axis=0) : f32[1]  @ model.py:7
      %9 = sum(%8, axes=[0]) : f32[]
      %10 = add(%6, %9) : f32[]
      %11 = add(%5, 1) : i64[]
      return %11, %10
    }
  }
  %12 = add(total, %1) : f32[1]
  update total <- %12
  return %1
}
)";

std::vector<Array> nested_inputs(std::int64_t n, float sign) {
  return {Array::of<float>({3, 3}, {sign * 0.5f, -0.3f, 0.25f, sign, 0.1f}), Array::of<std::int64_t>({}, {n})};
}

std::vector<Array> failing_inputs(std::int64_t n) {
  return {Array::of<float>({4}, {1, 2, 3, 4}), Array::of<std::int64_t>({}, {n})};
}

}  // namespace

TEST_CASE("branches and loops are captured once, and do in every run what the data says") {
  const auto device = on_device(kNested)->new_session();
  const auto processor = Program::compile(parse_for_run(kNested))->new_session();
  const fake::Counts before = counts();
  for (std::int64_t n = 0; n < 6; ++n)
    for (const float sign : {1.0f, -1.0f})
      check_equal(run(*device, 0, nested_inputs(n, sign)), run(*processor, 0, nested_inputs(n, sign)));
  CHECK(counts().captures == before.captures + 1);
  CHECK(counts().replays == before.replays + 11);
  CHECK(counts().synchronizations - before.synchronizations < 12 + 8);  // one a run, and those of the walk
}

TEST_CASE("where graphs cannot have branches the host walks") {
  const Setting without("FAKE_DEVICE_BRANCHES", "0");
  const auto device = on_device(kNested)->new_session();
  const auto processor = Program::compile(parse_for_run(kNested))->new_session();
  const fake::Counts before = counts();
  for (std::int64_t n = 0; n < 4; ++n)
    check_equal(run(*device, 0, nested_inputs(n, -1)), run(*processor, 0, nested_inputs(n, -1)));
  CHECK(counts().captures == before.captures);
}

TEST_CASE("an error in some turn of a captured loop is that of the processor, and states stay as they were") {
  const Tensors tensors = {{"total", Array::of<float>({1}, {0})}};
  const auto device = on_device(kFailing, tensors)->new_session();
  const auto processor = Program::compile(parse_for_run(kFailing, tensors))->new_session();
  const auto outcome = [](Session& session, std::int64_t n) {
    std::vector<Array> results;
    const std::string message = error_of([&] { results = run(session, 0, failing_inputs(n)); });
    return std::pair(message, results.empty() ? 0.0f : results[0].values<float>()[0]);
  };
  const fake::Counts before = counts();
  for (const std::int64_t n : {2, 4, 6, 3, 5, 4, 0, 9}) CHECK(outcome(*device, n) == outcome(*processor, n));
  CHECK(counts().captures == before.captures + 1);
  CHECK(counts().replays == before.replays + 7);
  CHECK(device->read_state("total") == processor->read_state("total"));
}

TEST_CASE("a number of steps is counted by the host, and a profile is taken there") {
  const auto session = on_device(kNested)->new_session();
  for (int i = 0; i < 3; ++i) run(*session, 0, nested_inputs(3, 1));
  const fake::Counts before = counts();
  std::vector<Array> inputs = nested_inputs(3, 1), outputs = run(*session, 0, nested_inputs(3, 1));
  CHECK(counts().replays == before.replays + 1);
  CHECK(error_of([&] { session->run(0, refs(inputs), refs(outputs), {.max_steps = 7}); }) ==
        "LimitError: run: more steps than max_steps: got more than 7");
  std::vector<StepProfile> profile;
  session->run(0, refs(inputs), refs(outputs), {}, &profile);
  CHECK(counts().replays == before.replays + 1);
  CHECK(counts().launches > before.launches);
}
