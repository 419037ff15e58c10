// The rules of ops with regions, in one place; builder and verifier both call them.
//
//   if(cond, ...)            regions: then(), else()          both return the node's result types; cond: bool[]
//   while(init...)           regions: cond(args), body(args)  args have init's types; cond returns one bool[]; body
//   returns
//                                                             init's types; results: the carried values after the last
//                                                             turn
//   scan(init..., xs...)     regions: body(carry..., i, x...) attrs carries=<count>, length=<size>, reverse=<bool>; xs
//   have a leading
//                                                             axis of `length`; i: i64[] is the turn's index into xs;
//                                                             body returns carry... then ys...; results: carry..., then
//                                                             ys stacked on a leading axis of `length`
//   fused()                  regions: body()                  pointwise ops, reductions, contractions; results are
//                                                             the returns
// A region sees every value around it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace ingot {

// Names of the regions of a region op, in order: {"then", "else"}, {"cond", "body"}, {"body"}.
std::span<const std::string_view> region_names(const OpRow& op);

// Types of the args that region number `region` of `node` must have.
std::vector<TensorType> region_arg_types(const Graph& graph, const Node& node, std::size_t region);

// Checks operands, region args and returns; gives the result types. Throws ShapeError, DTypeError, ArgumentError.
std::vector<TensorType> infer_region_node(const Graph& graph, const Node& node, std::span<const Dim> dims,
                                          GuardSink* guards);

}  // namespace ingot
