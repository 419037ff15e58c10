// Grows a module node by node: a random op on random visible values of fitting types.
#include "random_module.h"

#include <algorithm>
#include <random>

#include "base/error.h"
#include "graph/builder.h"

namespace ingot::testing {
namespace {

constexpr DType kInt = DType::kI64;
const TensorType kScalar{kInt, {}};
constexpr std::size_t kMaxElements = 200;

class Grower {
 public:
  explicit Grower(std::uint64_t seed) : random_(seed), builder_(prepare(module_), "main") {}

  Module run() {
    const Size n = Size::dim("n");
    visible_ = {builder_.add_input("x", {kInt, {n, 3}}), builder_.add_input("y", {kInt, {4}}),
                builder_.add_input("z", kScalar)};
    for (std::uint32_t s = 0; s < 3; ++s) visible_.push_back(builder_.use_state(s));
    visible_.push_back(builder_.use_param(0));
    grow(6 + below(25), 0);
    for (std::uint32_t s = 0; s < 3; ++s) {
      if (below(4) != 0) builder_.add_update(s, pick_type(module_.states[s].type));
    }
    std::vector<ValueId> outputs;
    for (std::size_t i = 0; i <= below(4); ++i) outputs.push_back(pick());
    builder_.set_outputs(outputs, std::vector<std::string>(outputs.size()));
    return std::move(module_);
  }

 private:
  static Module& prepare(Module& module) {
    module.dims = {{"n", 0, 6}};
    module.states.push_back({.name = "a", .type = {kInt, {4}}, .init = {}});
    module.states.push_back({.name = "b", .type = {kInt, {4}}, .init = {}});
    module.states.push_back({.name = "c", .type = kScalar, .init = {}});
    const std::vector<std::int64_t> weights = {3, -1, 4, 1, -5, 9};
    module.params.push_back({.name = "w", .type = {kInt, {2, 3}}, .data = {}, .alias_of = {}});
    module.params[0].data = copy_data(weights.data(), weights.size() * sizeof(std::int64_t));
    return module;
  }

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool coin() { return below(2) == 0; }

  const TensorType& type(ValueId id) { return builder_.graph().value(id).type; }
  const Shape& shape(ValueId id) { return type(id).shape; }

  std::vector<ValueId> candidates(const TensorType& wanted) {
    std::vector<ValueId> found;
    for (const ValueId id : visible_) {
      if (type(id) == wanted) found.push_back(id);
    }
    return found;
  }

  // Prefers young values, so that chains grow.
  ValueId pick_from(const std::vector<ValueId>& from) {
    const std::size_t a = below(from.size()), b = below(from.size());
    return from[coin() ? a : std::max(a, b)];
  }
  ValueId pick() { return pick_from(visible_); }
  ValueId pick_type(const TensorType& wanted) {
    const std::vector<ValueId> found = candidates(wanted);
    return found.empty() ? fill(wanted) : pick_from(found);
  }

  // A value of this type where there is none.
  ValueId fill(const TensorType& wanted) {
    const ValueId one = constant(static_cast<std::int64_t>(below(5)));
    return wanted.shape.empty() ? one : add("broadcast_to", {one}, {wanted.shape});
  }

  ValueId constant(std::int64_t value) { return builder_.add_constant(kScalar, std::as_bytes(std::span(&value, 1))); }
  ValueId constants(const std::vector<std::int64_t>& values) {
    const TensorType type{kInt, {static_cast<std::int64_t>(values.size())}};
    return builder_.add_constant(type, std::as_bytes(std::span(values)));
  }

  ValueId add(std::string_view op, std::vector<ValueId> operands, Attrs attrs = {}) {
    const ValueId result = builder_.add_node(*find_op(op), std::move(operands), std::move(attrs), {}).at(0);
    if (type(result).dtype == kInt && small(type(result))) visible_.push_back(result);
    return result;
  }

  bool small(const TensorType& type) {
    std::size_t elements = 1;
    for (const Size& size : type.shape) elements *= size.is_constant() ? static_cast<std::size_t>(size.constant()) : 6;
    return elements <= kMaxElements && type.shape.size() < 4;
  }

  // Values of the same shape or scalars.
  ValueId partner(ValueId x) { return below(4) == 0 ? pick_type(kScalar) : pick_type(type(x)); }

  ValueId scalar_condition() {
    const ValueId a = pick_type(kScalar), b = pick_type(kScalar);
    return builder_.add_node(*find_op("less"), {a, b}, {}, {}).at(0);
  }

  void add_pointwise() {
    const ValueId x = pick();
    switch (below(6)) {
      case 0:
        add("negative", {x});
        return;
      case 1:
        add("where", {builder_.add_node(*find_op("less"), {x, partner(x)}, {}, {}).at(0), x, partner(x)});
        return;
      case 2:
        add("cast", {builder_.add_node(*find_op("less"), {x, partner(x)}, {}, {}).at(0)}, {kInt});
        return;
      default: {
        static constexpr std::string_view kOps[] = {"add", "subtract", "multiply", "maximum"};
        add(kOps[below(4)], {x, partner(x)});
      }
    }
  }

  std::vector<std::int64_t> axes_of(ValueId x) {
    std::vector<std::int64_t> axes(shape(x).size());
    for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<std::int64_t>(i);
    return axes;
  }

  void add_view() {
    const ValueId x = pick();
    Shape sizes = shape(x);
    switch (below(5)) {
      case 0: {
        std::vector<std::int64_t> axes = axes_of(x);
        std::shuffle(axes.begin(), axes.end(), random_);
        add("permute_dims", {x}, {axes});
        return;
      }
      case 1:
        if (!sizes.empty())
          add("flip", {x}, {std::vector<std::int64_t>{static_cast<std::int64_t>(below(sizes.size()))}});
        return;
      case 2:
        return add_reshape(x);
      case 3:
        if (sizes.size() < 3) sizes.insert(sizes.begin(), Size(2));
        add("broadcast_to", {x}, {sizes});
        return;
      default:
        add_slice(x);
    }
  }

  void add_reshape(ValueId x) {
    Shape sizes = shape(x);
    if (sizes.size() == 2 && coin()) {
      sizes = coin() ? Shape{sizes[0] * sizes[1]} : Shape{sizes[1], sizes[0]};
    } else if (sizes.size() == 1 && sizes[0] == Size(4)) {
      sizes = {2, 2};
    } else if (sizes.size() < 3) {
      sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(below(sizes.size() + 1)), Size(1));
    }
    add("reshape", {x}, {sizes});
  }

  void add_slice(ValueId x) {
    Shape start, stop = shape(x);
    std::vector<std::int64_t> step;
    for (const Size& size : stop) {
      const bool cut = size.is_constant() && size.constant() >= 2 && coin();
      start.emplace_back(cut ? 1 : 0);
      step.push_back(size.is_constant() && coin() ? 2 : 1);
    }
    add("slice", {x}, {start, stop, step});
  }

  void add_other() {
    const ValueId x = pick();
    const Shape sizes = shape(x);
    switch (below(4)) {
      case 0:
        if (!sizes.empty()) {
          add("sum", {x}, {std::vector<std::int64_t>{static_cast<std::int64_t>(below(sizes.size()))}, coin()});
        }
        return;
      case 1:
        if (!sizes.empty()) add("concat", {x, pick_type(type(x))}, {std::int64_t{0}});
        return;
      case 2:
        if (!sizes.empty() && sizes[0].is_constant() && sizes[0].constant() > 0) {
          add("take", {x, constants({0, -1})}, {std::int64_t{0}});
        }
        return;
      default:
        add_update_slice(x);
    }
  }

  void add_update_slice(ValueId x) {
    const Shape sizes = shape(x);
    if (sizes.empty()) return;
    Shape part = sizes;
    if (part[0].is_constant() && part[0].constant() > 1) part[0] = 1;
    const ValueId start = constants(std::vector<std::int64_t>(sizes.size(), 0));
    add("dynamic_update_slice", {x, pick_type({kInt, part}), start});
  }

  void add_abort() {
    const ValueId x = pick_type(kScalar);
    const ValueId never = builder_.add_node(*find_op("less"), {x, x}, {}, {}).at(0);
    builder_.add_node(*find_op("abort"), {never}, {std::string("never")}, {});
  }

  std::vector<ValueId> pick_types(const std::vector<TensorType>& types) {
    std::vector<ValueId> values;
    for (const TensorType& wanted : types) values.push_back(pick_type(wanted));
    return values;
  }
  std::vector<TensorType> types_of(const std::vector<ValueId>& values) {
    std::vector<TensorType> types;
    for (const ValueId value : values) types.push_back(type(value));
    return types;
  }
  std::vector<ValueId> pick_some(std::size_t most) {
    std::vector<ValueId> values;
    for (std::size_t i = 0; i <= below(most); ++i) values.push_back(pick());
    return values;
  }

  template <class Body>
  void region(const std::vector<TensorType>& args, Body body) {
    const std::size_t outside = visible_.size();
    const std::vector<ValueId> values = builder_.begin_region(args);
    visible_.insert(visible_.end(), values.begin(), values.end());
    const std::vector<ValueId> returns = body(values);
    visible_.resize(outside);
    builder_.end_region(returns);
  }

  void finish() {
    for (const ValueId result : builder_.end_node()) {
      if (small(type(result))) visible_.push_back(result);
    }
  }

  void add_if(int depth) {
    const std::vector<TensorType> types = types_of(pick_some(3));
    builder_.begin_node(*find_op("if"), {scalar_condition()}, {}, {});
    for (int branch = 0; branch < 2; ++branch) {
      region({}, [&](const auto&) {
        grow(below(5), depth + 1);
        return pick_types(types);
      });
    }
    finish();
  }

  // Next values: often another arg or the same one, so that carries swap, stay, or are written in place.
  std::vector<ValueId> next_values(const std::vector<ValueId>& args, const std::vector<TensorType>& types) {
    std::vector<ValueId> next;
    for (std::size_t i = 0; i < types.size(); ++i) {
      next.push_back(below(5) == 0 ? args[i] : pick_type(types[i]));
    }
    return next;
  }

  void add_while(int depth) {
    std::vector<ValueId> initial = pick_some(3);
    initial.insert(initial.begin(), constant(0));
    const std::vector<TensorType> types = types_of(initial);
    const ValueId limit = constant(static_cast<std::int64_t>(below(4)));
    builder_.begin_node(*find_op("while"), initial, {}, {});
    region(types, [&](const std::vector<ValueId>& args) {
      if (coin()) grow(below(3), depth + 1);
      return builder_.add_node(*find_op("less"), {args[0], limit}, {}, {});
    });
    region(types, [&](const std::vector<ValueId>& args) {
      grow(below(7), depth + 1);
      std::vector<ValueId> next = next_values(args, types);
      next[0] = builder_.add_node(*find_op("add"), {args[0], constant(1)}, {}, {}).at(0);
      return next;
    });
    finish();
  }

  void add_scan(int depth) {
    const std::vector<ValueId> carries = pick_some(2);
    std::vector<ValueId> operands = carries;
    const ValueId first = pick();
    if (shape(first).empty()) return;
    const Size length = shape(first)[0];
    for (const ValueId x : visible_) {
      if (!shape(x).empty() && shape(x)[0] == length && (x == first || below(6) == 0)) operands.push_back(x);
    }
    const std::vector<TensorType> carried = types_of(carries);
    std::vector<TensorType> types = carried;
    types.push_back(kScalar);
    for (std::size_t i = carries.size(); i < operands.size(); ++i) {
      const TensorType& x = type(operands[i]);
      types.push_back({x.dtype, {x.shape.begin() + 1, x.shape.end()}});
    }
    builder_.begin_node(*find_op("scan"), operands, {static_cast<std::int64_t>(carries.size()), length, coin()}, {});
    region(types, [&](const std::vector<ValueId>& args) {
      grow(below(7), depth + 1);
      std::vector<ValueId> next = next_values(args, carried);
      for (std::size_t i = 0; i < below(3); ++i) {
        const ValueId y = pick();
        if (shape(y).size() < 3) next.push_back(y);
      }
      return next;
    });
    finish();
  }

  void grow(std::size_t nodes, int depth) {
    for (std::size_t i = 0; i < nodes; ++i) {
      const std::size_t kind = below(depth < 3 ? 20 : 16);
      if (kind < 7) add_pointwise();
      if (kind >= 7 && kind < 11) add_view();
      if (kind >= 11 && kind < 15) add_other();
      if (kind == 15 && coin()) add_abort();
      if (kind == 16) add_if(depth);
      if (kind == 17) add_while(depth);
      if (kind >= 18) add_scan(depth);
    }
  }

  std::mt19937_64 random_;
  Module module_;
  GraphBuilder builder_;
  std::vector<ValueId> visible_;  // i64 values that a node may use here
};

}  // namespace

Module random_module(std::uint64_t seed) {
  return Grower(seed).run();
}

}  // namespace ingot::testing
