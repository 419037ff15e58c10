// `_core.Caller`: what Python classes that are called like a function derive from. Plain arrays in the graph's order go
// straight to the session; whatever else a caller passes (names, lists, scalars, nesting, mistakes) goes to the methods
// `_call` and `_run_into` that the deriving class has.
// A plain call holds the interpreter lock while it is short, and makes no object that is not an output.
// Python.h comes before its friends.
#include <Python.h>

#include <structmember.h>

#include <algorithm>
#include <cstddef>

#include "bindings/convert.h"
#include "bindings/handles.h"
#include "bindings/module.h"
#include "bindings/run_unlocked.h"

namespace ingot::python {

namespace {

constexpr std::size_t kMaxArrays = 64;  // of a plain call
constexpr int kWritableFlag = 0x400;    // NPY_ARRAY_WRITEABLE

struct DeclaredArray {
  PyObject* descr = nullptr;  // NumPy's dtype object, kept for the life of the process
  int rank = 0;
  DType dtype = DType::kF32;
};

// One graph in one session.
struct Target {
  SessionHandle session;
  std::size_t graph = 0;
  std::vector<DeclaredArray> inputs = {}, outputs = {};
  std::size_t output_sizes = 0;               // ranks of all outputs together
  std::vector<py::object> output_names = {};  // where every output has one: a call returns a dict
};

struct Caller {
  PyObject_HEAD vectorcallfunc vectorcall;
  Target* target;  // null: never plain
};

Caller* as_caller(PyObject* self) {
  return reinterpret_cast<Caller*>(self);
}

// ---- arrays --------------------------------------------------------------------------------------------------------

const py::detail::PyArray_Proxy* proxy_of(PyObject* object) {
  return py::detail::array_proxy(object);
}

// An ndarray itself (no subclass), native, row-major and aligned. The dtype object is NumPy's own for the type.
bool read_plain(PyObject* object, const DeclaredArray& declared, int flags, PlainArray& array) {
  static PyTypeObject* const ndarray = py::detail::npy_api::get().PyArray_Type_;
  if (Py_TYPE(object) != ndarray) return false;
  const py::detail::PyArray_Proxy* proxy = proxy_of(object);
  flags |= py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if (proxy->descr != declared.descr || proxy->nd != declared.rank || (proxy->flags & flags) != flags) return false;
  static_assert(sizeof(*proxy->dimensions) == sizeof(*array.shape));
  array = {.data = proxy->data, .shape = reinterpret_cast<const std::int64_t*>(proxy->dimensions)};
  return true;
}

bool read_plain(PyObject* const* objects, const std::vector<DeclaredArray>& declared, int flags, PlainArray* arrays) {
  for (std::size_t i = 0; i < declared.size(); ++i)
    if (!read_plain(objects[i], declared[i], flags, arrays[i])) return false;
  return true;
}

PyObject* new_array(const DeclaredArray& declared, const std::int64_t* shape) {
  const py::detail::npy_api& api = py::detail::npy_api::get();
  Py_INCREF(declared.descr);
  return api.PyArray_NewFromDescr_(api.PyArray_Type_, declared.descr, declared.rank,
                                   reinterpret_cast<const Py_intptr_t*>(shape), nullptr, nullptr, 0, nullptr);
}

void to_refs(const std::vector<DeclaredArray>& declared, std::span<const PlainArray> arrays,
             std::vector<ArrayRef>& refs) {
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    ArrayRef& ref = refs.emplace_back();
    ref = {.data = arrays[i].data, .dtype = declared[i].dtype, .rank = declared[i].rank};
    auto stride = static_cast<std::int64_t>(size_bytes(ref.dtype));
    for (int axis = ref.rank - 1; axis >= 0; --axis) {
      ref.shape[axis] = arrays[i].shape[axis];
      ref.strides[axis] = stride;
      stride *= std::max<std::int64_t>(ref.shape[axis], 1);
    }
  }
}

// ---- calls ---------------------------------------------------------------------------------------------------------

// Runs without the interpreter lock. The caller owns the arrays for as long as that takes.
void run_long(const Target& target, std::span<const PlainArray> inputs, std::span<const PlainArray> outputs) {
  const Call call;
  to_refs(target.inputs, inputs, call->inputs);
  to_refs(target.outputs, outputs, call->outputs);
  run_unlocked(0, [&](const RunOptions& options) {
    target.session.session->run(target.graph, call->inputs, call->outputs, options);
  });
}

// Fresh outputs, owned until they are handed out.
class Results {
 public:
  explicit Results(const Target& target) : target_(target) {}
  ~Results() {
    for (std::size_t i = 0; i < count_; ++i) Py_DECREF(objects_[i]);
  }
  Results(const Results&) = delete;
  Results& operator=(const Results&) = delete;

  std::span<const PlainArray> arrays() const { return {arrays_, count_}; }

  // False with the Python error set where there is no memory.
  bool make(const std::int64_t* shapes) {
    for (const DeclaredArray& declared : target_.outputs) {
      PyObject* array = new_array(declared, shapes);
      if (array == nullptr) return false;
      arrays_[count_] = {.data = proxy_of(array)->data, .shape = shapes};
      objects_[count_++] = array;
      shapes += declared.rank;
    }
    return true;
  }

  // As a call returns them: all named ones as a dict, the only unnamed one alone, else a tuple.
  PyObject* arrange() {
    if (!target_.output_names.empty()) {
      py::dict result;
      for (std::size_t i = 0; i < count_; ++i) result[target_.output_names[i]] = py::handle(objects_[i]);
      return result.release().ptr();
    }
    if (count_ == 1) return objects_[--count_];
    PyObject* result = PyTuple_New(static_cast<Py_ssize_t>(count_));
    for (; result != nullptr && count_ > 0; --count_)
      PyTuple_SET_ITEM(result, static_cast<Py_ssize_t>(count_ - 1), objects_[count_ - 1]);
    return result;
  }

 private:
  const Target& target_;
  std::size_t count_ = 0;
  PyObject* objects_[kMaxArrays];
  PlainArray arrays_[kMaxArrays];
};

// Null without an error set: not plain, nothing has been done.
PyObject* call_plain(const Target& target, PyObject* const* args) {
  PlainArray read[kMaxArrays];
  std::int64_t shapes[kMaxArrays * kMaxRank];
  if (!read_plain(args, target.inputs, 0, read)) return nullptr;
  const std::span<const PlainArray> inputs(read, target.inputs.size());
  if (!target.session.program->program->output_shapes(target.graph, inputs, shapes)) return nullptr;
  Results results(target);
  if (!results.make(shapes)) return nullptr;
  if (!target.session.session->run_short(target.graph, inputs, results.arrays(), Session::Fresh::kYes))
    run_long(target, inputs, results.arrays());
  return results.arrange();
}

bool has_count(PyObject* items, std::size_t count) {
  return (PyList_CheckExact(items) || PyTuple_CheckExact(items)) &&
         static_cast<std::size_t>(PySequence_Fast_GET_SIZE(items)) == count;
}

// Another thread may change the lists while a long run goes on without the lock.
void keep(const Call& call, PyObject* items) {
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items); ++i)
    call->keep.push_back(py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(items, i)));
}

// True when done; false where something is not plain.
bool run_plain_into(const Target& target, PyObject* inputs, PyObject* outputs) {
  if (!has_count(inputs, target.inputs.size()) || !has_count(outputs, target.outputs.size())) return false;
  PlainArray read[kMaxArrays], written[kMaxArrays];
  if (!read_plain(PySequence_Fast_ITEMS(inputs), target.inputs, 0, read)) return false;
  if (!read_plain(PySequence_Fast_ITEMS(outputs), target.outputs, kWritableFlag, written)) return false;
  const std::span<const PlainArray> from(read, target.inputs.size()), to(written, target.outputs.size());
  if (target.session.session->run_short(target.graph, from, to)) return true;
  const Call call;
  keep(call, inputs);
  keep(call, outputs);
  run_long(target, from, to);
  return true;
}

// Runs `work`; gives null and sets the Python error where it throws.
template <class Work>
PyObject* guarded(Work work) {
  try {
    return work();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const Error& error) {
    set_python_error(error);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

PyObject* call_careful(PyObject* self, PyObject* const* args, Py_ssize_t num_args, PyObject* names) {
  py::tuple positional(num_args);
  for (Py_ssize_t i = 0; i < num_args; ++i) PyTuple_SET_ITEM(positional.ptr(), i, Py_NewRef(args[i]));
  py::dict named;
  for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_GET_SIZE(names); ++i)
    named[py::handle(PyTuple_GET_ITEM(names, i))] = py::handle(args[num_args + i]);
  return py::handle(self).attr("_call")(positional, named).release().ptr();
}

PyObject* vectorcall(PyObject* self, PyObject* const* args, std::size_t flagged_count, PyObject* names) {
  const Py_ssize_t num_args = PyVectorcall_NARGS(flagged_count);
  const Target* target = as_caller(self)->target;
  return guarded([&]() -> PyObject* {
    const bool plain = target != nullptr && (names == nullptr || PyTuple_GET_SIZE(names) == 0) &&
                       static_cast<std::size_t>(num_args) == target->inputs.size();
    PyObject* result = plain ? call_plain(*target, args) : nullptr;
    if (result != nullptr || PyErr_Occurred() != nullptr) return result;
    return call_careful(self, args, num_args, names);
  });
}

PyObject* run_into(PyObject* self, PyObject* const* args, Py_ssize_t num_args, PyObject* names) {
  const Target* target = as_caller(self)->target;
  return guarded([&]() -> PyObject* {
    if (target != nullptr && num_args == 2 && names == nullptr && run_plain_into(*target, args[0], args[1]))
      Py_RETURN_NONE;
    const auto method = py::handle(self).attr("_run_into");
    return PyObject_Vectorcall(method.ptr(), args, static_cast<std::size_t>(num_args), names);
  });
}

// ---- the type ------------------------------------------------------------------------------------------------------

std::vector<DeclaredArray> declare(const std::vector<TensorType>& types) {
  std::vector<DeclaredArray> arrays;
  for (const TensorType& type : types)
    arrays.push_back({numpy_dtype(type.dtype).ptr(), static_cast<int>(type.shape.size()), type.dtype});
  return arrays;
}

std::unique_ptr<Target> make_target(const SessionHandle& session, std::size_t index) {
  const Graph& graph = session.program->module.graph(index);
  const auto types = [&](const std::vector<ValueId>& values) {
    std::vector<TensorType> result;
    for (ValueId value : values) result.push_back(graph.value(value).type);
    return result;
  };
  auto target = std::make_unique<Target>(Target{.session = session, .graph = index});
  try {
    target->inputs = declare(types(graph.body.args));
    target->outputs = declare(types(graph.body.returns));
  } catch (const Error&) {
    return nullptr;  // a dtype that NumPy lacks: the call says so
  }
  if (target->inputs.size() > kMaxArrays || target->outputs.size() > kMaxArrays) return nullptr;
  const auto is_named = [](const std::string& name) { return !name.empty(); };
  if (std::all_of(graph.output_names.begin(), graph.output_names.end(), is_named))
    for (const std::string& name : graph.output_names) target->output_names.push_back(py::str(name));
  return target;
}

PyObject* make(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) as_caller(self)->vectorcall = &vectorcall;
  return self;
}

int init(PyObject* self, PyObject* args, PyObject* named) {
  const char* words[] = {"session", "graph", nullptr};
  PyObject* session = Py_None;
  Py_ssize_t graph = 0;
  if (!PyArg_ParseTupleAndKeywords(args, named, "|On:Caller", const_cast<char**>(words), &session, &graph)) return -1;
  const PyObject* done = guarded([&]() -> PyObject* {
    std::unique_ptr<Target> target;
    if (session != Py_None) {
      if (!py::isinstance<SessionHandle>(session))
        fail(ErrorCode::kArgument, concat("Caller: got ", type_name(session), ", expected a Session"));
      target = make_target(py::cast<const SessionHandle&>(py::handle(session)), static_cast<std::size_t>(graph));
    }
    delete as_caller(self)->target;
    as_caller(self)->target = target.release();
    return Py_None;
  });
  return done == nullptr ? -1 : 0;
}

void destroy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  delete as_caller(self)->target;
  type->tp_free(self);
  Py_DECREF(type);
}

constexpr const char* kRunIntoText =
    "run_into(self, inputs: object, outputs: object, max_steps: int = 0, stream: object = None) -> None\n\n"
    "Runs into given arrays: writable, contiguous, of the right type, overlapping neither each other nor an input\n"
    "(ArgumentError). Inputs and outputs by position or by name. Allocates nothing after the first call.\n"
    "stream: the address of a CUDA stream (torch's `stream.cuda_stream`; 0 is the default one), for arrays of a "
    "device:\n"
    "the run takes its place in that stream's order and may go on when this returns.";

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Caller, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyMethodDef methods[] = {
    {"run_into", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&run_into)), METH_FASTCALL | METH_KEYWORDS,
     kRunIntoText},
    {nullptr, nullptr, 0, nullptr},
};

template <class Function>
void* as_slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

void register_caller(py::module_& m) {
  PyType_Slot slots[] = {{Py_tp_new, as_slot(&make)},
                         {Py_tp_init, as_slot(&init)},
                         {Py_tp_dealloc, as_slot(&destroy)},
                         {Py_tp_call, as_slot(&PyVectorcall_Call)},
                         {Py_tp_members, members},
                         {Py_tp_methods, methods},
                         {0, nullptr}};
  PyType_Spec spec = {.name = "ingot._core.Caller",
                      .basicsize = sizeof(Caller),
                      .itemsize = 0,
                      .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
                      .slots = slots};
  auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  m.attr("Caller") = type;
}

}  // namespace ingot::python
