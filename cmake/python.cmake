# The Python module. What the wheel carries beside it is in install.cmake.
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(pybind11 CONFIG REQUIRED)
file(GLOB binding_sources CONFIGURE_DEPENDS csrc/bindings/*.cpp)
pybind11_add_module(_core MODULE NO_EXTRAS ${binding_sources} ${core_objects})
target_link_libraries(_core PRIVATE ingot_flags)
target_compile_options(_core PRIVATE $<$<CONFIG:Release>:-Os>)  # templates of pybind11: half the size
set_source_files_properties(csrc/bindings/caller.cpp PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-O2>)  # every call
if(NOT APPLE AND NOT INGOT_SANITIZE)
  target_link_options(_core PRIVATE -Wl,-z,nodelete -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  pybind11_strip(_core)
endif()
if(SKBUILD)
  # Where the package lies from the folder of ingot-run, which looks there for device plugins.
  set_property(SOURCE csrc/device/plugin.cpp APPEND PROPERTY COMPILE_DEFINITIONS
               INGOT_PACKAGE_FOLDER="../lib/python${Python_VERSION_MAJOR}.${Python_VERSION_MINOR}/site-packages/ingot/")
  install(TARGETS _core LIBRARY DESTINATION ingot)
endif()
