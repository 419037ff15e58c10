# Where things go. A wheel carries everything inside the package: ingot/lib, ingot/include; `cmake --install` of a plain
# build follows the usual folders.
include(CMakePackageConfigHelpers)

if(SKBUILD)
  set(ingot_prefix ingot/)
  set(ingot_scripts "${SKBUILD_SCRIPTS_DIR}")
else()
  set(ingot_prefix "")
  set(ingot_scripts bin)
endif()

set(INGOT_LIBRARY_NAME "${CMAKE_SHARED_LIBRARY_PREFIX}ingot${CMAKE_SHARED_LIBRARY_SUFFIX}")
configure_file(cmake/ingotConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/ingotConfig.cmake" @ONLY)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/ingotConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)

install(TARGETS ingot_shared LIBRARY DESTINATION ${ingot_prefix}lib)
install(FILES csrc/capi/ingot.h csrc/capi/ingot.hpp DESTINATION ${ingot_prefix}include)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/ingotConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/ingotConfigVersion.cmake"
        DESTINATION ${ingot_prefix}lib/cmake/ingot)
install(TARGETS ingot-run RUNTIME DESTINATION "${ingot_scripts}")
