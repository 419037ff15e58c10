// The double of cuda/nvrtc.cpp: generated kernels by a C++ compiler, as a shared library. Which compiler says the
// environment variable INGOT_CUDA_ON_HOST_COMPILER; without it there is none, as on a machine without NVRTC.
#include "cuda/nvrtc.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "device_code.h"

extern char** environ;

namespace ingot::cuda {
namespace {

namespace fs = std::filesystem;

std::string compiler() {
  const char* name = std::getenv("INGOT_CUDA_ON_HOST_COMPILER");
  return name == nullptr ? "" : name;
}

constexpr const char* kOptions[] = {"-std=c++20", "-O1", "-shared",         "-fPIC",          "-ffp-contract=off",
                                    "-fwrapv",    "-w",  "-fno-gnu-unique", "-Wl,-Bsymbolic", "-fno-math-errno"};

// A folder for the files of one compilation.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "ingot-cuda-on-host-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;  // what stays of a temporary folder harms nobody
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

bool write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  return file.good();
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Where the emulator is that the kernel calls: a shared library to link with, or the program itself.
std::string emulator_library() {
  Dl_info info;
  if (dladdr(&threadIdx, &info) == 0) return "";
  const std::string name = info.dli_fname;
  return name.find(".so") == std::string::npos ? "" : name;
}

// The status of the command; its output is in `log`.
int run(const std::vector<std::string>& command, const fs::path& log) {
  std::vector<char*> arguments;
  for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen(log.c_str(), "w", stderr) == nullptr) _exit(126);
    execvpe(arguments[0], arguments.data(), environ);
    _exit(127);
  }
  int status = -1;
  return child < 0 || waitpid(child, &status, 0) != child ? -1 : status;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// The launch knows neither the kernel's type nor the size of what it takes.
std::string with_entry(const SourceCode& source) {
  return std::string(source.text) +
         "\nextern \"C\" unsigned long ingot_group_bytes() { return sizeof(ingot::cuda::Arguments); }\n"
         "extern \"C\" void ingot_group_thread(const void* arguments) {\n"
         "  ingot_group(*static_cast<const ingot::cuda::Arguments*>(arguments));\n}\n";
}

}  // namespace

std::string compiler_of(int, int, std::string* why) {
  if (!compiler().empty()) return "c++ on host";
  *why = "INGOT_CUDA_ON_HOST_COMPILER names no compiler";
  return "";
}

bool compile_source(const SourceCode& source, std::string* code, std::string* why) {
  const Folder folder;
  const fs::path& path = folder.path();
  bool written = !path.empty() && write(path / "group.cpp", with_entry(source));
  for (std::size_t i = 0; i < source.num_headers; ++i) {
    written = written && write(path / "include" / source.headers[i].name, source.headers[i].text);
  }
  if (!written) {
    *why = "no temporary folder could be written";
    return false;
  }
  std::vector<std::string> command = {compiler()};
  command.insert(command.end(), std::begin(kOptions), std::end(kOptions));
  command.insert(command.end(), {"-I" + (path / "include").string(), "-I" INGOT_CUDA_ON_HOST_FOLDER,
                                 (path / "group.cpp").string(), "-o", (path / "group.so").string()});
  if (const std::string library = emulator_library(); !library.empty()) command.push_back(library);
  if (run(command, path / "log") != 0) {
    *why = "the compiler refuses: " + first_line(read(path / "log"));
    return false;
  }
  *code = read(path / "group.so");
  return true;
}

}  // namespace ingot::cuda
