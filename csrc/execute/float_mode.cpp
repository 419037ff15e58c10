// Control words of the processors that are supported; elsewhere the C library's default environment.
#include "execute/float_mode.h"

namespace ingot {

#if defined(__x86_64__)

FloatMode::FloatMode() : saved_(__builtin_ia32_stmxcsr()) {
  __builtin_ia32_ldmxcsr(0x1f80);  // all exceptions masked, nearest, neither FTZ nor DAZ
}

FloatMode::~FloatMode() {
  __builtin_ia32_ldmxcsr(saved_);
}

#elif defined(__aarch64__)

FloatMode::FloatMode() {
  asm volatile("mrs %0, fpcr" : "=r"(saved_));
  asm volatile("msr fpcr, %0" : : "r"(std::uint64_t{0}));
}

FloatMode::~FloatMode() {
  asm volatile("msr fpcr, %0" : : "r"(saved_));
}

#else

FloatMode::FloatMode() {
  std::fegetenv(&saved_);
  std::fesetenv(FE_DFL_ENV);
}

FloatMode::~FloatMode() {
  std::fesetenv(&saved_);
}

#endif

}  // namespace ingot
