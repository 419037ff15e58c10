# Generated code and NVRTC, wherever that is found when the tests run: no CUDA is needed to build them.
include(cmake/embedded_headers.cmake)
file(GLOB codegen_sources CONFIGURE_DEPENDS cuda/codegen*.cpp)
add_executable(ingot_nvrtc_tests tests/cpp/main.cpp tests/cpp/nvrtc/test_nvrtc.cpp tests/cpp/cuda/random_group.cpp
               ${codegen_sources} cuda/library.cpp cuda/nvrtc.cpp "${ingot_embedded_headers}" ${core_objects})
target_include_directories(ingot_nvrtc_tests PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
target_link_libraries(ingot_nvrtc_tests PRIVATE ingot_flags doctest::doctest ${CMAKE_DL_LIBS})
add_test(NAME ingot_nvrtc_tests COMMAND ingot_nvrtc_tests)
