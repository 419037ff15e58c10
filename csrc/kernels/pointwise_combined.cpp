// Functions that graphs spell out in several ops and often hold: each is the vector code of its ops, in one loop, where
// one op after the other would go through memory and wait for the divider.
#include "kernels/families.h"
#include "kernels/lanes_f32.h"
#include "kernels/values.h"

namespace ingot::INGOT_LEVEL {
namespace {

#if defined(INGOT_SMALL_CODE)

constexpr CombinedFamily kFamily = {nullptr, 0};  // the proof of the contract: op by op

#else

constexpr std::int32_t x = kTheOperand;
constexpr std::int32_t number(int i) {
  return kFirstNumber - i;
}

// 1 / (1 + exp(-x)) where x >= 0, exp(x) / (1 + exp(x)) elsewhere.
constexpr float kSigmoidNumbers[] = {0, 1};
constexpr CombinedOp kSigmoidOps[] = {
    {"greater_equal", {x, number(0)}}, {"negative", {x}},       {"where", {0, 1, x}}, {"exp", {2}},
    {"where", {0, number(1), 3}},      {"add", {3, number(1)}}, {"divide", {4, 5}},
};
struct Sigmoid {
  INGOT_INLINE static F32 value(F32 a) {
    const Mask<F32> positive = a >= 0;
    const F32 e = exp_f32(select<F32>(positive, -a, a));
    return select<F32>(positive, splat<F32>(1), e) / (e + 1);
  }
};

// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
constexpr float kGeluNumbers[] = {0.5f, 0.044715f, 0.7978845608028654f, 1};
constexpr CombinedOp kGeluOps[] = {
    {"multiply", {x, number(0)}},
    {"multiply", {x, x}},
    {"multiply", {1, x}},
    {"multiply", {2, number(1)}},
    {"add", {x, 3}},
    {"multiply", {4, number(2)}},
    {"tanh", {5}},
    {"add", {6, number(3)}},
    {"multiply", {0, 7}},
};
struct GeluTanh {
  INGOT_INLINE static F32 value(F32 a) {
    const F32 inner = (a + a * a * a * kGeluNumbers[1]) * kGeluNumbers[2];
    return a * kGeluNumbers[0] * (tanh_f32(inner) + 1);
  }
};

// x / 2 * (1 + erf(x / sqrt(2)))
constexpr float kGeluErfNumbers[] = {0.5f, 0.7071067811865476f, 1};
constexpr CombinedOp kGeluErfOps[] = {
    {"multiply", {x, number(0)}}, {"multiply", {x, number(1)}}, {"erf", {1}},
    {"add", {2, number(2)}},      {"multiply", {0, 3}},
};
struct GeluErf {
  INGOT_INLINE static F32 value(F32 a) { return a * kGeluErfNumbers[0] * (erf_f32(a * kGeluErfNumbers[1]) + 1); }
};

template <class Function, int kNumOps>
constexpr CombinedKernel combined(const CombinedOp (&ops)[kNumOps], const float* numbers) {
  return {ops, kNumOps, numbers, run_lanes_f32<Function>};
}

constexpr CombinedKernel kKernels[] = {
    combined<Sigmoid>(kSigmoidOps, kSigmoidNumbers),
    combined<GeluTanh>(kGeluOps, kGeluNumbers),
    combined<GeluErf>(kGeluErfOps, kGeluErfNumbers),
};
constexpr CombinedFamily kFamily = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

#endif

}  // namespace

extern constinit const CombinedFamily combined_functions = kFamily;

}  // namespace ingot::INGOT_LEVEL
