#include "core/zip_archive.h"

#include <cstring>

#include "core/error.h"
#include "support/native_test.h"
#include "support/pth_writer.h"

namespace {

using automed::ErrorCode;
using automed::ZipArchive;
using automed::test::error_of;
using automed::test::zip_of;

void refuse_zip(const std::string& bytes) {
  error_of(ErrorCode::kCheckpointCorrupt, [&] { ZipArchive archive(bytes); });
}

/// With `value` written over the bytes at `offset`; a negative offset counts from the end.
template <typename T>
std::string with(std::string bytes, std::ptrdiff_t offset, T value) {
  std::memcpy(bytes.data() + (offset < 0 ? static_cast<std::ptrdiff_t>(bytes.size()) + offset : offset), &value,
              sizeof value);
  return bytes;
}

}  // namespace

TEST("zip: the checksum is that of zip files") {
  CHECK(automed::crc32("") == 0);
  CHECK(automed::crc32("123456789") == 0xCBF43926);
  CHECK(automed::crc32("The quick brown fox jumps over the lazy dog") == 0x414FA339);
}

TEST("zip: entries are found by name, with what they hold, and a comment may follow") {
  for (const std::string& comment : {std::string(), std::string(300, 'c')}) {
    std::string bytes = zip_of({{"a/one", "first"}, {"a/two", ""}, {"three", "third"}}) + comment;
    bytes = with(bytes, -2 - static_cast<std::ptrdiff_t>(comment.size()), static_cast<std::uint16_t>(comment.size()));
    const ZipArchive archive(bytes);
    CHECK(archive.entries().size() == 3);
    CHECK(archive.content(*archive.find("a/one")) == "first");
    CHECK(archive.content(*archive.find("a/two")).empty());
    CHECK(archive.find("three")->crc == automed::crc32("third"));
    CHECK(archive.find("four") == nullptr);
  }
}

TEST("zip: refuses a directory that lies about where things are") {
  const std::string good = zip_of({{"a", "first"}, {"b", "second"}});
  const std::ptrdiff_t directory = static_cast<std::ptrdiff_t>(good.find("PK\1\2"));
  for (std::size_t length = 0; length < good.size(); ++length) refuse_zip(good.substr(0, length));
  refuse_zip(with(good, -6, std::uint32_t{0xFFFFFFF0}));                   // directory beyond the end
  refuse_zip(with(good, -10, std::uint32_t{0xFFFFFFF0}));                  // directory too long
  refuse_zip(with(good, -12, std::uint16_t{60000}));                       // too many entries
  refuse_zip(with(good, directory, std::uint32_t{0}));                     // no signature
  refuse_zip(with(good, directory + 8, std::uint16_t{1}));                 // encrypted
  refuse_zip(with(good, directory + 10, std::uint16_t{8}));                // deflated
  refuse_zip(with(good, directory + 24, std::uint32_t{6}));                // two sizes
  refuse_zip(with(good, directory + 42, std::uint32_t{0x7FFFFFFF}));       // header beyond the end
  refuse_zip(with(good, directory + 42, std::uint32_t{3}));                // no header there
  refuse_zip(with(good, directory + 28, std::uint16_t{0xFFFF}));           // name beyond the directory
  refuse_zip(with(good, directory + 46, 'x'));                             // two names
  refuse_zip(with(with(good, directory + 46, 'b'), 30, 'b'));              // one name twice
  refuse_zip(with(with(good, directory + 20, 200), directory + 24, 200));  // content beyond the directory
}

TEST("zip: refuses entries that overlap") {
  const std::string good = zip_of({{"a", "first"}, {"b", "second"}});
  const std::ptrdiff_t directory = static_cast<std::ptrdiff_t>(good.find("PK\1\2"));
  // The first entry's content grows over the second's header.
  refuse_zip(with(with(good, directory + 20, std::uint32_t{9}), directory + 24, std::uint32_t{9}));
}
