// NVRTC by its C functions, declared here by hand: it is part of no build, and a machine without it only lacks
// generated code.
#include "cuda/nvrtc.h"

#include <mutex>
#include <vector>

#include "cuda/library.h"

namespace ingot::cuda {
namespace {

using Program = struct OpaqueProgram*;

struct Functions {
  int (*version)(int* major, int* minor);
  int (*num_archs)(int* count);
  int (*archs)(int* archs);
  const char* (*error_text)(int result);
  int (*create)(Program* program, const char* text, const char* name, int num_headers, const char* const* headers,
                const char* const* names);
  int (*destroy)(Program* program);
  int (*compile)(Program program, int num_options, const char* const* options);
  int (*log_size)(Program program, std::size_t* bytes);
  int (*log)(Program program, char* text);
  int (*cubin_size)(Program program, std::size_t* bytes);
  int (*cubin)(Program program, char* code);
  int (*ptx_size)(Program program, std::size_t* bytes);
  int (*ptx)(Program program, char* code);
};

struct Library {
  Functions call = {};
  int major = 0, minor = 0;
  std::vector<int> archs;  // ascending
  std::string why;         // not empty: it cannot be used
  std::mutex mutex;        // of compiling
};

constexpr const char* kFiles[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
constexpr const char* kPackages[] = {"cu13/lib/", "cuda_nvrtc/lib/"};
constexpr LibraryPlaces kPlaces = {.name = "NVRTC", .variable = "INGOT_NVRTC", .files = kFiles, .packages = kPackages};

bool find_functions(void* library, Functions& f) {
  return find_function(library, "nvrtcVersion", f.version) &&
         find_function(library, "nvrtcGetNumSupportedArchs", f.num_archs) &&
         find_function(library, "nvrtcGetSupportedArchs", f.archs) &&
         find_function(library, "nvrtcGetErrorString", f.error_text) &&
         find_function(library, "nvrtcCreateProgram", f.create) &&
         find_function(library, "nvrtcDestroyProgram", f.destroy) &&
         find_function(library, "nvrtcCompileProgram", f.compile) &&
         find_function(library, "nvrtcGetProgramLogSize", f.log_size) &&
         find_function(library, "nvrtcGetProgramLog", f.log) &&
         find_function(library, "nvrtcGetCUBINSize", f.cubin_size) &&
         find_function(library, "nvrtcGetCUBIN", f.cubin) && find_function(library, "nvrtcGetPTXSize", f.ptx_size) &&
         find_function(library, "nvrtcGetPTX", f.ptx);
}

// NVRTC opens its second library by a bare name, which the loader knows only once it has been opened by its path.
void open_builtins(const Library& nvrtc) {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(nvrtc.call.version), &info) == 0 || info.dli_fname == nullptr) return;
  const std::string path = info.dli_fname;
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return;
  const std::string version = std::to_string(nvrtc.major) + "." + std::to_string(nvrtc.minor);
  dlopen((path.substr(0, slash + 1) + "libnvrtc-builtins.so." + version).c_str(), RTLD_NOW | RTLD_GLOBAL);
}

void open_nvrtc(Library& nvrtc) {
  void* const library = open_library(kPlaces, &nvrtc.why);  // stays open to the end
  if (library == nullptr) return;
  int count = 0;
  if (!find_functions(library, nvrtc.call) || nvrtc.call.version(&nvrtc.major, &nvrtc.minor) != 0 ||
      nvrtc.call.num_archs(&count) != 0) {
    nvrtc.why = "NVRTC is too old: expected 11.2 or newer";
    return;
  }
  nvrtc.archs.resize(static_cast<std::size_t>(count));
  if (nvrtc.call.archs(nvrtc.archs.data()) != 0 || count == 0) nvrtc.why = "NVRTC names no architecture";
  open_builtins(nvrtc);
}

Library& library() {
  static Library* const nvrtc = [] {
    Library* const opened = new Library;  // never deleted: threads may compile to the end
    open_nvrtc(*opened);
    return opened;
  }();
  return *nvrtc;
}

// "sm_90"; "compute_90" where the device is newer than NVRTC: text that the driver translates. Empty: too old a device.
std::string arch_of(const Library& nvrtc, int major, int minor) {
  const int wanted = major * 10 + minor;
  int best = 0;
  for (const int arch : nvrtc.archs) best = arch <= wanted ? arch : best;
  if (best == 0) return {};
  return (best == wanted ? "sm_" : "compute_") + std::to_string(best);
}

// NVRTC has no headers of the standard library: what device code wants of them.
constexpr EmbeddedHeader kStandardHeaders[] = {
    {"cstddef", "namespace std {\nusing size_t = decltype(sizeof(0));\n}\n"},
    {"cstdint", R"(namespace std {
using int8_t = signed char;
using int16_t = short;
using int32_t = int;
using int64_t = long long;
using uint8_t = unsigned char;
using uint16_t = unsigned short;
using uint32_t = unsigned int;
using uint64_t = unsigned long long;
}
)"},
};

// Each op rounds once: nothing is contracted, nothing approximated, nothing flushed to zero.
constexpr const char* kOptions[] = {"--std=c++20", "-fmad=false", "-prec-div=true", "-prec-sqrt=true", "-ftz=false"};

// The first lines of the compiler's log, as one.
std::string first_lines(const Functions& call, Program program) {
  constexpr std::size_t kMost = 400;
  std::size_t bytes = 0;
  if (call.log_size(program, &bytes) != 0 || bytes == 0) return {};
  std::string text(bytes, '\0');
  if (call.log(program, text.data()) != 0) return {};
  text.resize(text.find('\0') < kMost ? text.find('\0') : kMost);
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text;
}

int fetch(int (*size)(Program, std::size_t*), int (*get)(Program, char*), Program program, std::string* code) {
  std::size_t bytes = 0;
  const int result = size(program, &bytes);
  if (result != 0) return result;
  code->resize(bytes);
  return get(program, code->data());
}

bool compile_program(const Functions& call, Program program, const std::string& arch, std::string* code,
                     std::string* why) {
  const std::string target = "--gpu-architecture=" + arch;
  std::vector<const char*> options = {target.c_str()};
  for (const char* const option : kOptions) options.push_back(option);
  int result = call.compile(program, static_cast<int>(options.size()), options.data());
  if (result == 0) {
    const bool binary = arch[0] == 's';
    result = binary ? fetch(call.cubin_size, call.cubin, program, code) : fetch(call.ptx_size, call.ptx, program, code);
  }
  if (result != 0) *why = std::string("NVRTC: ") + call.error_text(result) + ": " + first_lines(call, program);
  return result == 0;
}

}  // namespace

std::string compiler_of(int major, int minor, std::string* why) {
  const Library& nvrtc = library();
  const std::string arch = nvrtc.why.empty() ? arch_of(nvrtc, major, minor) : std::string();
  if (arch.empty()) {
    *why = !nvrtc.why.empty() ? nvrtc.why : "NVRTC compiles for no device as old as this one";
    return {};
  }
  std::string words = "nvrtc " + std::to_string(nvrtc.major) + "." + std::to_string(nvrtc.minor) + " " + arch;
  for (const char* const option : kOptions) words += std::string(" ") + option;
  return words;
}

bool compile_source(const SourceCode& source, std::string* code, std::string* why) {
  if (compiler_of(source.major, source.minor, why).empty()) return false;
  Library& nvrtc = library();
  std::vector<const char*> texts, names;
  const auto add = [&](const EmbeddedHeader& header) {
    texts.push_back(header.text);
    names.push_back(header.name);
  };
  for (const EmbeddedHeader& header : kStandardHeaders) add(header);
  for (std::size_t i = 0; i < source.num_headers; ++i) add(source.headers[i]);
  const std::lock_guard<std::mutex> lock(nvrtc.mutex);
  Program program = nullptr;
  const int result =
      nvrtc.call.create(&program, source.text, "group.cu", static_cast<int>(texts.size()), texts.data(), names.data());
  if (result != 0) {
    *why = std::string("NVRTC: ") + nvrtc.call.error_text(result);
    return false;
  }
  const bool done = compile_program(nvrtc.call, program, arch_of(nvrtc, source.major, source.minor), code, why);
  nvrtc.call.destroy(&program);
  return done;
}

}  // namespace ingot::cuda
