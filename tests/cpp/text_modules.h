// Modules written as text, for tests: parsed, given tensors of small repeating values, verified.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "graph/text.h"
#include "verify/verify.h"

namespace ingot::testing {

// Dims, guards, params with a second name and a layout, states of both kinds, two graphs, every kind of region,
// updates, aborts, origins, constants of several dtypes, quoted names.
inline constexpr std::string_view kSample = R"(ingot 1
numerics 1
dim batch in 1..64
dim n in 0..
guard n - 4 >= 0
param w0: f32[8,4]
param packed: f32[4,20] layout panel16
param "lm head" = w0
param mask: bool[4]
state cache: f32[3,4] = stored
state count: i64[] = zeros
graph classify(x: f32[batch,8], y: i64[], "odd name": bool[]) {
  %0 = matmul(x, w0) : f32[batch,4]  @ model.py:12
  %1 = maximum(%0, 0.0) : f32[batch,4]  @ model.py:13 in relu.1
  %2 = sum(%1, axes=[1], keepdims=true) : f32[batch,1]  @ "my model.py":14
  abort("odd name", message="negative \"count\"\n")  @ model.py:15
  %3, %4 = while(%1, 0:i64) : f32[batch,4], i64[]  @ in loop.2 {
    cond(%5: f32[batch,4], %6: i64[]) {
      %7 = less(%6, 10) : bool[]
      return %7
    }
    body(%8: f32[batch,4], %9: i64[]) {
      %10 = if("odd name") : f32[batch,4] {
        then() {
          %11 = add(%8, {0.5, -0.0, inf, nan}:f32[4]) : f32[batch,4]
          return %11
        }
        else() {
          return %8
        }
      }
      %12 = add(%9, 1) : i64[]
      return %10, %12
    }
  }
  %13 = where(mask, %3, 1e-30:f32) : f32[batch,4]
  %14 = fused() : f32[batch,4] {
    body() {
      %15 = exp(%13) : f32[batch,4]
      %16 = multiply(%15, %1) : f32[batch,4]
      return %16
    }
  }
  %17 = add(count, %4) : i64[]
  update count <- %17
  return %14 as hidden, %2, count as "old count", 1.5:f32, w0
}
graph step(z: f32[3,n]) {
  %0 = slice(z, start=[0,n - 4], stop=[3,n], step=[1,1]) : f32[3,4]
  %1, %2 = scan(%0, z, carries=1, length=3) : f32[3,4], f32[3,n] {
    body(%3: f32[3,4], %4: i64[], %5: f32[n]) {
      %6 = add(%3, cache) : f32[3,4]
      return %6, %5
    }
  }
  %7 = matmul(%1, packed) : f32[3,20]
  %8 = multiply(%7, {2.0}:f32[1,1]) : f32[3,20]
  update cache <- %1
  return %2, %8
}
)";

inline TensorData repeating_data(std::size_t size_bytes) {
  std::vector<std::byte> bytes(size_bytes);
  for (std::size_t i = 0; i < size_bytes; ++i) bytes[i] = static_cast<std::byte>(i % 7 == 3);
  return copy_data(bytes.data(), bytes.size());
}

// Attaches a tensor to every param and stored state.
inline Module parse_with_data(std::string_view text) {
  Module module = parse_module(text).module;
  for (Param& param : module.params) {
    if (param.alias_of) continue;
    const TensorType type = {param.type.dtype, stored_shape(param.type, param.layout)};
    param.data = repeating_data(static_cast<std::size_t>(num_bytes(type).constant()));
  }
  for (State& state : module.states) {
    if (state.init.size_bytes > 0) state.init = repeating_data(state.init.size_bytes);
  }
  return module;
}

inline Module verified(std::string_view text) {
  Module module = parse_with_data(text);
  verify(module);
  return module;
}

// The error that `action` throws: "FileError: text: line 1, ..."; "" if it throws none.
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::string(error_table()[static_cast<std::size_t>(error.code())].name) + ": " + error.message();
  }
  return "";
}

// The head of a module and one graph around these statements; x: f32[4], i: i64[], b: bool[].
inline std::string with_statements(const std::string& statements) {
  return "ingot 1\nnumerics 1\ndim n in 1..8\nparam w: f32[4]\nstate s: f32[4] = zeros\n"
         "graph g(x: f32[4], i: i64[], b: bool[]) {\n" +
         statements + "}\n";
}

}  // namespace ingot::testing
