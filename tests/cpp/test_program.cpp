// Programs from text to results: control flow, symbolic dims, levels and threads, memory.
#include <doctest/doctest.h>

#include <atomic>
#include <cfenv>
#include <cmath>
#include <numeric>
#include <string>
#include <thread>

#include "allocation_counter.h"
#include "base/error.h"
#include "execute/levels.h"
#include "optimize/pass.h"
#include "run_text.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

// Collatz-like: nested while in scan in while, an if inside, several carries.
const std::string kNested = kHead + R"(dim n in 0..8
graph nest(x: i64[n,3], turns: i64[]) {
  %0, %1 = while(x, 0:i64) : i64[n,3], i64[] {
    cond(%2: i64[n,3], %3: i64[]) {
      %4 = less(%3, turns) : bool[]
      return %4
    }
    body(%5: i64[n,3], %6: i64[]) {
      %7, %8 = scan(%6, %5, carries=1, length=n, reverse=true) : i64[], i64[n,3] {
        body(%9: i64[], %10: i64[], %11: i64[3]) {
          %12 = sum(%11, axes=[0]) : i64[]
          %13 = remainder(%12, 2) : i64[]
          %14 = equal(%13, 0) : bool[]
          %15 = if(%14) : i64[3] {
            then() {
              %16 = floor_divide(%11, 2) : i64[3]
              return %16
            }
            else() {
              %17, %18 = while(%11, 0:i64) : i64[3], i64[] {
                cond(%19: i64[3], %20: i64[]) {
                  %21 = less(%20, 2) : bool[]
                  return %21
                }
                body(%22: i64[3], %23: i64[]) {
                  %24 = add(%22, %10) : i64[3]
                  %25 = add(%23, 1) : i64[]
                  return %24, %25
                }
              }
              return %17
            }
          }
          %26 = add(%9, %12) : i64[]
          return %26, %15
        }
      }
      %27 = add(%8, %7) : i64[n,3]
      %28 = add(%6, 1) : i64[]
      return %27, %28
    }
  }
  return %0, %1
}
)";

// The same in plain C++.
std::vector<std::int64_t> nested_expected(std::vector<std::int64_t> x, std::int64_t turns) {
  const auto rows = static_cast<std::int64_t>(x.size() / 3);
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    std::int64_t carry = turn;
    for (std::int64_t row = rows - 1; row >= 0; --row) {
      std::int64_t* values = x.data() + row * 3;
      const std::int64_t sum = values[0] + values[1] + values[2];
      for (int i = 0; i < 3; ++i) values[i] = sum % 2 == 0 ? values[i] / 2 : values[i] + 2 * row;
      carry += sum;
    }
    for (std::int64_t& value : x) value += carry;
  }
  return x;
}

const std::string kNetwork = kHead + R"(dim batch in 1..16
param w0: f32[40,33]
param b0: f32[33]
param w1: f32[33,10]
graph classify(x: f32[batch,40]) {
  %0 = matmul(x, w0) : f32[batch,33]
  %1 = add(%0, b0) : f32[batch,33]
  %2 = tanh(%1) : f32[batch,33]
  %3 = matmul(%2, w1) : f32[batch,10]
  %4 = max(%3, axes=[1], keepdims=true) : f32[batch,1]
  %5 = subtract(%3, %4) : f32[batch,10]
  %6 = exp(%5) : f32[batch,10]
  %7 = sum(%6, axes=[1], keepdims=true) : f32[batch,1]
  %8 = divide(%6, %7) : f32[batch,10]
  %9 = argmax(%8, axis=1) : i64[batch]
  return %8, %9
}
)";

std::vector<float> wave(std::size_t count, float scale) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = scale * std::sin(static_cast<float>(i * i % 1000));
  return values;
}

Tensors network_tensors() {
  return {{"w0", Array::of({40, 33}, wave(40 * 33, 0.5f))},
          {"b0", Array::of({33}, wave(33, 1.0f))},
          {"w1", Array::of({33, 10}, wave(330, 0.7f))}};
}

}  // namespace

TEST_CASE("a straight graph computes") {
  const std::string text = kHead + R"(param w: f32[2]
graph f(x: f32[3,2]) {
  %0 = multiply(x, w) : f32[3,2]
  %1 = sum(%0, axes=[1]) : f32[3]
  return %1, %0
}
)";
  const auto outputs =
      run_text(text, {Array::of<float>({3, 2}, {1, 2, 3, 4, 5, 6})}, {{"w", Array::of<float>({2}, {10, 1})}});
  CHECK(outputs[0].values<float>() == std::vector<float>{12, 34, 56});
  CHECK(outputs[1].values<float>() == std::vector<float>{10, 2, 30, 4, 50, 6});
}

TEST_CASE("nested loops and branches agree with the same code in C++") {
  for (const auto& level : available_levels()) {
    CompileOptions options;
    options.level = level->level;
    const auto session = Program::compile(parse_for_run(kNested), options)->new_session();
    for (std::int64_t n : {3, 8, 0, 1, 5}) {
      for (std::int64_t turns : {0, 1, 4}) {
        std::vector<std::int64_t> x(static_cast<std::size_t>(n) * 3 + 1);
        std::iota(x.begin(), x.end(), 5);
        x.pop_back();
        const auto outputs =
            run(*session, 0,
                {n == 0 ? Array(DType::kI64, {0, 3}) : Array::of({n, 3}, x), Array::of<std::int64_t>({}, {turns})});
        CHECK(outputs[0].values<std::int64_t>() == nested_expected(x, turns));
        CHECK(outputs[1].values<std::int64_t>() == std::vector<std::int64_t>{turns});
      }
    }
  }
}

TEST_CASE("levels, thread counts, passes and batch positions give the same bits") {
  const auto module = parse_for_run(kNetwork, network_tensors());
  const std::vector<float> x = wave(16 * 40, 2.0f);
  std::vector<char> first, first_labels;
  for (const auto& level : available_levels()) {
    for (int num_threads : {1, 2, 3}) {
      for (bool passes : {true, false}) {
        CompileOptions options;
        options.level = level->level;
        options.num_threads = num_threads;
        options.always_parallel = true;
        options.verify_passes = true;
        if (!passes)
          for (const Pass& pass : pipeline()) options.disabled_passes.emplace_back(pass.name);
        const auto session = Program::compile(module, options)->new_session();
        const auto outputs = run(*session, 0, {Array::of({16, 40}, x)});
        if (first.empty()) first = outputs[0].bytes, first_labels = outputs[1].bytes;
        CHECK(outputs[0].bytes == first);
        CHECK(outputs[1].bytes == first_labels);
        const auto row =
            run(*session, 0, {Array::of({1, 40}, std::vector<float>(x.begin() + 7 * 40, x.begin() + 8 * 40))});
        CHECK(std::equal(row[0].bytes.begin(), row[0].bytes.end(), first.begin() + 7 * 40));
      }
    }
  }
}

TEST_CASE("after the first run nothing is allocated, whatever the dims within the bounds") {
  if (!can_count_allocations()) return;
  for (int num_threads : {1, 2}) {
    CompileOptions options;
    options.num_threads = num_threads;
    options.always_parallel = true;
    const auto network = Program::compile(parse_for_run(kNetwork, network_tensors()), options)->new_session();
    const auto nested = Program::compile(parse_for_run(kNested), options)->new_session();
    std::vector<Array> x, probabilities, labels, rows, turned;
    for (std::int64_t n = 1; n <= 8; ++n) {
      x.push_back(Array::of({n, 40}, wave(40, 1)));
      probabilities.emplace_back(DType::kF32, std::vector<std::int64_t>{n, 10});
      labels.emplace_back(DType::kI64, std::vector<std::int64_t>{n});
      rows.push_back(Array::of<std::int64_t>({n, 3}, {1, 5, 8, 2}));
      turned.emplace_back(DType::kI64, std::vector<std::int64_t>{n, 3});
    }
    Array turns = Array::of<std::int64_t>({}, {3}), done(DType::kI64, {});
    const auto run_both = [&](std::size_t i) {
      const ArrayRef in[] = {x[i].ref()}, out[] = {probabilities[i].ref(), labels[i].ref()};
      network->run(0, in, out);
      const ArrayRef nested_in[] = {rows[i].ref(), turns.ref()}, nested_out[] = {turned[i].ref(), done.ref()};
      nested->run(0, nested_in, nested_out);
    };
    network->reserve(0, {});
    run_both(3);
    const std::int64_t before = num_allocations();
    for (std::size_t i = 0; i < 1000; ++i) run_both(i % 8);
    CHECK(num_allocations() - before == 0);
  }
}

TEST_CASE("reserve makes even the first run free of allocations") {
  if (!can_count_allocations()) return;
  const auto session = Program::compile(parse_for_run(kNetwork, network_tensors()))->new_session();
  Array x = Array::of({16, 40}, wave(40, 1)), probabilities(DType::kF32, {16, 10}), labels(DType::kI64, {16});
  const ArrayRef in[] = {x.ref()}, out[] = {probabilities.ref(), labels.ref()};
  session->reserve(0, {});
  const std::int64_t before = num_allocations();
  session->run(0, in, out);
  CHECK(num_allocations() - before == 0);
}

TEST_CASE("the caller's rounding mode changes no bit and is given back") {
  const auto session = Program::compile(parse_for_run(kNetwork, network_tensors()))->new_session();
  const Array x = Array::of({16, 40}, wave(16 * 40, 2.0f));
  const auto expected = run(*session, 0, {x});
  std::fesetround(FE_UPWARD);
  const auto outputs = run(*session, 0, {x});
  const int mode = std::fegetround();
  std::fesetround(FE_TONEAREST);
  CHECK(mode == FE_UPWARD);
  CHECK(outputs[0].bytes == expected[0].bytes);
}

TEST_CASE("zero-size batches run, with null data too") {
  const std::string text = kHead + R"(dim n in 0..4
graph f(x: f32[n,3]) {
  %0 = sum(x, axes=[0]) : f32[3]
  %1 = exp(x) : f32[n,3]
  return %0, %1
}
)";
  const auto session = Program::compile(parse_for_run(text))->new_session();
  Array total(DType::kF32, {3});
  ArrayRef in[] = {Array(DType::kF32, {0, 3}).ref()};
  ArrayRef out[] = {total.ref(), Array(DType::kF32, {0, 3}).ref()};
  in[0].data = out[1].data = nullptr;
  session->run(0, in, out);
  CHECK(total.values<float>() == std::vector<float>{0, 0, 0});
}

TEST_CASE("a dim without upper bound grows with what is seen") {
  const std::string text = kHead + R"(dim n in 0..
graph f(x: f32[n]) {
  %0 = exp(x) : f32[n]
  %1 = sum(%0, axes=[0], keepdims=true) : f32[1]
  %2 = divide(%0, %1) : f32[n]
  return %2
}
)";
  const auto program = Program::compile(parse_for_run(text));
  const auto session = program->new_session();
  for (std::int64_t n : {10, 3, 100, 101, 0, 1000}) {
    const auto outputs = run(*session, 0, {Array::of<float>({n}, {1})});
    for (float value : outputs[0].values<float>()) CHECK(value == doctest::Approx(1.0 / static_cast<double>(n)));
  }
  CHECK(program->plan(0).arena_bytes >= 4000);
  CHECK(program->plan(0).arena_bytes <= 16384);
  CHECK(program->plan(0, {{"n", 10}}).arena_bytes <= 256);
  session->reserve(0, {{"n", 5000}});
  CHECK(program->plan(0).arena_bytes >= 20000);
}

TEST_CASE("fixed dims disappear from the plan and are still checked in the inputs") {
  CompileOptions options;
  options.dims = {{"batch", 4}};
  const auto program = Program::compile(parse_for_run(kNetwork, network_tensors()), options);
  const auto session = program->new_session();
  CHECK(program->optimized().dims.empty());
  CHECK(run(*session, 0, {Array::of({4, 40}, wave(160, 1))})[0].shape == std::vector<std::int64_t>{4, 10});
  CHECK(error_of([&] { run(*session, 0, {Array::of({5, 40}, wave(160, 1))}); }) ==
        "ShapeError: run: input x: got f32[5,40], expected f32[4,40]");
  options.dims = {{"batch", 17}};
  CHECK(error_of([&] { Program::compile(parse_for_run(kNetwork, network_tensors()), options); }) ==
        "ArgumentError: compile: dim batch: got 17, expected 1..16");
  options.dims = {{"rows", 1}};
  CHECK(error_of([&] { Program::compile(parse_for_run(kNetwork, network_tensors()), options); }) ==
        "ArgumentError: compile: no dim rows: expected batch");
}

TEST_CASE("a dim that is the size of no input must be fixed") {
  const std::string text = kHead + R"(dim n in 1..8
graph f(x: f32[2*n]) {
  %0 = reshape(x, shape=[n,2]) : f32[n,2]
  return %0
}
)";
  const auto module = parse_for_run(text);
  CHECK(error_of([&] { Program::compile(module); }) ==
        "ArgumentError: compile: dim n of graph f is not the size of any input: give dims={'n': ...}");
  CompileOptions options;
  options.dims = {{"n", 3}};
  const auto session = Program::compile(module, options)->new_session();
  CHECK(run(*session, 0, {Array::of<float>({6}, {1, 2})})[0].shape == std::vector<std::int64_t>{3, 2});
}

TEST_CASE("panels are read as the rows they stand for") {
  const std::string head = kHead, body = R"(graph f(x: f32[2,3]) {
  %0 = matmul(x, w) : f32[2,20]
  return %0, w
}
)";
  std::vector<float> rows(60), panels(2 * 3 * 16, 0.0f);
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t n = 0; n < 20; ++n) {
      rows[k * 20 + n] = static_cast<float>(100 * k + n);
      panels[(n / 16 * 3 + k) * 16 + n % 16] = rows[k * 20 + n];
    }
  }
  const Array x = Array::of<float>({2, 3}, {1, -2, 3, 0, 1, 0.5f});
  const auto packed =
      run_text(head + "param w: f32[3,20] layout panel16\n" + body, {x}, {{"w", Array::of({96}, panels)}});
  const auto plain = run_text(head + "param w: f32[3,20]\n" + body, {x}, {{"w", Array::of({60}, rows)}});
  CHECK(packed[0].bytes == plain[0].bytes);
  CHECK(packed[1].values<float>() == rows);
}

TEST_CASE("a table that is read by rows and as the transposed operand of a product lies in panels once") {
  const std::string text = kHead + R"(param table: f32[437,40]
graph f(x: f32[3,40], i: i64[5]) {
  %0 = permute_dims(table, axes=[1,0]) : f32[40,437]
  %1 = matmul(x, %0) : f32[3,437]
  %2 = take(table, i, axis=0) : f32[5,40]
  return %1, %2
}
)";
  std::vector<float> values(437 * 40);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 101) * 0.37f;
  const auto module = parse_for_run(text, {{"table", Array::of({437, 40}, values)}});
  const std::vector<Array> inputs = {Array::of<float>({3, 40}, {0.5f, -1.25f, 3.0f}),
                                     Array::of<std::int64_t>({5}, {0, 436, -1, 16, 15})};
  CompileOptions plain;
  plain.disabled_passes = {"panel_params"};
  const auto rows = Program::compile(module, plain), panels = Program::compile(module);
  CHECK(!rows->optimized().params[0].layout.in_panels());
  CHECK(panels->optimized().params[0].layout == panels_of({0, 1}));
  const auto expected = run(*rows->new_session(), 0, inputs), got = run(*panels->new_session(), 0, inputs);
  CHECK(got[0].bytes == expected[0].bytes);
  CHECK(got[1].bytes == expected[1].bytes);
  CHECK(Program::compile(module)->optimized().params[0].data.data == panels->optimized().params[0].data.data);
}

TEST_CASE("a program that cannot run says so when it is compiled") {
  const std::string unsigned_sum = kHead + R"(graph f(x: u64[4]) {
  %0 = add(x, x) : u64[4]  @ model.py:7
  return %0
}
)";
  const std::string message = error_of([&] { Program::compile(parse_for_run(unsigned_sum)); });
  CHECK(message.starts_with("DTypeError: add: no kernel: got u64"));
  CHECK(message.ends_with("(model.py:7)"));
  const auto bare = std::make_shared<Module>(parse_module(kNetwork).module);
  CHECK(error_of([&] { Program::compile(bare); }) ==
        "ArgumentError: compile: param w0: got 0 bytes of data, expected 5280");
  CompileOptions options;
  options.max_memory_bytes = 100;
  const auto module = parse_for_run(kNetwork, network_tensors());
  CHECK(error_of([&] { Program::compile(module, options); }).starts_with("LimitError: plan: the arena"));
  options = {};
  options.num_threads = -1;
  CHECK(error_of([&] { Program::compile(module, options); }).starts_with("ArgumentError: compile: num_threads"));
  options = {};
  options.level = "mmx";
  CHECK(error_of([&] { Program::compile(module, options); }).starts_with("ArgumentError: level"));
}

TEST_CASE("huge upper bounds meet the memory limit, not the allocator") {
  const std::string text = kHead + R"(dim n in 1..1000000000000
graph f(x: f64[n]) {
  %0 = exp(x) : f64[n]
  %1 = sum(%0, axes=[0], keepdims=true) : f64[1]
  %2 = divide(%0, %1) : f64[n]
  return %2
}
)";
  CHECK(error_of([&] { run_text(text, {}); }).starts_with("LimitError: plan: the arena"));
  const std::string states = kHead +
                             "state a: f64[1000000000000] = zeros\nstate b: f64[1000000000000] = zeros\n"
                             "graph f(x: f32[1]) {\n  return x\n}\n";
  CHECK(error_of([&] {
          Program::compile(parse_for_run(states))->new_session();
        }).starts_with("LimitError: plan: states"));
}

TEST_CASE("constants are folded with the runtime's own kernels, views too") {
  const std::string text = kHead + R"(param w: f32[2,3]
graph f(x: f32[3,2]) {
  %0 = permute_dims(w, axes=[1,0]) : f32[3,2]
  %1 = exp(%0) : f32[3,2]
  %2 = add(x, %1) : f32[3,2]
  return %2
}
)";
  const Tensors tensors = {{"w", Array::of({2, 3}, wave(6, 1))}};
  const std::vector<Array> inputs = {Array::of<float>({3, 2}, {0})};
  CompileOptions plain;
  for (const Pass& pass : pipeline()) plain.disabled_passes.emplace_back(pass.name);
  CHECK(run_text(text, inputs, tensors)[0].bytes == run_text(text, inputs, tensors, plain)[0].bytes);
  const auto program = Program::compile(parse_for_run(text, tensors));
  CHECK(program->plan(0).steps.size() == 1);
}

TEST_CASE("sessions of one program run in several threads at once") {
  CompileOptions options;
  options.num_threads = 2;
  options.always_parallel = true;
  const auto program = Program::compile(parse_for_run(kNetwork, network_tensors()), options);
  const Array x = Array::of({16, 40}, wave(16 * 40, 2.0f));
  const auto expected = run(*program->new_session(), 0, {x});
  std::atomic<int> wrong{0};
  const auto work = [&] {
    const auto session = program->new_session();
    for (int i = 0; i < 50; ++i)
      if (run(*session, 0, {x})[0].bytes != expected[0].bytes) ++wrong;
  };
  std::thread a(work), b(work), c(work);
  a.join();
  b.join();
  c.join();
  CHECK(wrong.load() == 0);
}

TEST_CASE("threads that share the blocks of one sum give its bits, at every size of a dim") {
  const std::string text = kHead + R"(dim n in 1..200000
graph one(x: f32[n], y: f32[n]) {
  %0 = sum(x, axes=[0]) : f32[]
  %1 = reshape(x, shape=[1,n]) : f32[1,n]
  %2 = reshape(y, shape=[n,1]) : f32[n,1]
  %3 = matmul(%1, %2) : f32[1,1]
  %4 = exp(%3) : f32[1,1]
  return %0, %3, %4
}
)";
  CompileOptions alone, together;
  alone.num_threads = 1;
  together.num_threads = 4, together.always_parallel = true;
  const auto module = parse_for_run(text);
  const auto one = Program::compile(module, alone)->new_session(),
             many = Program::compile(module, together)->new_session();
  for (const std::int64_t n : {200000, 1, 70000, 16385, 4096}) {
    std::vector<float> x, y;
    for (std::int64_t i = 0; i < n; ++i) {
      x.push_back(static_cast<float>(i * 7919 % 1009 - 504) / 77);
      y.push_back(static_cast<float>(i * 104729 % 1013 - 506) / 5003);
    }
    const std::vector<Array> inputs = {Array::of<float>({n}, x), Array::of<float>({n}, y)};
    const std::vector<Array> expected = run(*one, 0, inputs), found = run(*many, 0, inputs);
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(found[i].bytes == expected[i].bytes);
  }
}
