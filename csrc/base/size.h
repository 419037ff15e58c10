// Sizes: integer polynomials over named dims and floordiv(polynomial, constant), in one canonical form.
// Two sizes are equal exactly when their forms are equal. A constant size costs no allocation.
// Dims are atoms by name, so a Size means the same in every module that declares the name.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ingot {

inline constexpr std::int64_t kUnbounded = INT64_MAX;  // as an upper end of a range

// A declared dim and its range, both ends included. hi == kUnbounded: no upper bound.
struct Dim {
  std::string name;
  std::int64_t lo = 0;
  std::int64_t hi = kUnbounded;
  friend bool operator==(const Dim&, const Dim&) = default;
};

using DimValues = std::map<std::string, std::int64_t, std::less<>>;

struct Interval {
  std::int64_t lo;  // INT64_MIN: unbounded below
  std::int64_t hi;  // INT64_MAX: unbounded above
};

struct SizePolynomial;  // the canonical form of a size that is not a constant (size.cpp)

class Size {
 public:
  Size() = default;
  Size(std::int64_t constant) : constant_(constant) {}  // NOLINT: sizes are numbers
  static Size dim(std::string_view name);

  bool is_constant() const { return polynomial_ == nullptr; }
  // Requires is_constant().
  std::int64_t constant() const { return constant_; }
  // The name, if this is exactly one dim with coefficient 1.
  std::optional<std::string> as_dim() const;
  // The names of all dims in it, sorted, each once.
  std::vector<std::string> dims() const;

  // Each throws ShapeError on overflow or when the form grows past its budget (64 terms, degree 8, nesting 8,
  // 1024 terms and atoms in all).
  friend Size operator+(const Size& a, const Size& b);
  friend Size operator-(const Size& a, const Size& b);
  friend Size operator*(const Size& a, const Size& b);
  // Rounds toward minus infinity; floordiv(4*n + 2, 4) becomes n. Requires divisor > 0.
  friend Size floordiv(const Size& a, std::int64_t divisor);

  friend bool operator==(const Size& a, const Size& b) { return compare(a, b) == 0; }
  // A total order on forms (not on values), for canonical printing.
  friend int compare(const Size& a, const Size& b);

  // Requires a value for every dim in it (else ArgumentError). Throws ShapeError on overflow.
  std::int64_t evaluate(const DimValues& values) const;
  // Encloses every value it can take; a dim that `dims` lacks counts as 0..unbounded.
  Interval interval(std::span<const Dim> dims) const;
  // Replaces dims that have a value.
  Size substitute(const DimValues& values) const;

  // "3", "batch", "2*batch + 1", "batch*seq", "floordiv(h + 3, 2)"; parse_size reads it back.
  std::string to_string() const;

 private:
  std::int64_t constant_ = 0;
  std::shared_ptr<const SizePolynomial> polynomial_;  // null: constant_
  friend struct SizePolynomial;
};

// Reads an expression of integers, dim names, + - * ( ) and floordiv(e, c) from the front of `text`, advances `text`
// past it. Throws FileError.
Size parse_size(std::string_view& text);

// A condition on dims, checked when dims are bound: `difference == 0` or `difference >= 0`.
struct Guard {
  enum class Relation : std::uint8_t { kEqual, kAtLeast };
  Relation relation = Relation::kEqual;
  Size difference;
  friend bool operator==(const Guard&, const Guard&) = default;
  bool holds(const DimValues& values) const;
  // The one form of all guards that say the same: coefficients without a common divisor, == 0 with a positive first
  // term. Module::guards holds normalized guards. A condition on constants alone stays as it is.
  Guard normalized() const;
  // True if no integers at all make it hold, as for 2*n + 1 == 0; ranges are not considered.
  bool never_holds() const;
  std::string to_string() const;  // "2*n - m == 0"
};

using Shape = std::vector<Size>;

std::string to_string(const Shape& shape);  // "[batch,784]"
// Product of all sizes; 1 for rank 0. Throws ShapeError on overflow.
Size num_elements(const Shape& shape);

}  // namespace ingot
