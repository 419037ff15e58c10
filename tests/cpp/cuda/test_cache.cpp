// Compiled code on disk: what is not exactly what was stored is as good as absent.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "cuda/cache.h"
#include "temporary_folder.h"

namespace ingot::cuda {
namespace {

namespace fs = std::filesystem;

struct Folder : testing::TemporaryFolder {
  std::string cache() const { return (path() / "a" / "b").string(); }
  fs::path file(const std::string& key) const { return path() / "a" / "b" / cache_file_name(key); }
};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST_CASE("code that was written is read again, in folders made for it") {
  const Folder folder;
  std::string code;
  CHECK_FALSE(read_cached_code(folder.cache(), "key", &code));
  write_cached_code(folder.cache(), "key", std::string("co\0de", 5));
  REQUIRE(read_cached_code(folder.cache(), "key", &code));
  CHECK(code == std::string("co\0de", 5));
  CHECK_FALSE(read_cached_code(folder.cache(), "other key", &code));
  CHECK(std::distance(fs::directory_iterator(folder.cache()), fs::directory_iterator()) == 1);
}

TEST_CASE("the first of several that keep something for a key decides for all") {
  const Folder folder;
  std::string first = "first", second = "second", code;
  REQUIRE(keep_cached_code(folder.cache(), "key", &first));
  REQUIRE(keep_cached_code(folder.cache(), "key", &second));
  CHECK(first == "first");
  CHECK(second == "first");
  CHECK(std::distance(fs::directory_iterator(folder.cache()), fs::directory_iterator()) == 1);
  write(folder.file("key"), "no entry");
  second = "second";
  REQUIRE(keep_cached_code(folder.cache(), "key", &second));
  CHECK(second == "second");
  REQUIRE(read_cached_code(folder.cache(), "key", &code));
  CHECK(code == "second");
}

TEST_CASE("threads that keep something at the same time agree on one") {
  const Folder folder;
  std::vector<std::string> kept(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kept.size(); ++t) {
    threads.emplace_back([&, t] {
      kept[t] = std::to_string(t);
      if (!keep_cached_code(folder.cache(), "key", &kept[t])) kept[t] = "nothing";
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(kept == std::vector<std::string>(4, kept[0]));
  CHECK(kept[0] != "nothing");
}

TEST_CASE("an entry cut short, longer, or with any byte changed is absent, and written again") {
  const Folder folder;
  write_cached_code(folder.cache(), "key", "machine code");
  const std::string whole = read(folder.file("key"));
  std::string code;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write(folder.file("key"), whole.substr(0, length));
    CHECK_FALSE(read_cached_code(folder.cache(), "key", &code));
  }
  write(folder.file("key"), whole + "x");
  CHECK_FALSE(read_cached_code(folder.cache(), "key", &code));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    write(folder.file("key"), changed);
    CHECK_FALSE(read_cached_code(folder.cache(), "key", &code));
  }
  write_cached_code(folder.cache(), "key", "machine code");
  CHECK(read_cached_code(folder.cache(), "key", &code));
}

TEST_CASE("an entry under another key's name is absent") {
  const Folder folder;
  write_cached_code(folder.cache(), "key", "machine code");
  fs::copy_file(folder.file("key"), folder.file("kez"));
  std::string code;
  CHECK_FALSE(read_cached_code(folder.cache(), "kez", &code));
}

TEST_CASE("without a folder, or with one that cannot be made, nothing is kept and nothing fails") {
  const Folder folder;
  write(folder.path() / "a", "a file in the way");
  std::string code;
  for (const std::string& cache : {std::string(), folder.cache(), std::string("/proc/no/such")}) {
    write_cached_code(cache, "key", "machine code");
    CHECK_FALSE(read_cached_code(cache, "key", &code));
    CHECK_FALSE(keep_cached_code(cache, "key", &code));
  }
  fs::remove(folder.path() / "a");
  fs::create_directories(folder.file("key"));  // a folder where the entry would be
  write_cached_code(folder.cache(), "key", "machine code");
  CHECK_FALSE(read_cached_code(folder.cache(), "key", &code));
  CHECK(std::distance(fs::directory_iterator(folder.cache()), fs::directory_iterator()) == 1);
}

// What a cache may take, until the end of the test.
struct Limit {
  explicit Limit(std::int64_t max_bytes) { limit_cache(max_bytes); }
  ~Limit() { limit_cache(std::int64_t{1} << 28); }
};

void set_age(const fs::path& path, int hours) {
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(hours));
}

TEST_CASE("what was used longest ago makes room for what is written") {
  const Folder folder;
  const std::string code(1000, 'c');
  const char* const keys[] = {"a", "b", "c", "d"};
  std::int64_t entry_bytes = 0;
  for (int i = 0; i < 4; ++i) {
    write_cached_code(folder.cache(), keys[i], code);
    entry_bytes = static_cast<std::int64_t>(fs::file_size(folder.file(keys[i])));
    set_age(folder.file(keys[i]), 4 - i);
  }
  const fs::path left_behind = folder.file("a").string() + ".123.0", other = folder.path() / "a" / "b" / "other";
  write(left_behind, "half an entry");
  set_age(left_behind, 5);
  write(other, code);
  set_age(other, 100);

  std::string read;
  CHECK(read_cached_code(folder.cache(), "a", &read));  // a use: b is the oldest now
  const Limit limit(3 * entry_bytes);
  write_cached_code(folder.cache(), "e", code);
  CHECK(read_cached_code(folder.cache(), "a", &read));
  CHECK_FALSE(read_cached_code(folder.cache(), "b", &read));
  CHECK_FALSE(read_cached_code(folder.cache(), "c", &read));
  CHECK(read_cached_code(folder.cache(), "d", &read));
  CHECK(read_cached_code(folder.cache(), "e", &read));
  CHECK_FALSE(fs::exists(left_behind));
  CHECK(fs::exists(other));  // not one of the cache's
}

TEST_CASE("an entry that is larger than the cache may be is not kept, and removes none") {
  const Folder folder;
  write_cached_code(folder.cache(), "small", "code");
  const Limit limit(1000);
  write_cached_code(folder.cache(), "large", std::string(1000, 'c'));
  std::string code;
  CHECK(read_cached_code(folder.cache(), "small", &code));
  CHECK_FALSE(read_cached_code(folder.cache(), "large", &code));
  const Limit nothing(0);
  write_cached_code(folder.cache(), "none", "");
  CHECK_FALSE(read_cached_code(folder.cache(), "none", &code));
}

TEST_CASE("processes that fill a cache at the same time keep it within its limit") {
  const Folder folder;
  const Limit limit(20'000);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string key = std::to_string((t + i) % 50), code(1000, static_cast<char>('a' + (t + i) % 50));
        std::string found;
        write_cached_code(folder.cache(), key, code);
        if (read_cached_code(folder.cache(), key, &found) && found != code) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
  write_cached_code(folder.cache(), "last", "code");
  std::uintmax_t total = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder.cache())) total += entry.file_size();
  CHECK(total <= 20'000);
  CHECK(total > 10'000);
}

TEST_CASE("writers and readers at the same time never see half an entry") {
  const Folder folder;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        std::string code;
        write_cached_code(folder.cache(), "key", std::string(static_cast<std::size_t>(1000 + t), static_cast<char>(t)));
        const bool found = read_cached_code(folder.cache(), "key", &code);
        if (!found || code != std::string(code.size(), static_cast<char>(code.size() - 1000))) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
}

}  // namespace
}  // namespace ingot::cuda
