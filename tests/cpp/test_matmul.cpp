// matmul against a scalar statement of rule 3 of docs/numerics.md: same bits at every level, in any tile ranges.
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

// Blocks of 256 over k; in a block a left fold of fma from +0; the total is the first block's sum, then each next
// added.
template <class T>
T dot_in_order(const Tensor<T>& a, const Tensor<T>& b, Sizes a_index, Sizes b_index, std::int64_t k) {
  if constexpr (std::is_floating_point_v<T>) {
    T total = 0;
    for (std::int64_t begin = 0; begin < k; begin += 256) {
      T sum = 0;
      for (std::int64_t i = begin; i < std::min(k, begin + 256); ++i) {
        a_index.back() = b_index[b_index.size() - 2] = i;
        sum = std::fma(a.at(a_index), b.at(b_index), sum);
      }
      total = begin == 0 ? sum : total + sum;
    }
    return total;
  } else {
    using U = std::make_unsigned_t<T>;
    U total = 0;
    for (std::int64_t i = 0; i < k; ++i) {
      a_index.back() = b_index[b_index.size() - 2] = i;
      total = total + static_cast<U>(a.at(a_index)) * static_cast<U>(b.at(b_index));
    }
    return static_cast<T>(total);
  }
}

// Index of an operand for a flat batch position of the result, with room for the last two axes.
Sizes batch_index(const Sizes& shape, const Sizes& result, std::int64_t flat) {
  Sizes index(shape.size(), 0);
  for (std::size_t n = result.size() - 2; n-- > 0;) {
    const std::int64_t at = flat % result[n];
    flat /= result[n];
    const std::int64_t own = static_cast<std::int64_t>(n) + static_cast<std::int64_t>(shape.size() - result.size());
    if (own >= 0 && shape[static_cast<std::size_t>(own)] != 1) index[static_cast<std::size_t>(own)] = at;
  }
  return index;
}

template <class T>
void check_matmul(Rng& rng, Tensor<T> a, Tensor<T> b) {
  const std::size_t rank = std::max(a.shape.size(), b.shape.size());
  Sizes shape(rank, 1);
  for (std::size_t i = 0; i + 2 < rank; ++i) {
    for (const Sizes* own : {&a.shape, &b.shape}) {
      if (i + own->size() >= rank && (*own)[i + own->size() - rank] != 1) shape[i] = (*own)[i + own->size() - rank];
    }
  }
  const std::int64_t m = a.shape[a.shape.size() - 2], n = b.shape.back(), k = a.shape.back();
  shape[rank - 2] = m;
  shape[rank - 1] = n;
  const std::int64_t total = product(shape);
  std::vector<T> expected(static_cast<std::size_t>(total));
  for (std::int64_t i = 0; i < total; ++i) {
    Sizes left = batch_index(a.shape, shape, i / (m * n)), right = batch_index(b.shape, shape, i / (m * n));
    left[left.size() - 2] = i / n % m;
    right.back() = i % n;
    expected[static_cast<std::size_t>(i)] = dot_in_order(a, b, left, right, k);
  }
  INFO("m " << m << " n " << n << " k " << k);
  expect_everywhere<T>("matmul", dtype_of<T>(), {a.arg(), b.arg()}, shape, expected, {}, rng);
  if constexpr (std::is_floating_point_v<T>) {
    if (b.shape.size() != 2) return;
    Tensor<T> panels = in_panels(b, {1, 0});
    expect_everywhere<T>("matmul", dtype_of<T>(), {a.arg(), panel_arg(panels, b)}, shape, expected, {}, rng);
  }
}

template <class T>
void check_random(Rng& rng, std::int64_t m, std::int64_t n, std::int64_t k) {
  Sizes a{m, k}, b{k, n};
  for (std::int64_t axes = pick(rng, 0, 2); axes > 0; --axes) {
    const std::int64_t size = pick(rng, 0, 20) == 0 ? 0 : pick(rng, 1, 3);
    const std::int64_t stretch = pick(rng, 0, 4);
    if (stretch != 0) a.insert(a.begin(), stretch == 1 ? 1 : size);
    if (stretch != 2) b.insert(b.begin(), stretch == 3 ? 1 : size);
    if (stretch == 0 || stretch == 2) break;  // one operand has fewer axes from here on
  }
  check_matmul<T>(rng, random_tensor<T>(rng, a), random_tensor<T>(rng, b));
}

std::int64_t small_size(Rng& rng) {
  const std::int64_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 14, 15, 16, 17, 28, 29, 31, 32, 33, 40, 65};
  return sizes[pick(rng, 0, 18)];
}

}  // namespace

TEST_CASE_TEMPLATE("matmul of any shape and strides has the bits of rule 3", T, float, double, std::int32_t,
                   std::int64_t) {
  Rng rng(1);
  for (int i = 0; i < rounds(300); ++i) check_random<T>(rng, small_size(rng), small_size(rng), small_size(rng));
}

TEST_CASE_TEMPLATE("matmul over many blocks of k has the bits of rule 3", T, float, double) {
  Rng rng(2);
  for (const std::int64_t k : {255, 256, 257, 511, 513, 1023, 1024, 1025, 2049, 2600}) {
    check_random<T>(rng, pick(rng, 1, 3), pick(rng, 1, 40), k);
    check_random<T>(rng, pick(rng, 4, 35), pick(rng, 1, 40), k);
    check_random<T>(rng, pick(rng, 1, 35), pick(rng, 1, 4), k);
  }
}

TEST_CASE_TEMPLATE("matmul of contiguous and transposed operands has the bits of rule 3", T, float, double) {
  Rng rng(3);
  const auto operand = [&](std::int64_t rows, std::int64_t columns, bool transposed) {
    Tensor<T> x = random_tensor<T>(rng, {rows, columns}, Walk::kContiguous);
    if (transposed) x.strides = {1, rows};
    return x;
  };
  for (const auto& [m, n, k] : {std::array{1, 700, 300}, std::array{2, 1300, 20}, std::array{3, 17, 520},
                                std::array{70, 90, 270}, std::array{250, 10, 64}, std::array{130, 300, 33},
                                std::array{33, 1, 400}, std::array{400, 3, 30}, std::array{20, 70, 1024}}) {
    for (int way = 0; way < 4; ++way) {
      check_matmul<T>(rng, operand(m, k, (way & 1) != 0), operand(k, n, (way & 2) != 0));
    }
  }
}

TEST_CASE("one row times columns that lie together along k has the bits of rule 3") {
  Rng rng(8);
  for (const auto& [n, k] : {std::pair{16, 64}, std::pair{17, 5}, std::pair{31, 257}, std::pair{32, 256},
                             std::pair{33, 1040}, std::pair{77, 300}, std::pair{1300, 70}}) {
    for (const std::int64_t batch : {1, 3}) {
      Tensor<float> b = random_tensor<float>(rng, {batch, k, n}, Walk::kContiguous);
      b.strides = {k * n, 1, k};
      check_matmul<float>(rng, random_tensor<float>(rng, {batch, 1, k}, Walk::kContiguous), b);
    }
    check_matmul<float>(rng, random_tensor<float>(rng, {n, k}, Walk::kContiguous),
                        random_tensor<float>(rng, {k, 1}, Walk::kContiguous));
  }
}

TEST_CASE("few outputs of a long k, whose blocks threads share, have the bits of rule 3") {
  Rng rng(9);
  for (const std::int64_t n : {1, 2, 3, 7, 8, 9, 10, 15}) {
    for (const std::int64_t k : {1024, 1030, 256 * 8, 256 * 16, 256 * 33 + 17, 256 * 47, 256 * 150 + 255}) {
      if (k > 20000 && n > 2) continue;
      Tensor<float> b = random_tensor<float>(rng, {k, n}, Walk::kContiguous);
      const Tensor<float> a = random_tensor<float>(rng, {1, k}, Walk::kContiguous);
      check_matmul<float>(rng, a, b);
      b.strides = {1, k};
      check_matmul<float>(rng, a, b);
    }
  }
}

TEST_CASE("a long sum that rounds to -0 stays -0") {
  Rng rng(10);
  for (const std::int64_t k : {1024, 1100}) {
    Tensor<float> a = contiguous<float>({1, k}), b = contiguous<float>({k, 2});
    std::fill(a.storage.begin(), a.storage.end(), -0.0F);
    std::fill(b.storage.begin(), b.storage.end(), 0.0F);
    a.storage[static_cast<std::size_t>(k - 1)] = -1e-30F;
    b.storage[static_cast<std::size_t>(2 * k - 1)] = 1e-30F;
    check_matmul<float>(rng, a, b);
  }
}

TEST_CASE("few rows times panels have the bits of rule 3, near and far from the processor") {
  Rng rng(6);
  for (std::int64_t m = 1; m <= 8; ++m) {
    for (const auto& [n, k] : {std::pair{64, 5}, std::pair{130, 256}, std::pair{207, 600}}) {
      check_matmul<float>(rng, random_tensor<float>(rng, {m, k}, Walk::kContiguous), random_tensor<float>(rng, {k, n}));
    }
  }
  for (const std::int64_t m : {1, 3}) {
    check_matmul<float>(rng, random_tensor<float>(rng, {m, 600}, Walk::kContiguous),
                        random_tensor<float>(rng, {600, 500}, Walk::kContiguous));
  }
}

TEST_CASE("rows that threads share, and steps of k that do not come in fours, have the bits of rule 3") {
  Rng rng(7);
  for (const auto& [m, n, k] : {std::array{57, 130, 259}, std::array{64, 33, 1030}, std::array{29, 290, 21},
                                std::array{113, 64, 3}, std::array{100, 31, 2050}}) {
    check_matmul<float>(rng, random_tensor<float>(rng, {m, k}, Walk::kContiguous), random_tensor<float>(rng, {k, n}));
  }
}

TEST_CASE("matmul keeps the sign of a sum that rounds to -0") {
  Rng rng(4);
  Tensor<float> a = contiguous<float>({1, 1}), b = contiguous<float>({1, 20});
  a.storage[0] = -1e-30F;
  std::fill(b.storage.begin(), b.storage.end(), 1e-30F);
  expect_everywhere<float>("matmul", DType::kF32, {a.arg(), b.arg()}, {1, 20}, std::vector<float>(20, -0.0F), {}, rng);
}

TEST_CASE("matmul carries NaN and infinity to the elements they touch and no others") {
  Rng rng(5);
  Tensor<float> a = random_tensor<float>(rng, {17, 40}, Walk::kContiguous);
  Tensor<float> b = random_tensor<float>(rng, {40, 35}, Walk::kContiguous);
  a.storage[40 * 3 + 5] = std::numeric_limits<float>::quiet_NaN();
  a.storage[40 * 16 + 39] = std::numeric_limits<float>::infinity();
  b.storage[35 * 2 + 34] = -std::numeric_limits<float>::infinity();
  check_matmul<float>(rng, a, b);
}

TEST_CASE("scratch of matmul grows with the sizes") {
  for (const KernelTable* table : available_levels()) {
    const Kernel* kernel = find_kernel(*table, "matmul", DType::kF32);
    REQUIRE(kernel != nullptr);
    Rng rng(6);
    for (int i = 0; i < 2000; ++i) {
      std::int64_t bytes[2];
      Sizes sizes{pick(rng, 1, 40), pick(rng, 1, 40), pick(rng, 1, 40), pick(rng, 1, 3)};
      for (int turn = 0; turn < 2; ++turn) {
        Tensor<float> a = contiguous<float>({sizes[3], sizes[0], sizes[1]}),
                      b = contiguous<float>({sizes[1], sizes[2]});
        Tensor<float> c = contiguous<float>({sizes[3], sizes[0], sizes[2]});
        const TensorArg inputs[] = {a.arg(), b.arg()}, output = c.arg();
        const KernelCall call{&output, inputs, 1, 2, nullptr, nullptr, nullptr, nullptr};
        bytes[turn] = kernel->scratch_bytes(&call);
        for (std::int64_t& size : sizes) size += pick(rng, 0, 1) == 0 ? 0 : pick(rng, 0, 60);
      }
      CHECK(bytes[0] <= bytes[1]);
    }
  }
}

TEST_CASE("one row times packed weights asks for little scratch") {
  for (const KernelTable* table : available_levels()) {
    const Kernel* kernel = find_kernel(*table, "matmul", DType::kF32);
    REQUIRE(kernel != nullptr);
    Tensor<float> a = contiguous<float>({1, 3000}), b = contiguous<float>({3000, 4000}),
                  c = contiguous<float>({1, 4000});
    TensorArg inputs[] = {a.arg(), b.arg()};
    const TensorArg output = c.arg();
    inputs[1].panels = 1;
    const KernelCall call{&output, inputs, 1, 2, nullptr, nullptr, nullptr, nullptr};
    CHECK(kernel->scratch_bytes(&call) <= 64 * 1024);
  }
}

}  // namespace ingot::kernel_test
