// Running without the interpreter lock, and what one call needs meanwhile.
#pragma once

#include <exception>
#include <vector>

#include "base/scratch.h"
#include "bindings/convert.h"
#include "program.h"

namespace ingot::python {

// What one call needs; kept per thread, so that run_into allocates nothing after its first call. Nested, because a
// signal handler that interrupts a run may run something itself.
struct CallScratch {
  std::vector<ArrayRef> inputs, outputs;
  std::vector<py::object> keep;  // arrays in use, and copies of those that cannot be read as they lie
  std::vector<TensorType> types;
  bool has_stream = false;  // in whose order the run takes its place
  void* stream = nullptr;
  void clear() {
    has_stream = false;
    inputs.clear();
    outputs.clear();
    keep.clear();
  }
};

class Call {
 public:
  Call() { lease_->clear(); }
  ~Call() { lease_->clear(); }
  CallScratch* operator->() const { return &*lease_; }

 private:
  ScratchLease<CallScratch> lease_;
};

// Lets Python handle signals (Ctrl-C) while a run is in progress. The run's thread is the one that holds `state`.
struct Interrupt {
  PyThreadState* state = nullptr;
  bool raised = false;

  static bool poll(void* context) {
    auto* self = static_cast<Interrupt*>(context);
    PyEval_RestoreThread(self->state);
    self->raised = PyErr_CheckSignals() != 0;
    self->state = PyEval_SaveThread();
    return self->raised;
  }
};

// Calls `work` without the interpreter lock. A signal handler that raised wins over the error of the stopped run.
template <class Work>
void run_unlocked(std::int64_t max_steps, Work work) {
  Interrupt interrupt;
  const RunOptions options{.max_steps = max_steps, .interrupted = &Interrupt::poll, .interrupt_context = &interrupt};
  std::exception_ptr error;
  interrupt.state = PyEval_SaveThread();
  try {
    work(options);
  } catch (...) {
    error = std::current_exception();
  }
  PyEval_RestoreThread(interrupt.state);
  if (interrupt.raised) throw py::error_already_set();
  if (error) std::rethrow_exception(error);
}

}  // namespace ingot::python
