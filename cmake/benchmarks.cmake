# Benchmarks in C++; built on request only: cmake --build <dir> --target pool_benchmark
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  add_executable(pool_benchmark EXCLUDE_FROM_ALL tests/benchmarks/pool_benchmark.cpp ${core_objects})
  target_link_libraries(pool_benchmark PRIVATE ingot_flags)
  add_executable(orders_benchmark EXCLUDE_FROM_ALL tests/benchmarks/orders_benchmark.cpp tests/benchmarks/free_order.cpp
                 ${core_objects})
  target_link_libraries(orders_benchmark PRIVATE ingot_flags)
  set_source_files_properties(tests/benchmarks/free_order.cpp PROPERTIES COMPILE_OPTIONS "-O3;-march=native;-ffast-math")
endif()
