# Compiles csrc/kernels once per instruction-set level. Gives ingot_level_objects and ingot_level_definitions.
file(GLOB kernel_sources CONFIGURE_DEPENDS csrc/kernels/*.cpp)
file(GLOB explicit_kernel_sources CONFIGURE_DEPENDS csrc/kernels/reduce*.cpp csrc/kernels/indexing*.cpp
     csrc/kernels/movement*.cpp csrc/kernels/scatter*.cpp csrc/kernels/sort*.cpp csrc/kernels/cumulative*.cpp csrc/kernels/random*.cpp
     csrc/kernels/conv.cpp csrc/kernels/pool.cpp)
if(NOT INGOT_SANITIZE)
  # -O3 of gcc adds unrolled and specialised copies of loops that are vectorized by now or written with vectors: 180 KB
  # of a 2 MB library that no measurement can tell from these.
  set(ingot_kernel_speed -O3)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(ingot_kernel_speed -O2 -ftree-vectorize -fvect-cost-model=dynamic)
  endif()
  set(ingot_kernel_size -Os)
endif()
set(ingot_level_objects)
set(ingot_level_definitions)

function(ingot_add_level level)
  add_library(ingot_kernels_${level} OBJECT ${kernel_sources})
  target_link_libraries(ingot_kernels_${level} PRIVATE ingot_flags)
  target_compile_definitions(ingot_kernels_${level} PRIVATE INGOT_LEVEL=${level})
  # Signed integers wrap by contract; errno and traps are not part of any result. Kernels are optimised in every build
  # type but a sanitizer's, because unvectorised ones are of no use even for debugging the rest.
  target_compile_options(ingot_kernels_${level} PRIVATE ${ingot_kernel_speed} -fwrapv -fno-math-errno -fno-trapping-math
                         -fno-exceptions -fno-asynchronous-unwind-tables ${ARGN})
  # Reductions and data movement say their vectors themselves: unrolling them twice as far doubles the library.
  set_source_files_properties(${explicit_kernel_sources} PROPERTIES COMPILE_OPTIONS "${ingot_kernel_size}")
  set(ingot_level_objects ${ingot_level_objects} $<TARGET_OBJECTS:ingot_kernels_${level}> PARENT_SCOPE)
  string(TOUPPER ${level} upper)
  set(ingot_level_definitions ${ingot_level_definitions} INGOT_HAVE_${upper} PARENT_SCOPE)
endfunction()

ingot_add_level(generic ${ingot_kernel_size} -DINGOT_SMALL_CODE)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  ingot_add_level(avx2 -march=x86-64-v3)
  ingot_add_level(avx512 -march=x86-64-v4 -mprefer-vector-width=512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  ingot_add_level(neon)
endif()
