# Benchmarks in C++; built on request only: cmake --build <dir> --target pool_benchmark
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  add_executable(pool_benchmark EXCLUDE_FROM_ALL tests/benchmarks/pool_benchmark.cpp ${core_objects})
  target_link_libraries(pool_benchmark PRIVATE ingot_flags)
endif()
