// Sessions: states and updates, failed runs, what callers may and may not hand in.
#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "run_text.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

std::shared_ptr<Program> cache_program() {
  return Program::compile(parse_for_run(kCache, kCacheTensors));
}

float total(Session& session) {
  return run(session, 1, {})[0].values<float>()[0];
}

}  // namespace

TEST_CASE("updates are seen by the next run, of any graph, in this session alone") {
  const auto program = cache_program();
  const auto one = program->new_session(), two = program->new_session();
  CHECK(total(*one) == 10);
  CHECK(push(*one, 10, 0)[0].values<float>() == std::vector<float>{10, 2, 3, 4});
  push(*one, 20, -1);
  CHECK(total(*one) == 35);
  CHECK(run(*one, 1, {})[1].values<std::int64_t>()[0] == 2);
  CHECK(total(*two) == 10);
  one->reset();
  CHECK(total(*one) == 10);
}

TEST_CASE("a failed run leaves every state as it was") {
  const auto session = cache_program()->new_session();
  push(*session, 10, 0);
  CHECK(error_of([&] { push(*session, -1, 1); }) == "AbortError: abort: negative value  (model.py:6)");
  CHECK(error_of([&] { push(*session, 1, 4); }) ==
        "RangeError: dynamic_update_slice: index out of range: got 4, expected -4..3 (element 0)  (model.py:4)");
  CHECK(total(*session) == 19);
  CHECK(run(*session, 1, {})[1].values<std::int64_t>()[0] == 1);
}

TEST_CASE("states are read, written and saved") {
  const auto program = cache_program();
  const auto session = program->new_session();
  Array fresh = Array::of<float>({4}, {5, 6, 7, 8});
  session->write_state("cache", fresh.ref());
  CHECK(total(*session) == 26);
  const std::vector<std::byte> bytes = session->read_state("cache");
  CHECK(std::memcmp(bytes.data(), fresh.bytes.data(), 16) == 0);
  push(*session, 1, 0);
  const auto saved = std::make_shared<Module>(session->module_with_states());
  verify(*saved);
  const auto revived = Program::compile(saved)->new_session();
  CHECK(total(*revived) == 22);
  CHECK(run(*revived, 1, {})[1].values<std::int64_t>()[0] == 1);
  Array wrong = Array::of<float>({3}, {1});
  CHECK(error_of([&] { session->write_state("cache", wrong.ref()); }) ==
        "ShapeError: session: state cache: got f32[3], expected f32[4]");
  CHECK(error_of([&] { session->read_state("cash"); }) ==
        "ArgumentError: session: no state cash: expected cache, count");
}

TEST_CASE("params can be replaced, by a second name too") {
  const std::string text = kHead + R"(param w: f32[3]
param twin = w
graph f(x: f32[3]) {
  %0 = exp(w) : f32[3]
  %1 = multiply(x, %0) : f32[3]
  %2 = add(%1, twin) : f32[3]
  return %2
}
)";
  const auto program = Program::compile(parse_for_run(text, {{"w", Array::of<float>({3}, {1, 2, 3})}}));
  Array zeros = Array::of<float>({3}, {0});
  const std::pair<std::string, ArrayRef> params[] = {{"twin", zeros.ref()}};
  const auto replaced = program->with_params(params);
  const Array x = Array::of<float>({3}, {7, 8, 9});
  CHECK(run(*replaced->new_session(), 0, {x})[0].values<float>() == std::vector<float>{7, 8, 9});
  CHECK(run(*program->new_session(), 0, {x})[0].values<float>() != std::vector<float>{7, 8, 9});
  const std::pair<std::string, ArrayRef> unknown[] = {{"v", zeros.ref()}};
  CHECK(error_of([&] { program->with_params(unknown); }) == "ArgumentError: with_params: no param v");
}

TEST_CASE("graphs are found by name") {
  const auto program = cache_program();
  CHECK(program->graph_index("total") == 1);
  CHECK(error_of([&] { program->graph_index("sum"); }) ==
        "ArgumentError: program: no graph sum: expected one of push, total");
  CHECK(error_of([&] { program->graph_index(""); }).starts_with("ArgumentError: program: no graph is named"));
}

namespace {

const std::string kPair = kHead + R"(dim n in 2..8
dim m in 1..8
guard 2*m - n >= 0
graph f(x: f32[n,3], y: f32[n + 1], z: f32[m]) {
  %0 = exp(x) : f32[n,3]
  %1 = sum(y, axes=[0]) : f32[]
  return %0 as first, %1
}
)";

std::string pair_error(std::vector<std::int64_t> x, std::vector<std::int64_t> y, std::vector<std::int64_t> z) {
  const auto session = Program::compile(parse_for_run(kPair))->new_session();
  return error_of(
      [&] { run(*session, 0, {Array::of<float>(x, {1}), Array::of<float>(y, {1}), Array::of<float>(z, {1})}); });
}

}  // namespace

TEST_CASE("inputs are checked against dtypes, sizes, ranges and guards") {
  CHECK(pair_error({4, 3}, {5}, {2}) == "");
  CHECK(pair_error({4, 2}, {5}, {2}) == "ShapeError: run: input x: got f32[4,2], expected f32[n,3]");
  CHECK(pair_error({4, 3}, {4}, {2}) == "ShapeError: run: input y: got f32[4], expected f32[n + 1] with n=4");
  CHECK(pair_error({9, 3}, {10}, {5}) == "ShapeError: run: input x: got f32[9,3], expected f32[n,3] with n in 2..8");
  CHECK(pair_error({4}, {5}, {2}) == "ShapeError: run: input x: got rank 1, expected f32[n,3]");
  CHECK(pair_error({6, 3}, {7}, {2}).starts_with("ShapeError: run: graph f requires "));
  const auto session = Program::compile(parse_for_run(kPair))->new_session();
  CHECK(error_of([&] { run(*session, 0, {}); }) == "ArgumentError: run: graph f: got 0 inputs, expected 3");
  CHECK(error_of([&] {
          run(*session, 0, {Array::of<double>({4, 3}, {1}), Array::of<float>({5}, {1}), Array::of<float>({2}, {1})});
        }) == "DTypeError: run: input x: got f64, expected f32");
}

TEST_CASE("outputs must fit, be contiguous and overlap nothing") {
  const auto session = Program::compile(parse_for_run(kPair))->new_session();
  std::vector<Array> inputs = {Array::of<float>({4, 3}, {0}), Array::of<float>({5}, {1}), Array::of<float>({2}, {1})};
  Array first(DType::kF32, {4, 3}), second(DType::kF32, {});
  const std::vector<ArrayRef> in = refs(inputs);
  const auto with = [&](ArrayRef one, ArrayRef two) {
    const ArrayRef out[] = {one, two};
    return error_of([&] { session->run(0, in, out); });
  };
  CHECK(with(first.ref(), second.ref()) == "");
  ArrayRef bad = first.ref();
  bad.shape[0] = 3;
  CHECK(with(bad, second.ref()) == "ShapeError: run: output first: got f32[3,3], expected f32[4,3]");
  bad = first.ref();
  bad.strides[0] = 8;
  CHECK(with(bad, second.ref()) == "ArgumentError: run: output first: not contiguous");
  bad = first.ref();
  bad.dtype = DType::kI32;
  CHECK(with(bad, second.ref()) == "DTypeError: run: output first: got i32, expected f32");
  bad = first.ref();
  bad.data = nullptr;
  CHECK(with(bad, second.ref()) == "ArgumentError: run: output first: its data is null");
  bad = second.ref();
  bad.data = first.bytes.data() + 44;
  CHECK(with(first.ref(), bad) == "ArgumentError: run: output first and output 1 overlap in memory");
  bad.data = inputs[0].bytes.data() + 8;
  CHECK(with(first.ref(), bad) == "ArgumentError: run: input x and output 1 overlap in memory");
  bad.data = first.bytes.data() + 1;
  CHECK(with(first.ref(), bad).starts_with("ArgumentError: run: output 1: not aligned"));
}

TEST_CASE("inputs in any strides and alignment are copied and named") {
  const std::string text = kHead + R"(graph f(x: f32[2,3], y: f32[3], b: bool[3]) {
  %0 = add(x, y) : f32[2,3]
  %1 = logical_not(b) : bool[3]
  return %0, %1
}
)";
  const auto session = Program::compile(parse_for_run(text))->new_session();
  Array transposed = Array::of<float>({3, 2}, {1, 2, 3, 4, 5, 6}), y = Array::of<float>({3}, {10, 20, 30});
  Array flags(DType::kBool, {3});
  flags.bytes = {0, 1, 77};
  Array sum(DType::kF32, {2, 3}), negated(DType::kBool, {3});
  ArrayRef in[] = {transposed.ref(), y.ref(), flags.ref()};
  in[0].shape[0] = 2, in[0].shape[1] = 3;
  in[0].strides[0] = 4, in[0].strides[1] = 8;
  std::vector<char> shifted(13);
  std::memcpy(shifted.data() + 1, y.bytes.data(), 12);
  in[1].data = shifted.data() + 1;
  const ArrayRef out[] = {sum.ref(), negated.ref()};
  session->run(0, in, out);
  CHECK(sum.values<float>() == std::vector<float>{11, 23, 35, 12, 24, 36});
  CHECK(negated.bytes == std::vector<char>{1, 0, 0});
  CHECK(session->last_copied_inputs() == std::vector<std::string>{"x", "y", "b"});
  in[0].data = transposed.bytes.data() + 20;  // backwards
  in[0].strides[0] = -4, in[0].strides[1] = -8;
  in[1] = y.ref();
  flags.bytes = {0, 1, 1};
  session->run(0, in, out);
  CHECK(sum.values<float>() == std::vector<float>{16, 24, 32, 15, 23, 31});
  CHECK(session->last_copied_inputs() == std::vector<std::string>{"x"});
}

TEST_CASE("a run that never ends is stopped by max_steps or an interrupt, and leaves the session usable") {
  const std::string text = kHead + R"(state s: i64[] = zeros
graph f(x: i64[]) {
  %0 = while(s) : i64[] {
    cond(%1: i64[]) {
      %2 = less(%1, 10) : bool[]
      return %2
    }
    body(%3: i64[]) {
      %4 = add(%3, x) : i64[]
      return %4
    }
  }
  update s <- %0
  return %0
}
)";
  const auto session = Program::compile(parse_for_run(text))->new_session();
  const std::vector<Array> never = {Array::of<std::int64_t>({}, {0})};
  CHECK(error_of([&] { run(*session, 0, never, {.max_steps = 100000}); }).starts_with("LimitError: run: more steps"));
  RunOptions options;
  options.interrupted = [](void*) { return true; };
  CHECK(error_of([&] { run(*session, 0, never, options); }) == "AbortError: run: interrupted");
  CHECK(run(*session, 0, {Array::of<std::int64_t>({}, {4})})[0].values<std::int64_t>()[0] == 12);
  const std::vector<std::byte> state = session->read_state("s");
  CHECK(static_cast<int>(state[0]) == 12);
}

TEST_CASE("take names index, range and line") {
  const std::string text = kHead + R"(graph f(x: f32[5,2], i: i32[2,3]) {
  %0 = take(x, i, axis=0) : f32[2,3,2]  @ model.py:12
  return %0
}
)";
  const auto session = Program::compile(parse_for_run(text))->new_session();
  const Array x = Array::of<float>({5, 2}, {1});
  CHECK(error_of([&] { run(*session, 0, {x, Array::of<std::int32_t>({2, 3}, {0, 4, -5, 7, 9, -6})}); }) ==
        "RangeError: take: index out of range: got 7, expected -5..4 (element 3)  (model.py:12)");
  CHECK(error_of([&] { run(*session, 0, {x, Array::of<std::int32_t>({2, 3}, {0, 4, -5, 3, 1, -1})}); }) == "");
}

TEST_CASE("a run stopped after a state was written in place breaks the session until it is reset") {
  const std::string text = kHead + R"(state cache: i64[4] = zeros
graph f(value: i64[1], at: i64[1], x: i64[]) {
  %0 = dynamic_update_slice(cache, value, at) : i64[4]
  %1 = sum(%0, axes=[0]) : i64[]
  %2 = while(%1) : i64[] {
    cond(%3: i64[]) {
      %4 = less(%3, 10) : bool[]
      return %4
    }
    body(%5: i64[]) {
      %6 = add(%5, x) : i64[]
      return %6
    }
  }
  update cache <- %0
  return %2
}
)";
  const auto session = Program::compile(parse_for_run(text))->new_session();
  const auto call = [&](std::int64_t value, std::int64_t step) {
    return error_of([&] {
      run(*session, 0,
          {Array::of<std::int64_t>({1}, {value}), Array::of<std::int64_t>({1}, {0}),
           Array::of<std::int64_t>({}, {step})},
          {.max_steps = 1000});
    });
  };
  CHECK(call(3, 1) == "");
  CHECK(call(4, 0).starts_with("LimitError"));
  const bool written = session->read_state("cache")[0] != std::byte{3};
  CHECK(call(5, 1).starts_with("StateError: run: a failed run left the states half written") == written);
  session->reset();
  CHECK(call(5, 1) == "");
  CHECK(session->read_state("cache")[0] == std::byte{5});
}

namespace {

// Arrays as a caller of the short way sees them.
std::vector<PlainArray> plain(std::vector<Array>& arrays) {
  std::vector<PlainArray> result;
  for (Array& array : arrays) result.push_back({array.bytes.data(), array.shape.data()});
  return result;
}

const std::string kSums = kHead + R"(dim n in 1..
graph f(x: f32[n], y: f32[n+1]) {
  %0 = sum(x, axes=[0]) : f32[]
  %1 = multiply(y, 2.0) : f32[n+1]
  return %0, %1
}
)";

}  // namespace

TEST_CASE("a short run gives up with nothing done wherever there is more to do than to compute") {
  const auto program = Program::compile(parse_for_run(kSums));
  const auto session = program->new_session();
  std::vector<Array> in = {Array::of<float>({3}, {1, 2, 3}), Array::of<float>({4}, {1, 2, 3, 4})};
  std::vector<Array> out = {Array(DType::kF32, {}), Array(DType::kF32, {4})};
  CHECK(!session->run_short(0, plain(in), plain(out)));  // the first run prepares
  session->reserve(0, {{"n", 4}});
  REQUIRE(session->run_short(0, plain(in), plain(out)));
  CHECK(out[0].values<float>()[0] == 6);
  CHECK(out[1].values<float>() == std::vector<float>{2, 4, 6, 8});
  std::int64_t shapes[2] = {};
  REQUIRE(program->output_shapes(0, plain(in), shapes));
  CHECK(shapes[0] == 4);

  std::vector<Array> wrong = {in[0], Array::of<float>({3}, {1})};
  CHECK(!session->run_short(0, plain(wrong), plain(out)));
  CHECK(!program->output_shapes(0, plain(wrong), shapes));
  std::vector<Array> empty = {Array(DType::kF32, {0}), Array::of<float>({1}, {1})};
  CHECK(!session->run_short(0, plain(empty), plain(out)));  // n is at least 1
  std::vector<Array> outgrown = {Array::of<float>({100}, {1}), Array::of<float>({101}, {1})};
  CHECK(!session->run_short(0, plain(outgrown), plain(out)));
  std::vector<Array> short_output = {out[0], Array(DType::kF32, {3})};
  CHECK(!session->run_short(0, plain(in), plain(short_output)));
  std::vector<PlainArray> overlapping = plain(out);
  overlapping[1].data = in[1].bytes.data();
  CHECK(!session->run_short(0, plain(in), overlapping));
  CHECK(!session->run_short(0, {}, plain(out)));
  CHECK(session->run_short(0, plain(in), plain(out)));
}

TEST_CASE("a run of unknown length is never short") {
  const std::string text = kHead + R"(graph f(limit: i64[]) {
  %0 = while(0:i64) : i64[] {
    cond(%1: i64[]) {
      %2 = less(%1, limit) : bool[]
      return %2
    }
    body(%3: i64[]) {
      %4 = add(%3, 1) : i64[]
      return %4
    }
  }
  return %0
}
)";
  const auto session = Program::compile(parse_for_run(text))->new_session();
  session->reserve(0, {});
  std::vector<Array> in = {Array::of<std::int64_t>({}, {3})}, out = {Array(DType::kI64, {})};
  CHECK(!session->run_short(0, plain(in), plain(out)));
}

TEST_CASE("what reserve computes ahead changes no state and fails at nothing") {
  const std::string text = kHead + R"(state count: i64[] = stored
state last: f32[4] = stored
graph f(table: f32[0,4], at: i64[1], x: f32[4]) {
  %0 = take(table, at, axis=0) : f32[1,4]
  %1 = reshape(%0, shape=[4]) : f32[4]
  %2 = exp(x) : f32[4]
  %3 = add(%2, last) : f32[4]
  %4 = add(count, 1) : i64[]
  update count <- %4
  update last <- %3
  return %1, %3
}
)";
  const auto program = Program::compile(parse_for_run(
      text, {{"count", Array::of<std::int64_t>({}, {7})}, {"last", Array::of<float>({4}, {1, 2, 3, 4})}}));
  const auto session = program->new_session();
  const auto count = session->read_state("count"), last = session->read_state("last");
  session->reserve(0, {});
  CHECK(session->read_state("count") == count);
  CHECK(session->read_state("last") == last);
  CHECK(session->last_copied_inputs().empty());
  const std::vector<Array> inputs = {Array(DType::kF32, {0, 4}), Array::of<std::int64_t>({1}, {0}),
                                     Array::of<float>({4}, {1})};
  CHECK(error_of([&] { run(*session, 0, inputs); }).starts_with("RangeError: take"));
  CHECK(session->read_state("count") == count);
}

TEST_CASE("the first run after reserve gives the bits of one without, at every number of threads") {
  const std::vector<Array> inputs = {Array::of<float>({4, 3}, {0.5f, -1.25f, 3}), Array::of<float>({5}, {1, 2, 4}),
                                     Array::of<float>({2}, {1})};
  CompileOptions options;
  options.always_parallel = true;
  for (const int num_threads : {1, 2}) {
    options.num_threads = num_threads;
    const auto program = Program::compile(parse_for_run(kPair), options);
    const auto ready = program->new_session();
    for (const auto& [n, m] : {std::pair{4, 2}, std::pair{8, 8}, std::pair{8, 1}})  // the last breaks the guard
      ready->reserve(0, {{"n", n}, {"m", m}});
    const auto expected = run(*program->new_session(), 0, inputs), got = run(*ready, 0, inputs);
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(got[i].bytes == expected[i].bytes);
  }
}
