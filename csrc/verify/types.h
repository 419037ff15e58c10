// Type laws of one node, called by the walk of structure.cpp once its operands and regions are known to be sound.
// `where` names the node in messages. Private to verify.
#pragma once

#include <functional>
#include <string>

#include "verify/laws.h"

namespace ingot::laws {

using Where = std::function<std::string()>;

// As many attributes as the row has, each of its kind, printable, over declared dims.
void attrs_are_sound(const Context& context, const Node& node, const Where& where);
// The args of a region have the types that the node's operands give them.
void region_args_are_as_ruled(const Graph& graph, const Node& node, std::size_t region, const Where& where);
// The results have the types that the op's rules infer, and the guards this needs are in the module.
void types_are_as_inferred(const Context& context, const Graph& graph, const Node& node, const Where& where);
// Proved by the dims' ranges or by a guard.
void size_is_not_negative(const Context& context, const Size& size, const Where& where);

}  // namespace ingot::laws
