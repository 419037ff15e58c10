// Tile functions of the rows that are a few instructions per element, made from ops/pointwise.def; the compiler turns
// the loops into vector code.
#include "kernels/pointwise_rows.h"

namespace ingot::INGOT_LEVEL {
namespace {

template <Rule rule, class T>
struct ResultOf {
  using Type = T;
};
template <class T>
struct ResultOf<kCompare, T> {
  using Type = bool;
};

template <class Row, class T>
constexpr void add_row_of(PointwiseList& list) {
  if constexpr ((Row::kClasses & kClassOf<T>) != 0 && !(kInLanes<Row> && kIsFloat<T>)) {
    using Out = typename ResultOf<Row::kRule, T>::Type;
    list.add(Row::kName, kDTypeOf<T>, kDTypeOf<Out>, run_tile<Row, Out, T>);
  }
}

template <class Row>
constexpr void add_row(PointwiseList& list) {
  if constexpr (Row::kRule != kConvert) {
    add_row_of<Row, bool>(list);
    add_row_of<Row, std::int32_t>(list);
    add_row_of<Row, std::int64_t>(list);
    add_row_of<Row, float>(list);
    add_row_of<Row, double>(list);
  }
}

constexpr PointwiseList make_list() {
  PointwiseList list;
#define POINTWISE(name, operands, rule, classes, traits, expression) add_row<Row_##name>(list);
#include "ops/pointwise.def"
#undef POINTWISE
  return list;
}

constexpr PointwiseList kList = make_list();

}  // namespace

extern constinit const PointwiseFamily basic_functions = kList.family();

}  // namespace ingot::INGOT_LEVEL
