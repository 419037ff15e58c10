// check_plan: an operand's strides and offset show the very elements of its value. Some elements of the operand are
// followed on both ways: through the graph's views to the value that a step wrote, and by their address through copies
// back to the element that this step put there. Both must end at one element.
#include <algorithm>
#include <optional>

#include "plan/check.h"

namespace ingot::checking {
namespace {

using Index = std::vector<std::int64_t>;

constexpr std::size_t kMaxCorners = 64;

Index evaluate(const std::vector<Size>& sizes, const DimValues& dims) {
  Index values;
  for (const Size& size : sizes) values.push_back(size.evaluate(dims));
  return values;
}

// An operand in numbers.
struct Place {
  Place(const Operand& operand, const DimValues& dims)
      : shape(evaluate(operand.type.shape, dims)),
        strides(evaluate(operand.strides, dims)),
        offset(operand.offset.evaluate(dims)) {}

  std::int64_t address(const Index& index) const {
    std::int64_t at = offset;
    for (std::size_t axis = 0; axis < index.size(); ++axis) at += index[axis] * strides[axis];
    return at;
  }

  // The element at an address; of outputs, whose strides nest.
  std::optional<Index> element(std::int64_t address) const {
    std::vector<std::size_t> axes;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] > 1) axes.push_back(axis);
    }
    std::sort(axes.begin(), axes.end(), [&](std::size_t a, std::size_t b) { return strides[a] > strides[b]; });
    Index index(shape.size(), 0);
    std::int64_t rest = address - offset;
    for (const std::size_t axis : axes) {
      if (strides[axis] <= 0) return std::nullopt;
      index[axis] = rest / strides[axis];
      rest -= index[axis] * strides[axis];
      if (index[axis] < 0 || index[axis] >= shape[axis]) return std::nullopt;
    }
    return rest == 0 ? std::optional(index) : std::nullopt;
  }

  Index shape, strides;
  std::int64_t offset;
};

// Ends of every axis, as many corners as allowed, then the middle and its neighbours.
std::vector<Index> sample_elements(const Index& shape) {
  std::vector<Index> samples = {Index(shape.size(), 0)};
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const std::size_t known = samples.size();
    for (std::size_t i = 0; i < known && shape[axis] > 1 && samples.size() < kMaxCorners; ++i) {
      samples.push_back(samples[i]);
      samples.back()[axis] = shape[axis] - 1;
    }
  }
  Index middle(shape.size());
  for (std::size_t axis = 0; axis < shape.size(); ++axis) middle[axis] = shape[axis] / 2;
  samples.push_back(middle);
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] < 3) continue;
    samples.push_back(middle);
    samples.back()[axis] -= 1;
  }
  return samples;
}

// One element of a value, followed through views and groups.
class Element {
 public:
  Element(const Graph& graph, const DimValues& dims, ValueId value, Index index)
      : graph_(graph), dims_(dims), value_(value), index_(std::move(index)) {}

  // One step towards the source; false where there is none.
  bool follow() {
    const Value& value = graph_.value(value_);
    if (value.kind != ValueKind::kResult) return false;
    const Node& node = graph_.node(value.node);
    if (node.op->name == "fused") {
      value_ = node.regions[0].returns[value.index];
      return true;
    }
    if (!node.op->has(kView)) return false;
    follow_view(node);
    value_ = node.operands[0];
    return true;
  }

  ValueId value() const { return value_; }
  const Index& index() const { return index_; }

 private:
  Index shape_of(ValueId value) const { return evaluate(graph_.value(value).type.shape, dims_); }
  template <class T>
  const T& attr(const Node& node, std::string_view name) const {
    return std::get<T>(node.attrs[attr_index(*node.op, name)]);
  }

  void follow_view(const Node& node) {
    using Ints = std::vector<std::int64_t>;
    const Index from = shape_of(node.operands[0]);
    if (node.op->name == "reshape") return reshape(shape_of(node.results[0]), from);
    if (node.op->name == "permute_dims") {
      Index source(from.size());
      const Ints& axes = attr<Ints>(node, "axes");
      for (std::size_t axis = 0; axis < axes.size(); ++axis)
        source[static_cast<std::size_t>(axes[axis])] = index_[axis];
      index_ = source;
    } else if (node.op->name == "broadcast_to") {
      broadcast(from);
    } else if (node.op->name == "flip") {
      for (const std::int64_t a : attr<Ints>(node, "axes")) {
        const auto axis = static_cast<std::size_t>(a);
        index_[axis] = from[axis] - 1 - index_[axis];
      }
    } else {
      const Shape& start = attr<Shape>(node, "start");
      const Ints& step = attr<Ints>(node, "step");
      for (std::size_t axis = 0; axis < index_.size(); ++axis) {
        index_[axis] = start[axis].evaluate(dims_) + index_[axis] * step[axis];
      }
    }
  }

  void reshape(const Index& to, const Index& from) {
    std::int64_t flat = 0;
    for (std::size_t axis = 0; axis < to.size(); ++axis) flat = flat * to[axis] + index_[axis];
    index_.assign(from.size(), 0);
    for (std::size_t axis = from.size(); axis-- > 0; flat /= from[axis]) index_[axis] = flat % from[axis];
  }

 public:
  // From the broadcast shape to the value's own.
  void broadcast(const Index& own) {
    index_.erase(index_.begin(), index_.end() - static_cast<std::ptrdiff_t>(own.size()));
    for (std::size_t axis = 0; axis < own.size(); ++axis) {
      if (own[axis] == 1) index_[axis] = 0;
    }
  }

 private:
  const Graph& graph_;
  const DimValues& dims_;
  ValueId value_;
  Index index_;
};

}  // namespace

bool shows_value(const Subject& subject, const DimValues& dims, const Operand& operand, ValueId value,
                 const Laid& laid) {
  const Place shown(operand, dims), written(laid.written, dims);
  std::vector<std::pair<Place, Place>> copies;
  for (const auto& [from, to] : laid.copies) copies.emplace_back(Place(from, dims), Place(to, dims));
  if (std::find(shown.shape.begin(), shown.shape.end(), 0) != shown.shape.end()) return true;
  const Index own = evaluate(subject.graph.value(value).type.shape, dims);
  for (const Index& index : sample_elements(shown.shape)) {
    Element wanted(subject.graph, dims, value, index);
    wanted.broadcast(own);
    while (!same_source(subject, wanted.value(), laid.value)) {
      if (!wanted.follow()) return false;
    }
    std::int64_t address = shown.address(index);
    for (std::size_t i = copies.size(); i-- > 0;) {
      const std::optional<Index> copied = copies[i].second.element(address);
      if (!copied) return false;
      address = copies[i].first.address(*copied);
    }
    if (written.element(address) != wanted.index()) return false;
  }
  return true;
}

}  // namespace ingot::checking
