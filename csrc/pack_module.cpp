#include "pack_module.h"

#include "base/error.h"

namespace ingot {

Module pack_module(const std::shared_ptr<const Module>& module, const CompileOptions& options) {
  const std::shared_ptr<Program> program = Program::compile(module, options);
  const std::vector<Param>& laid = program->optimized().params;  // the module's own, then what was folded
  INGOT_CHECK(laid.size() >= module->params.size());
  Module packed = *module;
  for (std::size_t i = 0; i < packed.params.size(); ++i) {
    INGOT_CHECK(laid[i].name == packed.params[i].name && laid[i].type == packed.params[i].type);
    packed.params[i].layout = laid[i].layout;
    packed.params[i].data = laid[i].data;
  }
  return packed;
}

}  // namespace ingot
