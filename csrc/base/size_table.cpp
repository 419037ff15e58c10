// Flattens canonical forms; a floordiv becomes an entry of its own, before the one that uses it.
#include "base/size_table.h"

#include <algorithm>

#include "base/checked.h"
#include "base/error.h"
#include "base/size_form.h"

namespace ingot {

namespace {

[[noreturn]] void fail_overflow() {
  fail(ErrorCode::kShape, "size: a 64-bit integer overflows");
}

}  // namespace

std::uint32_t SizeTable::dim_index(const std::string& name) {
  const auto index = static_cast<std::uint32_t>(std::find(dims_.begin(), dims_.end(), name) - dims_.begin());
  if (index == dims_.size()) dims_.push_back(name);
  return index;
}

std::uint32_t SizeTable::add_form(const SizePolynomial& form) {
  std::vector<Term> terms;
  for (const SizeTerm& from : form.terms) {
    std::vector<Factor> factors;
    for (const SizeAtom& atom : from.atoms) {
      factors.push_back(atom.name.empty() ? Factor{add_form(*atom.inner), atom.divisor}
                                          : Factor{dim_index(atom.name), 0});
    }
    terms.push_back(
        {from.coefficient, static_cast<std::uint32_t>(factors_.size()), static_cast<std::uint32_t>(factors.size())});
    factors_.insert(factors_.end(), factors.begin(), factors.end());
  }
  entries_.push_back({0, static_cast<std::uint32_t>(terms_.size()), static_cast<std::uint32_t>(terms.size())});
  terms_.insert(terms_.end(), terms.begin(), terms.end());
  return size() - 1;
}

std::uint32_t SizeTable::add(const Size& size) {
  if (const SizePolynomial* form = SizePolynomial::of(size)) return add_form(*form);
  entries_.push_back({size.constant(), 0, 0});
  return this->size() - 1;
}

std::int64_t SizeTable::product(const Term& term, const std::int64_t* values) const {
  std::int64_t result = term.coefficient;
  for (std::uint32_t i = 0; i < term.num_factors; ++i) {
    const Factor& factor = factors_[term.first_factor + i];
    const std::int64_t value =
        factor.divisor == 0 ? values[factor.index] : floor_div(evaluate(factor.index, values), factor.divisor);
    if (__builtin_mul_overflow(result, value, &result)) fail_overflow();
  }
  return result;
}

std::int64_t SizeTable::evaluate(std::uint32_t entry, const std::int64_t* values) const {
  const Entry& form = entries_[entry];
  std::int64_t sum = form.constant;
  for (std::uint32_t i = 0; i < form.num_terms; ++i) {
    if (__builtin_add_overflow(sum, product(terms_[form.first_term + i], values), &sum)) fail_overflow();
  }
  return sum;
}

}  // namespace ingot
