// `ingot-run --verify`: one file, or a server that answers for one path after the other.
#pragma once

#include <string>

namespace ingot::tools {

// Throws Error for a file that is not valid.
void verify_file(const std::string& path);

// Reads paths from standard input, a line each, until its end. Answers each with one line on standard output, "ok" or
// "error: <reason>" (at most 400 bytes), and flushes it. No file ends the server.
void serve_verification();

}  // namespace ingot::tools
