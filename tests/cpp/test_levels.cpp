// The choice of an instruction-set level.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "base/error.h"
#include "execute/levels.h"

namespace ingot {
namespace {

TEST_CASE("generic is available everywhere and the best level is chosen by default") {
  CHECK(std::string(available_levels().front()->level) == "generic");
  if (std::getenv("INGOT_LEVEL") == nullptr) CHECK(&choose_level() == available_levels().back());
}

TEST_CASE("a level can be chosen by name, and an unknown one is refused with the names of those there are") {
  for (const KernelTable* const table : available_levels()) CHECK(&choose_level(table->level) == table);
  try {
    choose_level("mmx");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kArgument);
    CHECK(error.message().find("got mmx, expected one of generic") != std::string::npos);
  }
}

TEST_CASE("a kernel for any dtype is found for each, and an unknown op for none") {
  for (const KernelTable* const table : available_levels()) {
    CHECK(find_kernel(*table, "pointwise", DType::kF32) != nullptr);
    CHECK(find_kernel(*table, "pointwise", DType::kBool) == find_kernel(*table, "pointwise", DType::kF32));
    CHECK(find_kernel(*table, "no such op", DType::kF32) == nullptr);
    CHECK(find_pointwise(*table, "exp", DType::kI32, DType::kI32) == nullptr);
  }
}

}  // namespace
}  // namespace ingot
