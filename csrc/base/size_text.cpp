// Prints sizes and reads them back. Reading takes any expression, bounded in nesting and length, because the text may
// come from a hostile file.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/size.h"
#include "base/size_form.h"

namespace ingot {
namespace {

constexpr int kMaxParseDepth = 32;
constexpr int kMaxParseFactors = 4096;
constexpr std::size_t kCompactTerms = 256;  // unreduced terms held while a sum is read

void print_form(const SizePolynomial& form, std::string& out);

void print_atom(const SizeAtom& atom, std::string& out) {
  if (!atom.name.empty()) {
    out += atom.name;
    return;
  }
  out += "floordiv(";
  print_form(*atom.inner, out);
  out += ", " + std::to_string(atom.divisor) + ")";
}

// Without its sign.
void print_term(const SizeTerm& term, std::string& out) {
  const std::uint64_t magnitude = term.coefficient < 0 ? 0 - static_cast<std::uint64_t>(term.coefficient)
                                                       : static_cast<std::uint64_t>(term.coefficient);
  bool first = true;
  if (magnitude != 1 || term.atoms.empty()) {
    out += std::to_string(magnitude);
    first = false;
  }
  for (const SizeAtom& atom : term.atoms) {
    if (!first) out += '*';
    first = false;
    print_atom(atom, out);
  }
}

// By falling degree; inside a degree the positive terms first, so that sums rarely open with a minus.
void print_form(const SizePolynomial& form, std::string& out) {
  std::vector<const SizeTerm*> terms;
  for (const SizeTerm& term : form.terms) terms.push_back(&term);
  std::stable_sort(terms.begin(), terms.end(), [](const SizeTerm* a, const SizeTerm* b) {
    if (a->atoms.size() != b->atoms.size()) return a->atoms.size() > b->atoms.size();
    return a->coefficient > 0 && b->coefficient < 0;
  });
  for (const SizeTerm* term : terms) {
    const bool negative = term->coefficient < 0;
    if (term == terms.front()) {
      if (negative) out += '-';
    } else {
      out += negative ? " - " : " + ";
    }
    print_term(*term, out);
  }
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// sum = ["-"] product {("+" | "-") product};  product = factor {"*" factor}
// factor = number | name | "floordiv" "(" sum "," number ")" | "(" sum ")"
class SizeParser {
 public:
  explicit SizeParser(std::string_view text) : text_(text) {}

  Size sum() {
    skip_spaces();
    Size first = product(take('-'));
    char sign = next_operator("+-");
    if (sign == 0) return first;
    std::vector<SizeTerm> terms = SizePolynomial::terms_of(first);
    for (; sign != 0; sign = next_operator("+-")) {
      for (SizeTerm& term : SizePolynomial::terms_of(product(sign == '-'))) terms.push_back(std::move(term));
      if (terms.size() > kCompactTerms) {
        terms = SizePolynomial::terms_of(SizePolynomial::from_terms(std::move(terms)));
      }
    }
    return SizePolynomial::from_terms(std::move(terms));
  }

  std::size_t position() const { return at_; }

 private:
  Size product(bool negative) {
    Size result = negative ? -1 : 1;
    do {
      multiply_by_factor(result);
    } while (next_operator("*") != 0);
    return result;
  }

  void multiply_by_factor(Size& result) {
    if (++factors_ > kMaxParseFactors) fail_here("the expression is too long");
    skip_spaces();
    if (at_ < text_.size() && is_digit(text_[at_])) {
      const std::uint64_t magnitude = number();
      // The one number whose magnitude alone does not fit: -2^63.
      if (magnitude == std::uint64_t{1} << 63 && result == Size(-1)) {
        result = Size(std::numeric_limits<std::int64_t>::min());
        return;
      }
      result = result * Size(to_signed(magnitude));
    } else if (take('(')) {
      result = result * nested_sum(')');
    } else {
      result = result * named();
    }
  }

  Size named() {
    const std::size_t begin = at_;
    if (at_ == text_.size() || !is_letter(text_[at_])) fail_here("expected a number, a dim or '('");
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (name != "floordiv" || !take('(')) return Size::dim(name);
    const Size inner = nested_sum(',');
    skip_spaces();
    if (at_ == text_.size() || !is_digit(text_[at_])) fail_here("expected a positive divisor");
    const std::int64_t divisor = to_signed(number());
    if (divisor == 0) fail_here("expected a positive divisor");
    skip_spaces();
    if (!take(')')) fail_here("expected ')'");
    return floordiv(inner, divisor);
  }

  Size nested_sum(char end) {
    if (++depth_ > kMaxParseDepth) fail_here("parentheses are nested too deeply");
    Size inner = sum();
    --depth_;
    skip_spaces();
    if (!take(end)) fail_here(std::string("expected '") + end + "'");
    return inner;
  }

  std::uint64_t number() {
    std::uint64_t value = 0;
    while (at_ < text_.size() && is_digit(text_[at_])) {
      const std::uint64_t digit = static_cast<std::uint64_t>(text_[at_] - '0');
      if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) fail_here("the number is too large");
      value = value * 10 + digit;
      ++at_;
    }
    return value;
  }

  std::int64_t to_signed(std::uint64_t value) const {
    if (value >> 63 != 0) fail_here("the number is too large");
    return static_cast<std::int64_t>(value);
  }

  // Spaces before an operator are passed over only when the operator follows.
  char next_operator(std::string_view operators) {
    std::size_t next = at_;
    while (next < text_.size() && (text_[next] == ' ' || text_[next] == '\t')) ++next;
    if (next == text_.size() || operators.find(text_[next]) == std::string_view::npos) return 0;
    at_ = next + 1;
    return text_[next];
  }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  bool take(char wanted) {
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  [[noreturn]] void fail_here(std::string_view what) const {
    const std::string got = at_ < text_.size() ? concat("'", text_.substr(at_, 12), "'") : std::string("the end");
    fail(ErrorCode::kFile, concat("size: ", what, ": got ", got));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int factors_ = 0;
};

}  // namespace

std::string Size::to_string() const {
  if (is_constant()) return std::to_string(constant_);
  std::string out;
  print_form(*polynomial_, out);
  return out;
}

Size parse_size(std::string_view& text) {
  SizeParser parser(text);
  try {
    Size size = parser.sum();
    text.remove_prefix(parser.position());
    return size;
  } catch (const Error& error) {
    fail(ErrorCode::kFile, error.message());  // a budget or an overflow: here it is the text that is wrong
  }
}

std::string Guard::to_string() const {
  return difference.to_string() + (relation == Relation::kEqual ? " == 0" : " >= 0");
}

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) out += ',';
    out += shape[i].to_string();
  }
  return out + "]";
}

}  // namespace ingot
