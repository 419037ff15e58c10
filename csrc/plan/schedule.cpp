// Greedy list scheduling by bytes freed, region by region.
#include "plan/schedule.h"

#include <algorithm>
#include <map>
#include <queue>

namespace ingot::planning {
namespace {

constexpr std::uint32_t kNoNode = 0xffffffffu;
constexpr std::int64_t kHuge = std::int64_t{1} << 48;  // sizes above count as this, so that sums cannot overflow

class RegionScheduler {
 public:
  RegionScheduler(const Analysis& analysis, std::span<const Dim> dims, std::uint32_t region,
                  std::vector<std::uint32_t>& local)
      : analysis_(analysis),
        graph_(analysis.graph()),
        dims_(dims),
        nodes_(analysis.region(region).nodes),
        local_(local) {
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) local_[nodes_[i].index] = i;
    waiting_.assign(nodes_.size(), 0);
    done_.assign(nodes_.size(), false);
    counted_.assign(nodes_.size(), false);
    followers_.resize(nodes_.size());
    items_of_.resize(nodes_.size());
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) add_node(i);
    for (const ValueId value : analysis.region(region).returns) hold(value);
    if (region == 0) {
      for (const Update& update : graph_.updates) hold(update.value);
    }
    for (const NodeId id : nodes_) local_[id.index] = kNoNode;
  }

  std::vector<NodeId> run() {
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      if (waiting_[i] == 0) make_ready(i);
    }
    std::vector<NodeId> order;
    while (!ready_.empty()) {
      const auto [cost, i] = ready_.top();
      ready_.pop();
      if (done_[i] || cost != cost_[i]) continue;  // an entry that a cheaper one replaced
      done_[i] = true;
      order.push_back(nodes_[i]);
      finish(i);
    }
    return order;
  }

 private:
  // Bytes that some nodes of the region read: freed when the last of them ran.
  struct Item {
    std::int64_t bytes = 0;
    std::uint32_t readers = 0;
    std::uint32_t reader_xor = 0;  // of the remaining readers: the reader itself when one is left
  };

  std::int64_t bytes_of(ValueId value) const {
    return std::clamp<std::int64_t>(num_bytes(graph_.value(value).type).interval(dims_).hi, 0, kHuge);
  }

  // Position of the node of this region that defines the value; kNoNode if it comes from elsewhere.
  std::uint32_t definer(ValueId id) const {
    const Value& value = graph_.value(id);
    return value.kind == ValueKind::kResult ? local_[value.node.index] : kNoNode;
  }

  void add_node(std::uint32_t i) {
    const Node& node = graph_.node(nodes_[i]);
    std::vector<std::uint32_t> before, items;
    collect_reads(node, before, items);
    if (analysis_.may_fail(nodes_[i])) {
      if (last_failing_ != kNoNode) before.push_back(last_failing_);
      last_failing_ = i;
    }
    for (std::vector<std::uint32_t>* list : {&before, &items}) {
      std::sort(list->begin(), list->end());
      list->erase(std::unique(list->begin(), list->end()), list->end());
    }
    for (const std::uint32_t b : before) followers_[b].push_back(i);
    waiting_[i] = static_cast<std::uint32_t>(before.size());
    for (const std::uint32_t item : items) {
      ++items_[item].readers;
      items_[item].reader_xor ^= i;
    }
    items_of_[i] = std::move(items);
    std::int64_t cost = 0;
    for (const ValueId result : node.results) {
      if (analysis_.root(result) != result) continue;
      item_of_[result] = static_cast<std::uint32_t>(items_.size());
      items_.push_back({.bytes = bytes_of(result)});
      cost += items_.back().bytes;
    }
    cost_.push_back(cost);
  }

  void collect_reads(const Node& node, std::vector<std::uint32_t>& before, std::vector<std::uint32_t>& items) const {
    const auto read = [&](ValueId value) {
      const std::uint32_t from = definer(value);
      if (from == kNoNode) return;
      before.push_back(from);
      const auto item = item_of_.find(analysis_.root(value));
      if (item != item_of_.end()) items.push_back(item->second);
    };
    for (const ValueId operand : node.operands) read(operand);
    for (const Region& region : node.regions) {
      for (const NodeId inner : region.nodes) collect_reads(graph_.node(inner), before, items);
      for (const ValueId value : region.returns) read(value);
    }
  }

  // What the region returns is never freed.
  void hold(ValueId value) {
    const auto item = item_of_.find(analysis_.root(value));
    if (item != item_of_.end()) items_[item->second].bytes = 0;
  }

  void make_ready(std::uint32_t i) {
    counted_[i] = true;
    for (const std::uint32_t item : items_of_[i]) {
      if (items_[item].readers == 1) cost_[i] -= items_[item].bytes;
    }
    ready_.emplace(cost_[i], i);
  }

  void finish(std::uint32_t i) {
    for (const std::uint32_t item : items_of_[i]) {
      Item& read = items_[item];
      --read.readers;
      read.reader_xor ^= i;
      if (read.readers != 1) continue;
      const std::uint32_t last = read.reader_xor;
      if (!counted_[last]) continue;  // it will count this itself
      cost_[last] -= read.bytes;
      ready_.emplace(cost_[last], last);
    }
    for (const std::uint32_t follower : followers_[i]) {
      if (--waiting_[follower] == 0) make_ready(follower);
    }
  }

  const Analysis& analysis_;
  const Graph& graph_;
  std::span<const Dim> dims_;
  const std::vector<NodeId>& nodes_;
  std::vector<std::uint32_t>& local_;  // by node: its position in this region while the scheduler is built
  std::vector<std::uint32_t> waiting_;
  std::vector<std::vector<std::uint32_t>> followers_;
  std::vector<std::vector<std::uint32_t>> items_of_;  // by node: what it reads
  std::vector<Item> items_;
  std::map<ValueId, std::uint32_t> item_of_;
  std::vector<std::int64_t> cost_;  // bytes allocated less bytes freed by running the node now
  std::vector<bool> done_;
  std::vector<bool> counted_;  // ready: its cost includes what it frees
  std::uint32_t last_failing_ = kNoNode;
  using Entry = std::pair<std::int64_t, std::uint32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready_;
};

}  // namespace

Order least_memory_order(const Analysis& analysis, std::span<const Dim> dims) {
  Order order = analysis.given_order();
  std::vector<std::uint32_t> local(order.position.size(), kNoNode);
  for (std::uint32_t r = 0; r < order.nodes.size(); ++r) {
    order.nodes[r] = RegionScheduler(analysis, dims, r, local).run();
    for (std::uint32_t i = 0; i < order.nodes[r].size(); ++i) order.position[order.nodes[r][i].index] = i;
  }
  return order;
}

}  // namespace ingot::planning
