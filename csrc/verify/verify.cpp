// The list of laws, in the order in which they may rely on each other.
#include "verify/verify.h"

#include "graph/quoted.h"
#include "verify/laws.h"

namespace ingot {

namespace laws {

void fail_law(std::string_view message, ErrorCode code) {
  static constexpr std::size_t kMaxMessageBytes = 480;
  fail(code, "verify: " + clip(message, kMaxMessageBytes));
}

}  // namespace laws

void verify(const Module& module) {
  laws::versions_are_known(module);
  laws::budgets_are_kept(module);
  laws::dims_are_sound(module);
  laws::Context context{.module = module, .guards = {}, .dim_names = {}};
  for (const Dim& dim : module.dims) context.dim_names.insert(dim.name);
  laws::guards_are_sound(context);
  context.guards = laws::normalized_guards(module);
  laws::names_are_unique(module);
  laws::metadata_is_text(module);
  laws::params_hold_their_data(module);
  laws::second_names_point_back(module);
  laws::states_hold_their_data(module);
  for (const Graph& graph : module.graphs) {
    laws::value_sizes_fit(context, graph);
    laws::values_point_into_tables(context, graph);
    laws::constants_are_small(graph);
    laws::graph_is_sound(context, graph);
  }
}

}  // namespace ingot
