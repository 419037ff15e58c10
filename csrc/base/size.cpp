// Arithmetic on sizes: constants take a path without allocation, everything else goes through the canonical form.
#include "base/size.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "base/size_form.h"

namespace ingot {
namespace {

[[noreturn]] void fail_overflow() {
  fail(ErrorCode::kShape, "size: a 64-bit integer overflows");
}

std::int64_t add(std::int64_t a, std::int64_t b) {
  const std::optional<std::int64_t> sum = checked_add(a, b);
  if (!sum) fail_overflow();
  return *sum;
}

std::int64_t multiply(std::int64_t a, std::int64_t b) {
  const std::optional<std::int64_t> product = checked_mul(a, b);
  if (!product) fail_overflow();
  return *product;
}

int compare_numbers(std::int64_t a, std::int64_t b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

int compare_forms(const SizePolynomial& a, const SizePolynomial& b);

// Dims come before floordivs.
int compare_atoms(const SizeAtom& a, const SizeAtom& b) {
  if (a.name.empty() != b.name.empty()) return a.name.empty() ? 1 : -1;
  if (!a.name.empty()) return a.name.compare(b.name);
  if (const int order = compare_numbers(a.divisor, b.divisor); order != 0) return order;
  return compare_forms(*a.inner, *b.inner);
}

// Falling degree, then atom by atom.
int compare_monomials(const SizeTerm& a, const SizeTerm& b) {
  if (a.atoms.size() != b.atoms.size()) return a.atoms.size() > b.atoms.size() ? -1 : 1;
  for (std::size_t i = 0; i < a.atoms.size(); ++i) {
    if (const int order = compare_atoms(a.atoms[i], b.atoms[i]); order != 0) return order;
  }
  return 0;
}

int compare_forms(const SizePolynomial& a, const SizePolynomial& b) {
  if (&a == &b) return 0;
  for (std::size_t i = 0; i < std::min(a.terms.size(), b.terms.size()); ++i) {
    if (const int order = compare_monomials(a.terms[i], b.terms[i]); order != 0) return order;
    if (const int order = compare_numbers(a.terms[i].coefficient, b.terms[i].coefficient); order != 0) return order;
  }
  return compare_numbers(static_cast<std::int64_t>(a.terms.size()), static_cast<std::int64_t>(b.terms.size()));
}

bool precedes(const SizeTerm& a, const SizeTerm& b) {
  return compare_monomials(a, b) < 0;
}

// `names` are sorted, each there once.
void collect_dims(const SizePolynomial& form, std::vector<std::string>& names) {
  for (const SizeTerm& term : form.terms) {
    for (const SizeAtom& atom : term.atoms) {
      if (atom.name.empty()) {
        collect_dims(*atom.inner, names);
      } else {
        const auto at = std::lower_bound(names.begin(), names.end(), atom.name);
        if (at == names.end() || *at != atom.name) names.insert(at, atom.name);
      }
    }
  }
}

std::int64_t evaluate_form(const SizePolynomial& form, const DimValues& values) {
  std::int64_t sum = 0;
  for (const SizeTerm& term : form.terms) {
    std::int64_t product = term.coefficient;
    for (const SizeAtom& atom : term.atoms) {
      if (atom.name.empty()) {
        product = multiply(product, floor_div(evaluate_form(*atom.inner, values), atom.divisor));
        continue;
      }
      const auto found = values.find(atom.name);
      if (found == values.end()) fail(ErrorCode::kArgument, concat("size: dim ", atom.name, " has no value"));
      product = multiply(product, found->second);
    }
    sum = add(sum, product);
  }
  return sum;
}

Size substitute_form(const SizePolynomial& form, const DimValues& values);

Size substitute_atom(const SizeAtom& atom, const DimValues& values) {
  if (atom.name.empty()) return floordiv(substitute_form(*atom.inner, values), atom.divisor);
  const auto found = values.find(atom.name);
  return found == values.end() ? Size::dim(atom.name) : Size(found->second);
}

Size substitute_form(const SizePolynomial& form, const DimValues& values) {
  Size sum;
  for (const SizeTerm& term : form.terms) {
    Size product = term.coefficient;
    for (const SizeAtom& atom : term.atoms) product = product * substitute_atom(atom, values);
    sum = sum + product;
  }
  return sum;
}

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); });
}

// Fills in nesting and weight.
void check_budget(SizePolynomial& form) {
  if (form.terms.size() > kMaxSizeTerms) fail(ErrorCode::kShape, "size: a sum has more than 64 terms");
  for (const SizeTerm& term : form.terms) {
    if (term.atoms.size() > kMaxSizeDegree) fail(ErrorCode::kShape, "size: a product has more than 8 factors");
    form.weight += 1 + static_cast<int>(term.atoms.size());
    for (const SizeAtom& atom : term.atoms) {
      if (!atom.name.empty()) continue;
      form.weight += atom.inner->weight;
      form.nesting = std::max(form.nesting, atom.inner->nesting + 1);
    }
  }
  if (form.weight > kMaxSizeWeight) fail(ErrorCode::kShape, "size: the expression grows too large");
  if (form.nesting > kMaxSizeNesting) fail(ErrorCode::kShape, "size: floordiv is nested more than 8 times");
}

// The terms of any size, in place where it has any.
class Terms {
 public:
  explicit Terms(const Size& size) {
    if (const SizePolynomial* form = SizePolynomial::of(size)) {
      terms_ = &form->terms;
    } else if (size.constant() != 0) {
      constant_.push_back({size.constant(), {}});
    }
  }
  Terms(const Terms&) = delete;
  Terms& operator=(const Terms&) = delete;
  const std::vector<SizeTerm>& operator*() const { return *terms_; }

 private:
  std::vector<SizeTerm> constant_;
  const std::vector<SizeTerm>* terms_ = &constant_;
};

// Adds up equal monomials, which stand side by side, and drops what comes to 0.
Size from_sorted(std::vector<SizeTerm>& terms) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < terms.size(); ++count) {
    SizeTerm term = std::move(terms[i]);
    for (++i; i < terms.size() && compare_monomials(term, terms[i]) == 0; ++i)
      term.coefficient = add(term.coefficient, terms[i].coefficient);
    if (term.coefficient == 0) {
      --count;
    } else {
      terms[count] = std::move(term);
    }
  }
  terms.resize(count);
  if (terms.empty()) return Size(0);
  if (terms.front().atoms.empty()) return Size(terms.front().coefficient);
  auto form = std::make_shared<SizePolynomial>();
  form->terms = std::move(terms);
  check_budget(*form);
  return SizePolynomial::wrap(std::move(form));
}

// Of two sizes in canonical form, whose terms are sorted.
Size from_both(const std::vector<SizeTerm>& a, const std::vector<SizeTerm>& b) {
  std::vector<SizeTerm> terms;
  terms.reserve(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(terms), precedes);
  return from_sorted(terms);
}

}  // namespace

Size SizePolynomial::wrap(std::shared_ptr<const SizePolynomial> form) {
  Size size;
  size.polynomial_ = std::move(form);
  return size;
}

std::vector<SizeTerm> SizePolynomial::terms_of(const Size& size) {
  if (const SizePolynomial* form = of(size)) return form->terms;
  if (size.constant() == 0) return {};
  return {SizeTerm{size.constant(), {}}};
}

Size SizePolynomial::from_terms(std::vector<SizeTerm> terms) {
  std::sort(terms.begin(), terms.end(), precedes);
  return from_sorted(terms);
}

Size Size::dim(std::string_view name) {
  if (!is_identifier(name)) {
    fail(ErrorCode::kArgument, concat("dim: not a name: got '", name, "', expected letters, digits and _"));
  }
  auto form = std::make_shared<SizePolynomial>();
  form->weight = 2;
  form->terms.push_back({1, {SizeAtom{std::string(name), nullptr, 0}}});
  return SizePolynomial::wrap(std::move(form));
}

std::optional<std::string> Size::as_dim() const {
  if (is_constant() || polynomial_->terms.size() != 1) return std::nullopt;
  const SizeTerm& term = polynomial_->terms[0];
  if (term.coefficient != 1 || term.atoms.size() != 1 || term.atoms[0].name.empty()) return std::nullopt;
  return term.atoms[0].name;
}

std::vector<std::string> Size::dims() const {
  std::vector<std::string> names;
  if (!is_constant()) collect_dims(*polynomial_, names);
  return names;
}

Size operator+(const Size& a, const Size& b) {
  if (a.is_constant() && b.is_constant()) return Size(add(a.constant_, b.constant_));
  if (a.is_constant() && a.constant_ == 0) return b;
  if (b.is_constant() && b.constant_ == 0) return a;
  return from_both(*Terms(a), *Terms(b));
}

Size operator-(const Size& a, const Size& b) {
  if (b.is_constant() && b.constant_ == 0) return a;
  if (a.is_constant() && b.is_constant()) {
    std::int64_t difference;
    if (__builtin_sub_overflow(a.constant_, b.constant_, &difference)) fail_overflow();
    return Size(difference);
  }
  if (a.polynomial_ == b.polynomial_) return Size(0);
  std::vector<SizeTerm> subtracted = SizePolynomial::terms_of(b);
  for (SizeTerm& term : subtracted) term.coefficient = multiply(term.coefficient, -1);
  return from_both(*Terms(a), subtracted);
}

Size operator*(const Size& a, const Size& b) {
  if (a.is_constant() && b.is_constant()) return Size(multiply(a.constant_, b.constant_));
  if (a.is_constant() && a.constant_ == 1) return b;
  if (b.is_constant() && b.constant_ == 1) return a;
  const Terms left(a), right(b);
  std::vector<SizeTerm> terms;
  terms.reserve((*left).size() * (*right).size());
  for (const SizeTerm& x : *left) {
    for (const SizeTerm& y : *right) {
      if (x.atoms.size() + y.atoms.size() > kMaxSizeDegree) {
        fail(ErrorCode::kShape, "size: a product has more than 8 factors");
      }
      SizeTerm product{multiply(x.coefficient, y.coefficient), {}};
      product.atoms.reserve(x.atoms.size() + y.atoms.size());
      std::merge(x.atoms.begin(), x.atoms.end(), y.atoms.begin(), y.atoms.end(), std::back_inserter(product.atoms),
                 [](const SizeAtom& p, const SizeAtom& q) { return compare_atoms(p, q) < 0; });
      terms.push_back(std::move(product));
    }
  }
  return SizePolynomial::from_terms(std::move(terms));
}

int compare(const Size& a, const Size& b) {
  if (a.is_constant() != b.is_constant()) return a.is_constant() ? -1 : 1;
  if (a.is_constant()) return compare_numbers(a.constant_, b.constant_);
  return compare_forms(*a.polynomial_, *b.polynomial_);
}

std::int64_t Size::evaluate(const DimValues& values) const {
  return is_constant() ? constant_ : evaluate_form(*polynomial_, values);
}

Size Size::substitute(const DimValues& values) const {
  return is_constant() || values.empty() ? *this : substitute_form(*polynomial_, values);
}

bool Guard::holds(const DimValues& values) const {
  const std::int64_t value = difference.evaluate(values);
  return relation == Relation::kEqual ? value == 0 : value >= 0;
}

Size num_elements(const Shape& shape) {
  Size product = 1;
  for (const Size& size : shape) product = product * size;
  return product;
}

}  // namespace ingot
