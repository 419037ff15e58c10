// The levels compiled in, which of them this processor runs, and look-ups in their tables.
#include "execute/levels.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/error.h"
#if defined(INGOT_HAVE_AVX2)
#include <cpuid.h>
#endif

namespace ingot {

namespace generic {
extern const KernelTable kernel_table;
}
namespace avx2 {
extern const KernelTable kernel_table;
}
namespace avx512 {
extern const KernelTable kernel_table;
}
namespace neon {
extern const KernelTable kernel_table;
}

namespace {

struct Levels {
  const KernelTable* tables[4];
  std::size_t count = 0;

  void add(const KernelTable& table) { tables[count++] = &table; }
};

#if defined(INGOT_HAVE_AVX2)
// Every feature of x86-64-v3 that the compiler may use; the builtin also asks whether the system saves the registers.
bool runs_avx2() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2")) {
    return false;
  }
  constexpr unsigned kMovbe = 1u << 22, kF16c = 1u << 29, kLzcnt = 1u << 5;  // of ecx; older builtins lack these names
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kMovbe) == 0 || (c & kF16c) == 0) return false;
  return __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & kLzcnt) != 0;
}
#endif

#if defined(INGOT_HAVE_AVX512)
bool runs_avx512() {  // x86-64-v4
  return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

Levels find_levels() {
  Levels levels;
  levels.add(generic::kernel_table);
#if defined(INGOT_HAVE_AVX2)
  if (runs_avx2()) levels.add(avx2::kernel_table);
#endif
#if defined(INGOT_HAVE_AVX512)
  if (runs_avx512()) levels.add(avx512::kernel_table);
#endif
#if defined(INGOT_HAVE_NEON)
  levels.add(neon::kernel_table);  // part of every 64-bit Arm processor
#endif
  return levels;
}

// Kernels may not include base/dtype.h; their copy of these codes is kernels/element.h.
static_assert(static_cast<int>(DType::kBool) == 0 && static_cast<int>(DType::kI8) == 1 &&
              static_cast<int>(DType::kI64) == 4 && static_cast<int>(DType::kU8) == 5 &&
              static_cast<int>(DType::kU64) == 8 && static_cast<int>(DType::kF16) == 9 &&
              static_cast<int>(DType::kF64) == 12 && static_cast<int>(DType::kC64) == 13);

}  // namespace

std::span<const KernelTable* const> available_levels() {
  static const Levels levels = find_levels();
  return {levels.tables, levels.count};
}

const KernelTable& choose_level(std::string_view name) {
  const std::span<const KernelTable* const> levels = available_levels();
  if (name.empty()) {
    const char* const forced = std::getenv("INGOT_LEVEL");
    if (forced == nullptr || *forced == '\0') return *levels.back();
    name = forced;
  }
  std::string names;
  for (const KernelTable* const table : levels) {
    if (name == table->level) return *table;
    names += concat(names.empty() ? "" : ", ", table->level);
  }
  fail(ErrorCode::kArgument,
       concat("level: not one that this processor runs: got ", name, ", expected one of ", names));
}

const Kernel* find_kernel(const KernelTable& table, std::string_view op, DType dtype) {
  const Kernel* for_any = nullptr;
  for (std::int32_t i = 0; i < table.num_families; ++i) {
    const KernelFamily& family = table.families[i];
    for (std::int32_t j = 0; j < *family.num_kernels; ++j) {
      const Kernel& kernel = family.kernels[j];
      if (op != kernel.op) continue;
      if (kernel.dtype == static_cast<std::int32_t>(dtype)) return &kernel;
      if (kernel.dtype < 0) for_any = &kernel;
    }
  }
  return for_any;
}

PanelWish panel_wish(const Kernel& kernel, std::size_t operand, std::size_t rank, const Attrs& attrs) {
  for (std::int32_t i = 0; i < kernel.num_panel_forms; ++i) {
    const PanelForm& form = kernel.panel_forms[i];
    if (form.operand != static_cast<std::int32_t>(operand) || form.rank != static_cast<std::int32_t>(rank)) continue;
    if (form.attr >= 0) {
      const auto* number = std::get_if<std::int64_t>(&attrs.at(static_cast<std::size_t>(form.attr)));
      if (number == nullptr || *number != form.attr_value) continue;
    }
    const std::vector<std::int64_t> order(form.order, form.order + form.rank);
    return {.layout = panels_of(order), .wanted = form.wanted};
  }
  return {};
}

const PointwiseKernel* find_pointwise(const KernelTable& table, std::string_view op, DType dtype, DType result_dtype) {
  for (std::int32_t i = 0; i < table.num_pointwise; ++i) {
    const PointwiseFamily& family = *table.pointwise[i];
    for (std::int32_t j = 0; j < family.num_functions; ++j) {
      const PointwiseKernel& kernel = family.functions[j];
      if (kernel.dtype == static_cast<std::int32_t>(dtype) &&
          kernel.result_dtype == static_cast<std::int32_t>(result_dtype) && op == kernel.op) {
        return &kernel;
      }
    }
  }
  return nullptr;
}

const ArithmeticForms* find_arithmetic(const KernelTable& table, std::string_view op) {
  const std::span<const ArithmeticForms> forms(table.arithmetic->forms,
                                               static_cast<std::size_t>(table.arithmetic->num_forms));
  const auto found = std::find_if(forms.begin(), forms.end(), [&](const ArithmeticForms& f) { return op == f.op; });
  return found == forms.end() ? nullptr : &*found;
}

const RowKernel* find_row_function(const KernelTable& table, std::string_view op, DType dtype) {
  for (std::int32_t i = 0; i < table.rows->num_functions; ++i) {
    const RowKernel& kernel = table.rows->functions[i];
    if (kernel.dtype == static_cast<std::int32_t>(dtype) && op == kernel.op) return &kernel;
  }
  return nullptr;
}

}  // namespace ingot
