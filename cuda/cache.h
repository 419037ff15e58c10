// Compiled code on disk, from process to process. An entry is found by the hash of its key and holds the key itself and
// a checksum: whatever is not exactly what was stored, be it cut short, changed, or another key's, is as good as
// absent, and is written again. Nothing here fails: without a folder that can be written, nothing is kept. Thread rule:
// any thread and any process may read and write at any time; an entry appears whole or not at all. A write that leaves
// more bytes in the folder than the limit removes the entries that were read or written longest ago.
#pragma once

#include <cstdint>
#include <string>

namespace ingot::cuda {

// folder: "" for none. True, with the code, if it is there.
bool read_cached_code(const std::string& folder, const std::string& key, std::string* code);

// Makes the folder, and those above it, where they are missing. What is larger than the limit is not kept.
void write_cached_code(const std::string& folder, const std::string& key, const std::string& code);

// Stores what is not there yet; `code` becomes what is. False, with nothing changed, where nothing can be kept.
bool keep_cached_code(const std::string& folder, const std::string& key, std::string* code);

// Of every folder that this process writes to, from now on. By default 256 MiB.
void limit_cache(std::int64_t max_bytes);

// The name of the key's file, without the folder.
std::string cache_file_name(const std::string& key);

// 16 hexadecimal digits for each of two hashes of the text.
std::string digest(const std::string& text);

}  // namespace ingot::cuda
