# Writes headers, and all headers of ours that they include, as strings into a C++ source: the embedded_headers() of
# cuda/embedded.h. Run as cmake -DROOTS="a.h;b.h" -DFOLDERS="csrc;." -DOUTPUT=x.cpp -P embed_headers.cmake
cmake_minimum_required(VERSION 3.22)
set(known ${ROOTS})
set(waiting ${ROOTS})
set(entries "")
while(waiting)
  list(POP_FRONT waiting name)
  set(found "")
  foreach(folder IN LISTS FOLDERS)
    if(NOT found AND EXISTS "${folder}/${name}")
      set(found "${folder}/${name}")
    endif()
  endforeach()
  if(NOT found)
    message(FATAL_ERROR "embed: no such header: got ${name}, expected it in one of ${FOLDERS}")
  endif()
  file(READ "${found}" text)
  string(APPEND entries "    {\"${name}\", R\"header(${text})header\"},\n")
  string(REGEX MATCHALL "#include \"[^\"\n]+\"" includes "${text}")
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "#include \"(.+)\"" "\\1" include "${include}")
    if(NOT include IN_LIST known)
      list(APPEND known "${include}")
      list(APPEND waiting "${include}")
    endif()
  endforeach()
endwhile()
file(WRITE "${OUTPUT}" "// Made by cmake/embed_headers.cmake.
#include \"cuda/embedded.h\"

namespace ingot::cuda {
namespace {

constexpr EmbeddedHeader kHeaders[] = {
${entries}};

}  // namespace

std::span<const EmbeddedHeader> embedded_headers() {
  return kHeaders;
}

}  // namespace ingot::cuda
")
