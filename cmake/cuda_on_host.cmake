# The device plugin for a device that is the CPU (tests/cuda_on_host): built with the C++ tests, never installed.
# libingot_cuda_on_host.so is what INGOT_CUDA_PLUGIN names in the Python tests; ingot_cuda_tests looks at it from inside.
file(GLOB cuda_sources CONFIGURE_DEPENDS cuda/*.cpp cuda/kernels/*.cu)
# What compiles and loads generated code has a double there.
list(FILTER cuda_sources EXCLUDE REGEX "/cuda/(nvrtc|loaded_code)\\.cpp$")
file(GLOB cuda_on_host_sources CONFIGURE_DEPENDS tests/cuda_on_host/*.cpp)
file(GLOB cuda_test_sources CONFIGURE_DEPENDS tests/cpp/cuda/*.cpp)

set(cuda_kernel_sources ${cuda_sources})
list(FILTER cuda_kernel_sources INCLUDE REGEX "\\.cu$")
set_source_files_properties(${cuda_kernel_sources} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")

add_library(ingot_cuda_on_host_objects OBJECT ${cuda_sources} ${cuda_on_host_sources})
target_include_directories(ingot_cuda_on_host_objects PUBLIC tests/cuda_on_host .)
target_link_libraries(ingot_cuda_on_host_objects PUBLIC ingot_flags)
# As for the kernels of the CPU: signed integers wrap by contract.
target_compile_options(ingot_cuda_on_host_objects PRIVATE -fwrapv -fno-math-errno -fno-trapping-math)

add_library(ingot_cuda_on_host SHARED $<TARGET_OBJECTS:ingot_cuda_on_host_objects>)
target_link_libraries(ingot_cuda_on_host PRIVATE ingot_flags ${CMAKE_DL_LIBS})

add_executable(ingot_cuda_tests tests/cpp/main.cpp ${cuda_test_sources} ${core_objects}
               $<TARGET_OBJECTS:ingot_cuda_on_host_objects>)
target_include_directories(ingot_cuda_tests PRIVATE tests/cuda_on_host tests/cpp .)
target_link_libraries(ingot_cuda_tests PRIVATE ingot_flags doctest::doctest ${CMAKE_DL_LIBS})
add_test(NAME ingot_cuda_tests COMMAND ingot_cuda_tests)
