// Interval arithmetic over sizes, saturating to unbounded, and the normal form of guards.
#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "base/size.h"
#include "base/size_form.h"

namespace ingot {
namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr int kMaxRelaxations = 4;
constexpr int kMaxRelaxedWeight = 128;  // beyond, plain interval arithmetic must do

bool is_infinite(std::int64_t end) {
  return end == kMin || end == kMax;
}

std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
  return checked_add(a, b).value_or(a < 0 ? kMin : kMax);
}

std::int64_t saturating_multiply(std::int64_t a, std::int64_t b) {
  if (a == 0 || b == 0) return 0;
  const std::int64_t limit = (a < 0) == (b < 0) ? kMax : kMin;
  return is_infinite(a) || is_infinite(b) ? limit : checked_mul(a, b).value_or(limit);
}

// An upper end of kMin would claim more than saturation knows: -(2^63 - 1) saturates there too.
Interval sound(std::int64_t lo, std::int64_t hi) {
  return {lo, std::max(hi, kMin + 1)};
}

Interval add(Interval a, Interval b) {
  return sound(a.lo == kMin || b.lo == kMin ? kMin : saturating_add(a.lo, b.lo),
               a.hi == kMax || b.hi == kMax ? kMax : saturating_add(a.hi, b.hi));
}

Interval multiply(Interval a, Interval b) {
  const auto [lo, hi] = std::minmax({saturating_multiply(a.lo, b.lo), saturating_multiply(a.lo, b.hi),
                                     saturating_multiply(a.hi, b.lo), saturating_multiply(a.hi, b.hi)});
  return sound(lo, hi);
}

Interval intersect(Interval a, Interval b) {
  return {std::max(a.lo, b.lo), std::min(a.hi, b.hi)};
}

Interval interval_of_form(const SizePolynomial& form, std::span<const Dim> dims, int relaxations);

Interval interval_of_atom(const SizeAtom& atom, std::span<const Dim> dims, int relaxations) {
  if (atom.name.empty()) {
    const Interval inner = interval_of_form(*atom.inner, dims, relaxations);
    return {inner.lo == kMin ? kMin : floor_div(inner.lo, atom.divisor),
            inner.hi == kMax ? kMax : floor_div(inner.hi, atom.divisor)};
  }
  for (const Dim& dim : dims) {
    if (dim.name == atom.name) return {dim.lo, dim.hi};
  }
  return {0, kUnbounded};
}

// With f = floordiv(p, c) and r = p - c*f in 0..c-1, a form k*f + q is (k*p + c*q - k*r) / c: there p and q may cancel,
// as in n - floordiv(n, 2) >= 0. Gives no bound where the arithmetic overflows.
Interval relax(const SizePolynomial& form, std::span<const Dim> dims, int relaxations) {
  const auto found = std::find_if(form.terms.begin(), form.terms.end(), [](const SizeTerm& term) {
    return term.atoms.size() == 1 && term.atoms[0].name.empty();
  });
  if (found == form.terms.end() || relaxations == 0) return {kMin, kMax};
  const SizeAtom& atom = found->atoms[0];
  std::vector<SizeTerm> others;
  for (const SizeTerm& term : form.terms) {
    if (&term != &*found) others.push_back(term);
  }
  try {
    const Size scaled = SizePolynomial::wrap(atom.inner) * Size(found->coefficient) +
                        SizePolynomial::from_terms(std::move(others)) * Size(atom.divisor);
    const Interval p_and_q = scaled.is_constant()
                                 ? Interval{scaled.constant(), scaled.constant()}
                                 : interval_of_form(*SizePolynomial::of(scaled), dims, relaxations - 1);
    const Interval minus_k = multiply({found->coefficient, found->coefficient}, {-1, -1});
    const Interval sum = add(p_and_q, multiply(minus_k, {0, atom.divisor - 1}));
    return {sum.lo == kMin ? kMin : -floor_div(-sum.lo, atom.divisor),
            sum.hi == kMax ? kMax : floor_div(sum.hi, atom.divisor)};
  } catch (const Error&) {
    return {kMin, kMax};
  }
}

Interval interval_of_form(const SizePolynomial& form, std::span<const Dim> dims, int relaxations) {
  Interval sum{0, 0};
  for (const SizeTerm& term : form.terms) {
    Interval product{term.coefficient, term.coefficient};
    for (const SizeAtom& atom : term.atoms) product = multiply(product, interval_of_atom(atom, dims, 0));
    sum = add(sum, product);
  }
  if (form.nesting == 0 || form.weight > kMaxRelaxedWeight) return sum;
  return intersect(sum, relax(form, dims, relaxations));
}

}  // namespace

Interval Size::interval(std::span<const Dim> dims) const {
  if (is_constant()) return {constant_, constant_};
  return interval_of_form(*polynomial_, dims, kMaxRelaxations);
}

Guard Guard::normalized() const {
  const SizePolynomial* form = SizePolynomial::of(difference);
  if (form == nullptr) return *this;
  std::int64_t divisor = 0;
  for (const SizeTerm& term : form->terms) {
    if (relation == Relation::kAtLeast && term.atoms.empty()) continue;  // its remainder does not matter
    if (term.coefficient == kMin) return *this;                          // has no magnitude
    divisor = std::gcd(divisor, term.coefficient);
  }
  if (relation == Relation::kEqual && form->terms.front().coefficient < 0) divisor = -divisor;
  if (divisor == 1) return *this;
  std::vector<SizeTerm> terms = form->terms;
  for (SizeTerm& term : terms) {
    if (divisor < 0 && term.coefficient == kMin) return *this;
    term.coefficient = divisor > 0 ? floor_div(term.coefficient, divisor) : term.coefficient / divisor;
  }
  return {relation, SizePolynomial::from_terms(std::move(terms))};
}

bool Guard::never_holds() const {
  const SizePolynomial* form = SizePolynomial::of(difference);
  if (form == nullptr) return relation == Relation::kEqual ? difference.constant() != 0 : difference.constant() < 0;
  const SizeTerm& last = form->terms.back();
  if (relation == Relation::kAtLeast || !last.atoms.empty()) return false;
  std::int64_t divisor = 0;
  for (const SizeTerm& term : form->terms) {
    if (term.coefficient == kMin) return false;  // has no magnitude
    if (!term.atoms.empty()) divisor = std::gcd(divisor, term.coefficient);
  }
  return last.coefficient % divisor != 0;
}

}  // namespace ingot
