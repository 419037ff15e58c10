// floordiv of a size, in canonical form: whole terms outside, a reduced fraction inside.
#include <numeric>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "base/size.h"
#include "base/size_form.h"

namespace ingot {
namespace {

// Splits floordiv(terms, divisor) into whole terms and the rest that stays inside.
// floordiv(4*n + m + 6, 4) -> n + 1 + floordiv(m + 2, 4)
void split_multiples(std::vector<SizeTerm> terms, std::int64_t divisor, std::vector<SizeTerm>& whole,
                     std::vector<SizeTerm>& rest) {
  for (SizeTerm& term : terms) {
    const std::int64_t quotient = floor_div(term.coefficient, divisor);
    std::int64_t remainder = term.coefficient % divisor;
    if (remainder < 0) remainder += divisor;
    if (remainder == 0) {
      term.coefficient = quotient;
      whole.push_back(std::move(term));
    } else if (term.atoms.empty()) {
      whole.push_back({quotient, {}});
      rest.push_back({remainder, {}});
    } else {
      rest.push_back(std::move(term));
    }
  }
}

// Divides the coefficients and the divisor by their common divisor: floordiv(2*n + 3, 4) -> floordiv(n + 1, 2)
void reduce_fraction(std::vector<SizeTerm>& terms, std::int64_t& divisor) {
  std::int64_t common = divisor;
  for (const SizeTerm& term : terms) {
    if (!term.atoms.empty()) common = std::gcd(common, term.coefficient % divisor);
  }
  if (common == 1) return;
  for (SizeTerm& term : terms) term.coefficient = floor_div(term.coefficient, common);
  divisor /= common;
}

// floordiv(floordiv(p, a) + k, b) -> floordiv(p + k*a, a*b), where nothing overflows.
std::optional<Size> merge_nested(const Size& inner, std::int64_t divisor) {
  const SizePolynomial* form = SizePolynomial::of(inner);
  const SizeTerm& first = form->terms.front();
  if (first.coefficient != 1 || first.atoms.size() != 1 || !first.atoms[0].name.empty()) return std::nullopt;
  if (form->terms.size() > 2 || (form->terms.size() == 2 && !form->terms[1].atoms.empty())) return std::nullopt;
  const SizeAtom& atom = first.atoms[0];
  const std::int64_t constant = form->terms.size() == 2 ? form->terms[1].coefficient : 0;
  const std::optional<std::int64_t> shift = checked_mul(constant, atom.divisor);
  const std::optional<std::int64_t> product = checked_mul(atom.divisor, divisor);
  if (!shift || !product) return std::nullopt;
  return floordiv(SizePolynomial::wrap(atom.inner) + Size(*shift), *product);
}

}  // namespace

Size floordiv(const Size& a, std::int64_t divisor) {
  if (divisor <= 0) fail(ErrorCode::kShape, concat("floordiv: divisor must be positive: got ", divisor));
  if (a.is_constant()) return Size(floor_div(a.constant(), divisor));
  if (divisor == 1) return a;
  std::vector<SizeTerm> whole, rest;
  split_multiples(SizePolynomial::terms_of(a), divisor, whole, rest);
  reduce_fraction(rest, divisor);
  const Size inner = SizePolynomial::from_terms(std::move(rest));
  const Size sum = SizePolynomial::from_terms(std::move(whole));
  if (inner.is_constant()) return sum + Size(floor_div(inner.constant(), divisor));
  if (const std::optional<Size> merged = merge_nested(inner, divisor)) return sum + *merged;
  std::vector<SizeTerm> quotient;
  quotient.push_back({1, {SizeAtom{"", SizePolynomial::shared(inner), divisor}}});
  return sum + SizePolynomial::from_terms(std::move(quotient));
}

}  // namespace ingot
