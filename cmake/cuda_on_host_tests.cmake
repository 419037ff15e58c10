# The device plugin on a device that is the CPU, and the tests that look at it from inside.
set(INGOT_VERSION ${PROJECT_VERSION})
add_subdirectory(tests/cuda_on_host)
set_target_properties(ingot_cuda_on_host ingot_cublaslt_on_host PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")

file(GLOB cuda_test_sources CONFIGURE_DEPENDS tests/cpp/cuda/*.cpp)
# What these check of every level they check of the device too, once it has the last of their kernels.
foreach(pair IN ITEMS along_axis:cumulative conv:conv matmul:matmul movement:indexing pool:pool random:random reduce:reduce)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 test)
  list(GET pair 1 kernels)
  if(EXISTS "${PROJECT_SOURCE_DIR}/cuda/kernels/${kernels}.cu")
    list(APPEND cuda_test_sources tests/cpp/test_${test}.cpp)
  endif()
endforeach()
add_executable(ingot_cuda_on_host_tests tests/cpp/main.cpp ${cuda_test_sources} ${core_objects})
target_include_directories(ingot_cuda_on_host_tests PRIVATE tests/cpp)
target_compile_definitions(ingot_cuda_on_host_tests PRIVATE INGOT_TEST_DEVICE
                           INGOT_CXX_COMPILER="${CMAKE_CXX_COMPILER}"
                           INGOT_CUBLASLT_ON_HOST="$<TARGET_FILE:ingot_cublaslt_on_host>")
target_link_libraries(ingot_cuda_on_host_tests PRIVATE ingot_flags ingot_cuda_on_host_objects doctest::doctest)
set_target_properties(ingot_cuda_on_host_tests PROPERTIES ENABLE_EXPORTS ON)  # for generated kernels
add_dependencies(ingot_cuda_on_host_tests ingot_cublaslt_on_host)
add_test(NAME ingot_cuda_on_host_tests COMMAND ingot_cuda_on_host_tests)
