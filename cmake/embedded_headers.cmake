# Gives ingot_embedded_headers: the source of cuda/embedded.h, for targets of the directory that includes this.
set(ingot_embedded_headers "${CMAKE_CURRENT_BINARY_DIR}/embedded_headers.cpp")
get_filename_component(ingot_root "${CMAKE_CURRENT_LIST_DIR}" DIRECTORY)
set(embedded_roots "cuda/group_rows.h" "cuda/kernels/anchored.h" "cuda/kernels/score_tile.h")
file(GLOB embeddable CONFIGURE_DEPENDS "${ingot_root}/csrc/*/*.h" "${ingot_root}/csrc/ops/*.def" "${ingot_root}/cuda/*.h"
     "${ingot_root}/cuda/kernels/*.h")
add_custom_command(
  OUTPUT "${ingot_embedded_headers}"
  COMMAND "${CMAKE_COMMAND}" "-DROOTS=${embedded_roots}" "-DFOLDERS=${ingot_root}/csrc;${ingot_root}"
          "-DOUTPUT=${ingot_embedded_headers}" -P "${ingot_root}/cmake/embed_headers.cmake"
  DEPENDS "${ingot_root}/cmake/embed_headers.cmake" ${embeddable}
  VERBATIM)
