// Packed modules: what a program of one holds is the module's own memory.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "execute/levels.h"
#include "pack_module.h"
#include "run_text.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

const std::string kText = R"(ingot 1
numerics 1
param w: f32[40,24]
param second = w
param b: f32[24]
param v: f64[24,40]
param tiny: f32[40,3]
graph f(x: f32[3,40], y: f64[2,24]) {
  %0 = matmul(x, w) : f32[3,24]
  %1 = add(%0, b) : f32[3,24]
  %2 = matmul(x, second) : f32[3,24]
  %3 = multiply(%1, %2) : f32[3,24]
  %4 = matmul(y, v) : f64[2,40]
  %5 = matmul(x, tiny) : f32[3,3]
  return %3, %4, %5
}
)";

template <class T>
Array numbers(std::vector<std::int64_t> shape, std::size_t count) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<T>(i % 89) * T{0.25} - T{7};
  return Array::of(std::move(shape), values);
}

std::shared_ptr<const Module> module() {
  return parse_for_run(kText, {{"w", numbers<float>({40, 24}, 960)},
                               {"b", numbers<float>({24}, 24)},
                               {"v", numbers<double>({24, 40}, 960)},
                               {"tiny", numbers<float>({40, 3}, 120)}});
}

// f32[40,24] in the memory of f32[24,40].
ArrayRef columns_first(Array& array) {
  ArrayRef turned = array.ref();
  std::swap(turned.shape[0], turned.shape[1]);
  std::swap(turned.strides[0], turned.strides[1]);
  return turned;
}

}  // namespace

TEST_CASE("a packed module is used where it lies, at every level") {
  const auto packed = std::make_shared<const Module>(pack_module(module()));
  CHECK(packed->params[0].layout == panels_of({1, 0}));
  CHECK(packed->params[1].layout == panels_of({1, 0}));  // the second name
  CHECK(packed->params[1].data.data == nullptr);
  CHECK(packed->params[3].layout == panels_of({1, 0}));
  CHECK(packed->params[4].layout == kRowMajor);  // panels would be mostly zeros
  for (const KernelTable* level : available_levels()) {
    CompileOptions options;
    options.level = level->level;
    const auto program = Program::compile(packed, options);
    for (std::size_t i = 0; i < packed->params.size(); ++i) {
      CHECK(program->optimized().params[i].data.data == packed->params[i].data.data);
    }
  }
}

TEST_CASE("a packed module gives the bits of the module") {
  const std::vector<Array> inputs = {numbers<float>({3, 40}, 120), numbers<double>({2, 24}, 48)};
  const auto plain = module();
  const auto packed = std::make_shared<const Module>(pack_module(plain));
  const auto expected = run(*Program::compile(plain)->new_session(), 0, inputs);
  const auto results = run(*Program::compile(packed)->new_session(), 0, inputs);
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(results[i].bytes == expected[i].bytes);
}

TEST_CASE("packing leaves the module that it was given as it was") {
  const auto plain = module();
  const std::byte* const before = plain->params[0].data.data;
  pack_module(plain);
  CHECK(plain->params[0].data.data == before);
  CHECK(plain->params[0].layout == kRowMajor);
}

TEST_CASE("params of a packed module are replaced by rows, under both names") {
  const std::vector<Array> inputs = {numbers<float>({3, 40}, 120), numbers<double>({2, 24}, 48)};
  Array other = numbers<float>({24, 40}, 960);
  const auto packed = std::make_shared<const Module>(pack_module(module()));
  CompileOptions options;
  options.verify_passes = true;
  const auto replace = [&](const std::shared_ptr<const Module>& from) {
    const std::pair<std::string, ArrayRef> params[] = {{"second", columns_first(other)}};
    return run(*Program::compile(from, options)->with_params(params)->new_session(), 0, inputs);
  };
  const auto expected = replace(module()), results = replace(packed);
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(results[i].bytes == expected[i].bytes);
}

TEST_CASE("a packed module read as rows is laid back once for all programs, and shares the rest") {
  const std::vector<Array> inputs = {numbers<float>({3, 40}, 120), numbers<double>({2, 24}, 48)};
  const auto plain = module();
  const auto packed = std::make_shared<const Module>(pack_module(plain));
  const auto expected = run(*Program::compile(plain)->new_session(), 0, inputs);
  CompileOptions options;
  options.disabled_passes = {"panel_params"};
  for (const int num_threads : {1, 2}) {
    options.num_threads = num_threads;
    const auto one = Program::compile(packed, options), two = Program::compile(packed, options);
    for (std::size_t i = 0; i < plain->params.size(); ++i) {
      const TensorData &rows = one->optimized().params[i].data, &given = plain->params[i].data;
      CHECK(one->optimized().params[i].layout == kRowMajor);
      CHECK(rows.data == two->optimized().params[i].data.data);
      REQUIRE(rows.size_bytes == given.size_bytes);
      if (given.size_bytes > 0) CHECK(std::memcmp(rows.data, given.data, given.size_bytes) == 0);
    }
    const auto results = run(*one->new_session(), 0, inputs);
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(results[i].bytes == expected[i].bytes);
  }
}

TEST_CASE("large params lie in panels as small ones do, at every level and number of threads") {
  const std::string text = R"(ingot 1
numerics 1
param w: f32[1003,600]
param v: f32[600,1003]
graph f(x: f32[3,1003], y: f32[3,1003]) {
  %0 = matmul(x, w) : f32[3,600]
  %1 = permute_dims(v, axes=[1,0]) : f32[1003,600]
  %2 = matmul(y, %1) : f32[3,600]
  return %0, %2
}
)";
  const auto plain =
      parse_for_run(text, {{"w", numbers<float>({1003, 600}, 601800)}, {"v", numbers<float>({600, 1003}, 601800)}});
  for (const KernelTable* level : available_levels()) {
    CompileOptions options;
    options.level = level->level;
    for (options.num_threads = 1; options.num_threads <= 2; ++options.num_threads) {
      const Module packed = pack_module(plain, options);
      for (std::size_t i = 0; i < 2; ++i) {
        const Param& param = packed.params[i];
        REQUIRE(param.layout == (i == 0 ? panels_of({1, 0}) : panels_of({0, 1})));
        const TensorData& rows = plain->params[i].data;
        const auto expected = panels_of_rows(param.type, param.layout, {rows.data, rows.size_bytes});
        REQUIRE(param.data.size_bytes == expected.size());
        CHECK(std::memcmp(param.data.data, expected.data(), expected.size()) == 0);
      }
    }
  }
}
