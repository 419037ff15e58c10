// What threads carry while they reduce: the value so far, or of argmax the value and its position. Combining two of
// them does not depend on which is which, so threads may take either.
#pragma once

#include "cuda/kernels/team.h"

namespace ingot::cuda {

template <class Op, class Element>
struct Fold {
  using T = Element;
  using Result = Element;
  using State = Element;

  __device__ static State identity() { return Op::template identity<T>(); }
  __device__ static State state(T x, std::int64_t) { return x; }
  __device__ static State combine(State a, State b) { return Op::apply(a, b); }
  __device__ static Result result(State x) { return x; }
  __device__ static Result empty() { return Op::template empty<T>(); }
};

template <class Element>
struct Place {
  Element value;
  std::int64_t index;  // -1: none
};

// The first NaN, else the first of those that no other exceeds; -0 and +0 are level.
template <class Element>
struct ArgMax {
  using T = Element;
  using Result = std::int64_t;
  using State = Place<Element>;

  __device__ static State identity() { return {T{}, -1}; }
  __device__ static State state(T x, std::int64_t index) { return {x, index}; }
  __device__ static State combine(State a, State b) {
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    const bool level = (a_nan && b_nan) || a.value == b.value;
    const bool b_wins = level ? b.index < a.index : b_nan || (!a_nan && b.value > a.value);
    return a.index < 0 || (b.index >= 0 && b_wins) ? b : a;
  }
  __device__ static Result result(State x) { return x.index; }
  __device__ static Result empty() { return 0; }
};

template <class T>
__device__ __forceinline__ Place<T> from_neighbor(Place<T> x, int bits) {
  return {from_neighbor(x.value, bits), from_neighbor(x.index, bits)};
}

}  // namespace ingot::cuda
