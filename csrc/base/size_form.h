// The canonical form behind Size: a sum of terms, each a coefficient times a product of atoms. Private to base.
// Invariants: no zero coefficient, no two terms with the same atoms, at least one term with atoms; terms by falling
// degree, then by atoms (so that the constant comes last); the atoms of a term sorted, powers as repetition.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/size.h"

namespace ingot {

// A dim, or floordiv(inner, divisor) when the name is empty. An inner form is reduced: no coefficient is a multiple of
// the divisor, the constant lies in [0, divisor), nothing divides all coefficients and the divisor.
struct SizeAtom {
  std::string name;
  std::shared_ptr<const SizePolynomial> inner;
  std::int64_t divisor = 0;
};

struct SizeTerm {
  std::int64_t coefficient = 0;
  std::vector<SizeAtom> atoms;  // empty: the constant
};

struct SizePolynomial {
  std::vector<SizeTerm> terms;
  int nesting = 0;  // of floordiv
  int weight = 0;   // terms and atoms in it, nested ones too

  // Null for a constant.
  static const SizePolynomial* of(const Size& size) { return size.polynomial_.get(); }
  static const std::shared_ptr<const SizePolynomial>& shared(const Size& size) { return size.polynomial_; }
  // Brings any terms into the canonical form. Throws ShapeError past a budget.
  static Size from_terms(std::vector<SizeTerm> terms);
  // Requires a canonical form.
  static Size wrap(std::shared_ptr<const SizePolynomial> form);
  // The terms of any size; none for 0.
  static std::vector<SizeTerm> terms_of(const Size& size);
};

inline constexpr std::size_t kMaxSizeTerms = 64;
inline constexpr std::size_t kMaxSizeDegree = 8;
inline constexpr int kMaxSizeNesting = 8;
inline constexpr int kMaxSizeWeight = 1024;

}  // namespace ingot
