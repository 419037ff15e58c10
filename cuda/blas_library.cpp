#include "cuda/blas_library.h"

#include "cuda/library.h"

namespace ingot::cuda::blas {
namespace {

constexpr const char* kFiles[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"};
constexpr const char* kPackages[] = {"cu13/lib/", "cublas/lib/"};
constexpr LibraryPlaces kPlaces = {
    .name = "cuBLASLt", .variable = "INGOT_CUBLASLT", .files = kFiles, .packages = kPackages};
constexpr std::size_t kOldest = 120000;

bool find_functions(void* library, Functions& f) {
  const auto find = [&](const char* name, auto& function) { return find_function(library, name, function); };
  return find("cublasLtGetVersion", f.version) && find("cublasLtGetStatusString", f.status_text) &&
         find("cublasLtCreate", f.create) && find("cublasLtDestroy", f.destroy) &&
         find("cublasLtMatmulDescCreate", f.create_description) &&
         find("cublasLtMatmulDescDestroy", f.destroy_description) &&
         find("cublasLtMatmulDescSetAttribute", f.set_description) &&
         find("cublasLtMatrixLayoutCreate", f.create_layout) && find("cublasLtMatrixLayoutDestroy", f.destroy_layout) &&
         find("cublasLtMatrixLayoutSetAttribute", f.set_layout) &&
         find("cublasLtMatmulPreferenceCreate", f.create_preference) &&
         find("cublasLtMatmulPreferenceDestroy", f.destroy_preference) &&
         find("cublasLtMatmulPreferenceSetAttribute", f.set_preference) &&
         find("cublasLtMatmulAlgoGetHeuristic", f.find_candidates) && find("cublasLtMatmulAlgoCheck", f.check) &&
         find("cublasLtMatmul", f.multiply);
}

std::string version_text(std::size_t version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

void open(Library& blas) {
  void* const opened = open_library(kPlaces, &blas.why);  // stays open to the end
  if (opened == nullptr) return;
  if (!find_functions(opened, blas.call) || blas.call.version() < kOldest) {
    blas.why = "cuBLASLt is too old: expected 12.0 or newer";
    return;
  }
  blas.version = version_text(blas.call.version());
}

}  // namespace

const Library& library() {
  static const Library* const blas = [] {
    auto* const opened = new Library;  // never deleted: programs may run to the end
    open(*opened);
    return opened;
  }();
  return *blas;
}

}  // namespace ingot::cuda::blas
