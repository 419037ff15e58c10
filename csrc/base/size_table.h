// Sizes in numbers: polynomials over the positions of a list of dims, evaluated from an array of values. No name is
// looked up and nothing is allocated once the table is made.
// Thread rule: immutable once filled; evaluate may be called from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/size.h"

namespace ingot {

class SizeTable {
 public:
  SizeTable() = default;
  // Values are given in this order; a dim that a size names beyond these is appended.
  explicit SizeTable(std::vector<std::string> dims) : dims_(std::move(dims)) {}

  const std::vector<std::string>& dims() const { return dims_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
  // Returns the number of a new entry.
  std::uint32_t add(const Size& size);
  // values: one for each of dims(). Throws ShapeError on overflow. Linear in the size's terms.
  std::int64_t evaluate(std::uint32_t entry, const std::int64_t* values) const;

 private:
  struct Factor {
    std::uint32_t index;   // a dim's; of a floordiv, the entry of what is divided
    std::int64_t divisor;  // 0: a dim
  };
  struct Term {
    std::int64_t coefficient;
    std::uint32_t first_factor, num_factors;
  };
  struct Entry {
    std::int64_t constant;  // of an entry without terms
    std::uint32_t first_term, num_terms;
  };
  std::uint32_t add_form(const SizePolynomial& form);
  std::uint32_t dim_index(const std::string& name);
  std::int64_t product(const Term& term, const std::int64_t* values) const;

  std::vector<std::string> dims_;
  std::vector<Entry> entries_;
  std::vector<Term> terms_;
  std::vector<Factor> factors_;
};

}  // namespace ingot
