// Movement and indexing kernels against element-by-element statements: every element size, any strides, every level.
#include "kernel_test.h"
#define INGOT_LEVEL generic
#include "kernels/element.h"

namespace ingot::kernel_test {
namespace {

#define EVERY_SIZE std::uint8_t, std::int16_t, float, double, std::complex<double>

Sizes random_shape(Rng& rng, std::int64_t min_rank, std::int64_t max_rank) {
  Sizes shape;
  const std::int64_t rank = pick(rng, min_rank, max_rank);
  const bool big = pick(rng, 0, 5) == 0;
  for (std::int64_t i = 0; i < rank; ++i) {
    shape.push_back(pick(rng, 0, 15) == 0 ? 0 : pick(rng, 1, big && i + 2 >= rank ? 150 : 6));
  }
  return shape;
}

Sizes unflatten(std::int64_t flat, const Sizes& shape) {
  Sizes index(shape.size());
  for (std::size_t i = shape.size(); i-- > 0;) {
    index[i] = flat % shape[i];
    flat /= shape[i];
  }
  return index;
}

// The tensor whose element at every index is f(index).
template <class T, class F>
std::vector<T> build(const Sizes& shape, const F& f) {
  std::vector<T> out;
  for (std::int64_t i = 0; i < product(shape); ++i) out.push_back(f(unflatten(i, shape)));
  return out;
}

template <class Index>
Tensor<Index> index_tensor(Rng& rng, const Sizes& shape, std::int64_t extent) {
  Tensor<Index> x = random_tensor<Index>(rng, shape);
  for (Index& value : x.storage) value = static_cast<Index>(pick(rng, -extent, extent - 1));
  return x;
}

// Error words of a call that must fail, one per level; all must be equal.
template <class T>
ErrorWord error_everywhere(const char* op, std::vector<TensorArg> inputs, const Sizes& shape, AttrBuffer attrs,
                           Rng& rng) {
  return run_everywhere<T>(op, dtype_of<T>(), inputs, shape, attrs, rng, [](const std::string&, const Tensor<T>&) {});
}

}  // namespace

TEST_CASE("kernels know dtype codes and sizes as base/dtype.h has them") {
  CHECK(static_cast<int>(DType::kBool) == generic::kBoolType);
  CHECK(static_cast<int>(DType::kI32) == generic::kI32Type);
  CHECK(static_cast<int>(DType::kI64) == generic::kI64Type);
  CHECK(static_cast<int>(DType::kF32) == generic::kF32Type);
  CHECK(static_cast<int>(DType::kF64) == generic::kF64Type);
  const std::size_t known = sizeof(generic::kElementBytes);
  CHECK(known == static_cast<std::size_t>(DType::kC128) + 1);
  const std::uint8_t sizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
  for (std::size_t i = 0; i < known; ++i) CHECK(generic::kElementBytes[i] == sizes[i]);
}

TEST_CASE_TEMPLATE("copy makes any view contiguous", T, EVERY_SIZE) {
  Rng rng(21);
  for (int i = 0; i < rounds(150); ++i) {
    Tensor<T> x = random_tensor<T>(rng, random_shape(rng, 0, 5));
    const auto expected = build<T>(x.shape, [&](const Sizes& index) { return x.at(index); });
    expect_everywhere<T>("copy", dtype_of<T>(), {x.arg()}, x.shape, expected, {}, rng);
  }
}

TEST_CASE_TEMPLATE("copy transposes large matrices", T, EVERY_SIZE) {
  Rng rng(22);
  Tensor<T> x = random_tensor<T>(rng, {3, 130, 150}, Walk::kContiguous);
  x.shape = {150, 3, 130};
  x.strides = {1, 130 * 150, 150};
  const auto expected = build<T>(x.shape, [&](const Sizes& index) { return x.at(index); });
  expect_everywhere<T>("copy", dtype_of<T>(), {x.arg()}, x.shape, expected, {}, rng);
}

TEST_CASE_TEMPLATE("concat lays its operands end to end along the axis", T, EVERY_SIZE) {
  Rng rng(23);
  for (int i = 0; i < rounds(100); ++i) {
    const Sizes base = random_shape(rng, 1, 4);
    const std::int64_t axis = pick(rng, 0, static_cast<std::int64_t>(base.size()) - 1);
    const auto at = static_cast<std::size_t>(axis);
    std::vector<Tensor<T>> parts;
    std::vector<TensorArg> args;
    Sizes shape = base;
    shape[at] = 0;
    for (std::int64_t n = pick(rng, 1, 5); n > 0; --n) {
      Sizes own = base;
      own[at] = pick(rng, 0, 5);
      shape[at] += own[at];
      parts.push_back(random_tensor<T>(rng, own));
    }
    for (Tensor<T>& part : parts) args.push_back(part.arg());
    const auto expected = build<T>(shape, [&](Sizes index) {
      std::size_t part = 0;
      for (; index[at] >= parts[part].shape[at]; ++part) index[at] -= parts[part].shape[at];
      return parts[part].at(index);
    });
    expect_everywhere<T>("concat", dtype_of<T>(), args, shape, expected, {{axis}}, rng);
  }
}

TEST_CASE_TEMPLATE("pad surrounds the operand with the value", T, EVERY_SIZE) {
  Rng rng(24);
  for (int i = 0; i < rounds(150); ++i) {
    Tensor<T> x = random_tensor<T>(rng, random_shape(rng, 0, 4)), value = random_tensor<T>(rng, {});
    Sizes low, high, shape = x.shape;
    for (std::int64_t& size : shape) {
      low.push_back(pick(rng, 0, 3));
      high.push_back(pick(rng, 0, 3));
      size += low.back() + high.back();
    }
    const auto expected = build<T>(shape, [&](Sizes index) {
      for (std::size_t n = 0; n < shape.size(); ++n) {
        index[n] -= low[n];
        if (index[n] < 0 || index[n] >= x.shape[n]) return value.at({});
      }
      return x.at(index);
    });
    expect_everywhere<T>("pad", dtype_of<T>(), {x.arg(), value.arg()}, shape, expected, {low, high}, rng);
  }
}

TEST_CASE_TEMPLATE("arange counts from zero", T, float, double, std::int32_t, std::int64_t) {
  Rng rng(25);
  for (const std::int64_t n : {0, 1, 7, 8192, 20001}) {
    const auto expected = build<T>({n}, [](const Sizes& index) { return static_cast<T>(index[0]); });
    expect_everywhere<T>("arange", dtype_of<T>(), {}, {n}, expected, {{n}, {static_cast<int>(dtype_of<T>())}}, rng);
    expect_everywhere<T>("size", dtype_of<T>(), {}, {}, {static_cast<T>(n)}, {{n}, {0}}, rng);
  }
}

TEST_CASE_TEMPLATE("take gathers along the axis, negative indices from the end", T, EVERY_SIZE) {
  Rng rng(26);
  for (int i = 0; i < rounds(150); ++i) {
    Tensor<T> x = random_tensor<T>(rng, random_shape(rng, 1, 3));
    const std::int64_t axis = pick(rng, 0, static_cast<std::int64_t>(x.shape.size()) - 1);
    const auto at = static_cast<std::size_t>(axis);
    if (x.shape[at] == 0) continue;
    Tensor<std::int32_t> narrow = index_tensor<std::int32_t>(rng, random_shape(rng, 0, 2), x.shape[at]);
    Tensor<std::int64_t> wide = index_tensor<std::int64_t>(rng, narrow.shape, x.shape[at]);
    const bool is_wide = pick(rng, 0, 1) == 0;
    Sizes shape(x.shape.begin(), x.shape.begin() + axis);
    shape.insert(shape.end(), narrow.shape.begin(), narrow.shape.end());
    shape.insert(shape.end(), x.shape.begin() + axis + 1, x.shape.end());
    const auto expected = build<T>(shape, [&](const Sizes& index) {
      const auto begin = index.begin() + axis, end = begin + static_cast<std::int64_t>(narrow.shape.size());
      const std::int64_t found = is_wide ? wide.at(Sizes(begin, end)) : narrow.at(Sizes(begin, end));
      Sizes own(index.begin(), begin);
      own.push_back(found < 0 ? found + x.shape[at] : found);
      own.insert(own.end(), end, index.end());
      return x.at(own);
    });
    const TensorArg indices = is_wide ? wide.arg() : narrow.arg();
    expect_everywhere<T>("take", dtype_of<T>(), {x.arg(), indices}, shape, expected, {{axis}}, rng);
  }
}

TEST_CASE_TEMPLATE("take reads rows of a matrix in panels", T, float, double) {
  Rng rng(17);
  for (const auto& [rows, columns] : {std::pair{1, 1}, std::pair{16, 5}, std::pair{37, 33}, std::pair{50, 1}}) {
    Tensor<T> x = random_tensor<T>(rng, {rows, columns}, Walk::kContiguous);
    Tensor<T> panels = in_panels(x, {0, 1});
    std::vector<std::int64_t> at = {0, rows - 1, -1, rows / 2, -rows};
    std::vector<T> expected;
    for (const std::int64_t index : at) {
      for (std::int64_t j = 0; j < columns; ++j) expected.push_back(x.at({index < 0 ? index + rows : index, j}));
    }
    Tensor<std::int64_t> indices = contiguous<std::int64_t>({5});
    indices.storage = at;
    expect_everywhere<T>("take", dtype_of<T>(), {panel_arg(panels, x), indices.arg()}, {5, columns}, expected, {{0}},
                         rng);
  }
}

TEST_CASE("panels hold zeros where the matrix has ended") {
  Rng rng(18);
  for (const Sizes& order : {Sizes{1, 0}, Sizes{0, 1}, Sizes{0, 2, 3, 1}}) {
    const Sizes shape = order.size() == 2 ? Sizes{35, 70} : Sizes{21, 5, 3, 2};
    Tensor<float> x = random_tensor<float>(rng, shape, Walk::kContiguous);
    const Tensor<float> panels = in_panels(x, order);
    const TensorType type = {DType::kF32, Shape(shape.begin(), shape.end())};
    const auto expected = panels_of_rows(type, panels_of(order), std::as_bytes(std::span(x.storage)));
    REQUIRE(expected.size() == panels.storage.size() * sizeof(float));
    CHECK(std::memcmp(expected.data(), panels.storage.data(), expected.size()) == 0);
    const auto back = rows_of_panels(type, panels_of(order), expected);
    CHECK(std::memcmp(back.data(), x.storage.data(), back.size()) == 0);
  }
}

TEST_CASE("take reports the first index out of range, whatever the order of the tiles") {
  Rng rng(27);
  Tensor<float> x = random_tensor<float>(rng, {5, 2000});
  Tensor<std::int64_t> indices = contiguous<std::int64_t>({4, 5});
  indices.storage[19] = 5;
  indices.storage[7] = -6;
  for (int i = 0; i < 10; ++i) {
    const ErrorWord error = error_everywhere<float>("take", {x.arg(), indices.arg()}, {4, 5, 2000}, {{0}}, rng);
    CHECK(error.set == 1);
    CHECK(error.element == 7);
    CHECK(error.value == -6);
    CHECK(error.extent == 5);
  }
}

TEST_CASE("take checks indices where the result or the axis is empty") {
  Rng rng(28);
  Tensor<float> x = random_tensor<float>(rng, {3, 0}), none = random_tensor<float>(rng, {0, 3});
  Tensor<std::int64_t> indices = contiguous<std::int64_t>({2});
  indices.storage[1] = 3;
  CHECK(error_everywhere<float>("take", {x.arg(), indices.arg()}, {2, 0}, {{0}}, rng).element == 1);
  CHECK(error_everywhere<float>("take", {none.arg(), indices.arg()}, {0, 2}, {{1}}, rng).element == 1);
  CHECK(error_everywhere<float>("take", {none.arg(), indices.arg()}, {2, 3}, {{0}}, rng).set == 1);
  Tensor<std::int64_t> extreme = contiguous<std::int64_t>({1});
  for (const std::int64_t value :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    extreme.storage[0] = value;
    CHECK(error_everywhere<float>("take", {x.arg(), extreme.arg()}, {1, 0}, {{0}}, rng).value == value);
  }
}

TEST_CASE_TEMPLATE("dynamic_slice copies the window, dynamic_update_slice replaces it", T, EVERY_SIZE) {
  Rng rng(29);
  for (int i = 0; i < rounds(200); ++i) {
    Tensor<T> x = random_tensor<T>(rng, random_shape(rng, 0, 4));
    Sizes sizes, at;
    Tensor<std::int32_t> start = random_tensor<std::int32_t>(rng, {static_cast<std::int64_t>(x.shape.size())});
    if (!start.shape.empty() && start.strides[0] == 0) continue;
    for (std::size_t n = 0; n < x.shape.size(); ++n) {
      sizes.push_back(pick(rng, 0, x.shape[n]));
      at.push_back(pick(rng, 0, x.shape[n] - sizes[n]));
      const bool from_end = at[n] < x.shape[n] && pick(rng, 0, 1) == 0;
      start.storage[static_cast<std::size_t>(start.offset + static_cast<std::int64_t>(n) * start.strides[0])] =
          static_cast<std::int32_t>(from_end ? at[n] - x.shape[n] : at[n]);
    }
    const auto window = build<T>(sizes, [&](Sizes index) {
      for (std::size_t n = 0; n < index.size(); ++n) index[n] += at[n];
      return x.at(index);
    });
    expect_everywhere<T>("dynamic_slice", dtype_of<T>(), {x.arg(), start.arg()}, sizes, window, {sizes}, rng);

    Tensor<T> update = random_tensor<T>(rng, sizes);
    const auto updated = build<T>(x.shape, [&](const Sizes& index) {
      Sizes own = index;
      for (std::size_t n = 0; n < own.size(); ++n) {
        own[n] -= at[n];
        if (own[n] < 0 || own[n] >= sizes[n]) return x.at(index);
      }
      return update.at(own);
    });
    expect_everywhere<T>("dynamic_update_slice", dtype_of<T>(), {x.arg(), update.arg(), start.arg()}, x.shape, updated,
                         {}, rng);
    const TensorArg in_place[] = {x.arg(), update.arg(), start.arg()};
    for (const std::string& place : places({std::begin(in_place), std::end(in_place)})) {
      Tensor<T> target = contiguous<T>(x.shape);
      for (std::int64_t e = 0; e < product(x.shape); ++e) target.storage[static_cast<std::size_t>(e)] = x[e];
      const TensorArg output = target.arg(), inputs[] = {output, update.arg(), start.arg()};
      ErrorWord error{};
      const KernelCall call{&output, inputs, 1, 3, nullptr, nullptr, nullptr, &error};
      run_at(place, "dynamic_update_slice", dtype_of<T>(), call, rng);
      CHECK(error.set == 0);
      CHECK(std::equal(updated.begin(), updated.end(), target.storage.begin(), same_bits<T>));
    }
  }
}

TEST_CASE("dynamic windows are never clamped") {
  Rng rng(30);
  Tensor<float> x = random_tensor<float>(rng, {4, 6}), update = random_tensor<float>(rng, {2, 3});
  Tensor<std::int64_t> start = contiguous<std::int64_t>({2});
  for (const auto& [first, second, element] :
       {std::array<std::int64_t, 3>{0, 4, 1}, {3, 0, 0}, {-5, 0, 0}, {0, -2, 1}, {-1, 4, 0}}) {
    start.storage = {first, second};
    const ErrorWord sliced = error_everywhere<float>("dynamic_slice", {x.arg(), start.arg()}, {2, 3}, {{2, 3}}, rng);
    CHECK(sliced.set == 1);
    CHECK(sliced.element == element);
    CHECK(sliced.value == start.storage[static_cast<std::size_t>(element)]);
    CHECK(sliced.extent == x.shape[static_cast<std::size_t>(element)]);
    const ErrorWord updated =
        error_everywhere<float>("dynamic_update_slice", {x.arg(), update.arg(), start.arg()}, {4, 6}, {}, rng);
    CHECK(updated.element == element);
  }
}

}  // namespace ingot::kernel_test
