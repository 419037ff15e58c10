// What the fixed order of sums costs: programs of one op, whose sums docs/numerics.md orders, beside plain loops that
// sum in any order (free_order.h). Both read the same arrays and run in turn; GB/s of the inputs, medians of rounds,
// the ratio of the times. Meaningful on a quiet machine only.
// Build and run: cmake --build <dir> --target orders_benchmark && <dir>/orders_benchmark [threads] [part of a name]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "execute/pool.h"
#include "free_order.h"
#include "graph/text.h"
#include "program.h"
#include "verify/verify.h"

namespace {

using Shape = std::vector<std::int64_t>;
using Inputs = std::vector<float*>;

constexpr int kMostThreads = 64;
constexpr std::int64_t kMostFloats = std::int64_t{72} << 20;  // of all inputs of a case
constexpr double kRoundUs = 1500;
constexpr int kRounds = 25;
constexpr std::int64_t kMegabyte = 1 << 20;

enum class Join { kNone, kAdd, kLarger };  // what is done with the results of the parts

struct Case {
  std::string name;
  std::string ops;  // of inputs a, b; the result is %r
  std::vector<Shape> inputs;
  Shape output;
  // Part t of n into out; with a join, every part gives all of the output.
  std::function<void(const Inputs& in, float* out, std::int64_t t, std::int64_t n)> part;
  Join join = Join::kNone;
};

std::int64_t count(const Shape& shape) {
  std::int64_t n = 1;
  for (const std::int64_t size : shape) n *= size;
  return n;
}

std::string type_text(const Shape& shape) {
  std::string text = "f32[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string module_text(const Case& c) {
  std::string text = "ingot 1\nnumerics 1\ngraph g(";
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    text += std::string(i > 0 ? ", " : "") + (i == 0 ? "a" : "b") + ": " + type_text(c.inputs[i]);
  }
  return text + ") {\n" + c.ops + "  return %0\n}\n";
}

std::string one_op(const std::string& call, const Shape& output) {
  return "  %0 = " + call + " : " + type_text(output) + "\n";
}

ingot::ArrayRef array(float* data, const Shape& shape) {
  ingot::ArrayRef ref = {.data = data, .dtype = ingot::DType::kF32, .rank = static_cast<int>(shape.size())};
  std::int64_t stride = sizeof(float);
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    ref.shape[axis] = shape[axis];
    ref.strides[axis] = stride;
    stride *= shape[axis];
  }
  return ref;
}

// Positions of part t of n, in whole steps.
struct Range {
  std::int64_t begin, size;
  Range(std::int64_t all, std::int64_t t, std::int64_t n, std::int64_t step = 16) {
    const auto cut = [&](std::int64_t i) { return i == n ? all : all * i / n / step * step; };
    begin = cut(t);
    size = cut(t + 1) - begin;
  }
};

Case matrix_vector(std::int64_t bytes) {
  const std::int64_t k = 1024, rows = bytes / 4 / k;
  return {"matrix [m,1024] times vector",
          one_op("matmul(a, b)", {rows, 1}),
          {{rows, k}, {k, 1}},
          {rows, 1},
          [=](const Inputs& in, float* out, std::int64_t t, std::int64_t n) {
            const Range r(rows, t, n);
            free_order::times_vector(in[0] + r.begin * k, in[1], r.size, k, out + r.begin);
          }};
}

Case vector_matrix(std::int64_t bytes) {
  const std::int64_t columns = 10, k = bytes / 4 / columns;
  return {"vector times matrix [k,10]",
          one_op("matmul(b, a)", {1, columns}),
          {{k, columns}, {1, k}},
          {1, columns},
          [=](const Inputs& in, float* out, std::int64_t t, std::int64_t n) {
            const Range r(k, t, n);
            free_order::vector_times(in[1] + r.begin, in[0] + r.begin * columns, r.size, columns, out);
          },
          Join::kAdd};
}

Case vector_transposed_matrix(std::int64_t bytes) {
  const std::int64_t columns = 10, k = bytes / 4 / columns;
  return {
      "vector times matrix [10,k] transposed",
      "  %1 = permute_dims(a, axes=[1,0]) : " + type_text({k, columns}) + "\n" + one_op("matmul(b, %1)", {1, columns}),
      {{columns, k}, {1, k}},
      {1, columns},
      [=](const Inputs& in, float* out, std::int64_t t, std::int64_t n) {
        const Range r(columns, t, n, 1);
        free_order::times_vector(in[0] + r.begin * k, in[1], r.size, k, out + r.begin);
      }};
}

// 12 heads of 64, one query each: 256 keys fit in the second-level cache.
Case query_values(std::int64_t bytes) {
  const std::int64_t keys = bytes <= kMegabyte ? 256 : 1024, width = 64;
  const std::int64_t batch = std::max<std::int64_t>(bytes / (12 * keys * width * 4), 1) * 12;
  return {"12 b queries times values [" + std::to_string(keys) + ",64]",
          one_op("matmul(b, a)", {batch, 1, width}),
          {{batch, keys, width}, {batch, 1, keys}},
          {batch, 1, width},
          [=](const Inputs& in, float* out, std::int64_t t, std::int64_t n) {
            const Range r(batch, t, n, 1);
            for (std::int64_t i = r.begin; i < r.begin + r.size; ++i) {
              free_order::vector_times(in[1] + i * keys, in[0] + i * keys * width, keys, width, out + i * width);
            }
          }};
}

Case query_keys(std::int64_t bytes) {
  const std::int64_t keys = bytes <= kMegabyte ? 256 : 1024, width = 64;
  const std::int64_t batch = std::max<std::int64_t>(bytes / (12 * keys * width * 4), 1) * 12;
  return {"12 b queries times keys [" + std::to_string(keys) + ",64] transposed",
          "  %1 = permute_dims(a, axes=[0,2,1]) : " + type_text({batch, width, keys}) + "\n" +
              one_op("matmul(b, %1)", {batch, 1, keys}),
          {{batch, keys, width}, {batch, 1, width}},
          {batch, 1, keys},
          [=](const Inputs& in, float* out, std::int64_t t, std::int64_t n) {
            const Range r(batch, t, n, 1);
            for (std::int64_t i = r.begin; i < r.begin + r.size; ++i) {
              free_order::times_vector(in[0] + i * keys * width, in[1] + i * width, keys, width, out + i * keys);
            }
          }};
}

Case dot_product(std::int64_t n, bool matmul) {
  const Shape left = matmul ? Shape{1, n} : Shape{n}, right = matmul ? Shape{n, 1} : Shape{n};
  const Shape output = matmul ? Shape{1, 1} : Shape{};
  return {matmul ? "matmul [1,k] [k,1]" : "sum(a * b)",
          matmul ? one_op("matmul(a, b)", output)
                 : "  %1 = multiply(a, b) : " + type_text(left) + "\n" + one_op("sum(%1, axes=[0])", output),
          {left, right},
          output,
          [=](const Inputs& in, float* out, std::int64_t t, std::int64_t parts) {
            const Range r(n, t, parts);
            *out = free_order::dot(in[0] + r.begin, in[1] + r.begin, r.size);
          },
          Join::kAdd};
}

Case column_sums(std::int64_t bytes, std::int64_t columns) {
  const std::int64_t rows = bytes / 4 / columns;
  const bool wide = columns > 128;  // threads share columns
  return {"sums of columns [m," + std::to_string(columns) + "]",
          one_op("sum(a, axes=[0])", {columns}),
          {{rows, columns}},
          {columns},
          [=](const Inputs& in, float* out, std::int64_t t, std::int64_t n) {
            const Range r(wide ? columns : rows, t, n);
            if (wide) return free_order::column_sums(in[0] + r.begin, rows, columns, r.size, out + r.begin);
            free_order::column_sums(in[0] + r.begin * columns, r.size, columns, columns, out);
          },
          wide ? Join::kNone : Join::kAdd};
}

Case row_sums(std::int64_t bytes, std::int64_t columns) {
  const std::int64_t rows = bytes / 4 / columns;
  return {"sums of rows [m," + std::to_string(columns) + "]",
          one_op("sum(a, axes=[1])", {rows}),
          {{rows, columns}},
          {rows},
          [=](const Inputs& in, float* out, std::int64_t t, std::int64_t n) {
            const Range r(rows, t, n);
            free_order::row_sums(in[0] + r.begin * columns, r.size, columns, out + r.begin);
          }};
}

Case full_sum(std::int64_t n) {
  return {"sum of all",
          one_op("sum(a, axes=[0])", {}),
          {{n}},
          {},
          [=](const Inputs& in, float* out, std::int64_t t, std::int64_t parts) {
            const Range r(n, t, parts);
            *out = free_order::sum(in[0] + r.begin, r.size);
          },
          Join::kAdd};
}

Case full_maximum(std::int64_t n) {
  return {"maximum of all",
          one_op("max(a, axes=[0])", {}),
          {{n}},
          {},
          [=](const Inputs& in, float* out, std::int64_t t, std::int64_t parts) {
            const Range r(n, t, parts);
            *out = free_order::maximum(in[0] + r.begin, r.size);
          },
          Join::kLarger};
}

// The free kernel on some threads.
class FreeRun {
 public:
  FreeRun(const Case& c, const Inputs& inputs, float* output, int threads)
      : case_(c), inputs_(inputs), output_(output), threads_(threads) {
    if (c.join != Join::kNone) parts_.resize(static_cast<std::size_t>(count(c.output) * threads));
  }

  void run() {
    if (threads_ == 1) return case_.part(inputs_, output_, 0, 1);
    ingot::begin_run(threads_);
    ingot::parallel_for(run_parts, this, threads_, threads_);
    ingot::end_run();
    if (case_.join != Join::kNone) join();
  }

 private:
  static void run_parts(void* context, std::int64_t begin, std::int64_t end, int) {
    FreeRun& self = *static_cast<FreeRun*>(context);
    for (std::int64_t t = begin; t < end; ++t) {
      float* const to = self.parts_.empty() ? self.output_ : self.parts_.data() + t * count(self.case_.output);
      self.case_.part(self.inputs_, to, t, self.threads_);
    }
  }

  void join() {
    const std::int64_t n = count(case_.output);
    for (std::int64_t i = 0; i < n; ++i) {
      float value = parts_[static_cast<std::size_t>(i)];
      for (int t = 1; t < threads_; ++t) {
        const float other = parts_[static_cast<std::size_t>(t * n + i)];
        value = case_.join == Join::kAdd ? value + other : std::max(value, other);
      }
      output_[i] = value;
    }
  }

  const Case& case_;
  const Inputs& inputs_;
  float* output_;
  int threads_;
  std::vector<float> parts_;
};

double time_us(const std::function<void()>& call, int times) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) call();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / times;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void expect_close(const Case& c, const std::vector<float>& a, const std::vector<float>& b) {
  float largest = 1;
  for (const float x : a) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::abs(a[i] - b[i]) <= 1e-3f * largest) continue;
    std::fprintf(stderr, "%s: element %zu is %g, expected %g\n", c.name.c_str(), i, a[i], b[i]);
    std::exit(1);
  }
}

void measure(const Case& c, float* data, int threads) {
  auto module = std::make_shared<ingot::Module>(ingot::parse_module(module_text(c)).module);
  ingot::verify(*module);
  ingot::CompileOptions options;
  options.num_threads = threads;
  const auto session = ingot::Program::compile(module, options)->new_session();
  std::vector<float> ours(static_cast<std::size_t>(count(c.output))), theirs(ours.size());
  Inputs inputs;
  std::vector<ingot::ArrayRef> in;
  double bytes = 0;
  for (const Shape& shape : c.inputs) {
    inputs.push_back(data);
    in.push_back(array(data, shape));
    data += count(shape) + 16;
    bytes += static_cast<double>(count(shape)) * sizeof(float);
  }
  const std::vector<ingot::ArrayRef> out = {array(ours.data(), c.output)};
  FreeRun free_run(c, inputs, theirs.data(), threads);
  const std::function<void()> fixed = [&] { session->run(0, in, out); }, free = [&] { free_run.run(); };
  fixed(), free();
  expect_close(c, ours, theirs);
  const int fixed_times = std::max(1, static_cast<int>(kRoundUs / time_us(fixed, 3)));
  const int free_times = std::max(1, static_cast<int>(kRoundUs / time_us(free, 3)));
  std::vector<double> fixed_us, free_us, ratios;
  for (int round = 0; round < kRounds; ++round) {
    if (round % 2 == 0) fixed_us.push_back(time_us(fixed, fixed_times));
    free_us.push_back(time_us(free, free_times));
    if (round % 2 != 0) fixed_us.push_back(time_us(fixed, fixed_times));
    ratios.push_back(fixed_us.back() / free_us.back());
  }
  std::printf("| %-52s | %8.2f | %9.1f | %6.1f | %6.1f | %5.2f |\n", c.name.c_str(), bytes / 1e6, median(fixed_us),
              bytes / median(fixed_us) / 1e3, bytes / median(free_us) / 1e3, median(ratios));
  std::fflush(stdout);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::int64_t bytes : {kMegabyte, 16 * kMegabyte, 256 * kMegabyte}) {
    all.push_back(matrix_vector(bytes));
    all.push_back(vector_matrix(bytes));
    all.push_back(vector_transposed_matrix(bytes));
    all.push_back(query_values(bytes));
    all.push_back(query_keys(bytes));
    all.push_back(dot_product(bytes / 8, false));
    all.push_back(dot_product(bytes / 8, true));
    if (bytes == kMegabyte) all.push_back(dot_product(64 * 1024, false)), all.push_back(dot_product(64 * 1024, true));
    for (const std::int64_t columns : {16, 64, 1024}) all.push_back(column_sums(bytes, columns));
    for (const std::int64_t columns : {64, 1024}) all.push_back(row_sums(bytes, columns));
    all.push_back(full_sum(bytes / 4));
    all.push_back(full_maximum(bytes / 4));
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::clamp(std::atoi(argv[1]), 1, kMostThreads) : 1;
  const std::string part = argc > 2 ? argv[2] : "";
  std::vector<float> data(static_cast<std::size_t>(kMostFloats));
  std::minstd_rand random(1);
  for (float& x : data) x = static_cast<float>(random() % 2001) / 1000 - 1;
  if (threads > 1) ingot::reserve_threads(threads);
  std::printf("%d thread%s\n\n| shape | MB | fixed order, us | GB/s | free order, GB/s | time to free |\n", threads,
              threads > 1 ? "s" : "");
  std::printf("| --- | --- | --- | --- | --- | --- |\n");
  try {
    for (const Case& c : cases()) {
      if (c.name.find(part) != std::string::npos) measure(c, data.data(), threads);
    }
  } catch (const ingot::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
