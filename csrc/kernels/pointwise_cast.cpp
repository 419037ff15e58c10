// Tile functions of `cast` among bool, int32, int64, float and double.
#include "kernels/pointwise_rows.h"

namespace ingot::INGOT_LEVEL {
namespace {

template <class T, class Out>
constexpr void add_cast(PointwiseList& list) {
  list.add(Row_cast::kName, kDTypeOf<T>, kDTypeOf<Out>, run_tile<Row_cast, Out, T>);
}

template <class T>
constexpr void add_casts_from(PointwiseList& list) {
  add_cast<T, bool>(list);
  add_cast<T, std::int32_t>(list);
  add_cast<T, std::int64_t>(list);
  add_cast<T, float>(list);
  add_cast<T, double>(list);
}

constexpr PointwiseList make_list() {
  PointwiseList list;
  add_casts_from<bool>(list);
  add_casts_from<std::int32_t>(list);
  add_casts_from<std::int64_t>(list);
  add_casts_from<float>(list);
  add_casts_from<double>(list);
  return list;
}

constexpr PointwiseList kList = make_list();

}  // namespace

extern constinit const PointwiseFamily cast_functions = kList.family();

}  // namespace ingot::INGOT_LEVEL
