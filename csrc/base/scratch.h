// Scratch that a thread keeps between calls, so that a call which needs tables of varying length allocates nothing once
// they have grown. Leases nest: a call made while another is in progress on the same thread gets scratch of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace ingot {

template <class T>
class ScratchLease {
 public:
  ScratchLease() {
    Stack& stack = this_thread();
    if (stack.depth == stack.items.size()) stack.items.push_back(std::make_unique<T>());
    item_ = stack.items[stack.depth++].get();
  }
  ~ScratchLease() { --this_thread().depth; }
  ScratchLease(const ScratchLease&) = delete;
  ScratchLease& operator=(const ScratchLease&) = delete;

  // As the last call left it: clear what must be empty.
  T& operator*() const { return *item_; }
  T* operator->() const { return item_; }

 private:
  struct Stack {
    std::vector<std::unique_ptr<T>> items;
    std::size_t depth = 0;
  };
  static Stack& this_thread() {
    static thread_local Stack stack;
    return stack;
  }
  T* item_;
};

}  // namespace ingot
