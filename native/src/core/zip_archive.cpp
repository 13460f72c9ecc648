#include "core/zip_archive.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"

namespace automed {
namespace {

static_assert(std::endian::native == std::endian::little, "zip fields are little endian and read as they lie");

// Signatures and sizes without their variable parts (APPNOTE 4.3).
constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::size_t kLocalBytes = 30;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::size_t kCentralBytes = 46;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::size_t kEndBytes = 22;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::size_t kLocator64Bytes = 20;

constexpr std::size_t kMaxComment = 65535;
constexpr std::uint16_t kExtra64 = 0x0001;     // extra field that holds what does not fit into 32 bits
constexpr std::uint32_t kInExtra64 = ~0u;      // a 32-bit field whose value is there
constexpr std::uint16_t kEncryptedFlag = 0x1;  // of the general purpose flags
constexpr std::size_t kMaxEntries = 1u << 18;  // ViT-H with its optimiser has some 2 500

[[noreturn]] void corrupt_zip(const std::string& what) {
  throw Error(ErrorCode::kCheckpointCorrupt, "the .pth file's zip archive " + what);
}

/// Bounded reads of little-endian fields.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  T at(std::size_t offset) const {
    if (offset > bytes_.size() || sizeof(T) > bytes_.size() - offset) corrupt_zip("ends inside its directory");
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  std::string_view text(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) corrupt_zip("ends inside its directory");
    return bytes_.substr(offset, size);
  }

 private:
  std::string_view bytes_;
};

struct Directory {
  std::uint64_t count, begin, size;
};

/// The end record, which a comment may follow: searched from the back.
std::size_t find_end(std::string_view bytes) {
  const Fields fields(bytes);
  if (bytes.size() >= kEndBytes) {
    const std::size_t last = bytes.size() - kEndBytes;
    const std::size_t first = last > kMaxComment ? last - kMaxComment : 0;
    for (std::size_t at = last + 1; at-- > first;) {
      if (fields.at<std::uint32_t>(at) == kEndSignature &&
          at + kEndBytes + fields.at<std::uint16_t>(at + 20) == bytes.size()) {
        return at;
      }
    }
  }
  corrupt_zip("has no directory: the file is cut");
}

Directory read_directory(std::string_view bytes) {
  const Fields fields(bytes);
  const std::size_t end = find_end(bytes);
  Directory directory{fields.at<std::uint16_t>(end + 10), fields.at<std::uint32_t>(end + 16),
                      fields.at<std::uint32_t>(end + 12)};
  std::size_t limit = end;
  if (end >= kLocator64Bytes && fields.at<std::uint32_t>(end - kLocator64Bytes) == kLocator64Signature) {
    const auto end64 = fields.at<std::uint64_t>(end - kLocator64Bytes + 8);
    if (end64 > end || kEnd64Bytes > end - end64 || fields.at<std::uint32_t>(end64) != kEnd64Signature) {
      corrupt_zip("has a damaged zip64 record");
    }
    directory = {fields.at<std::uint64_t>(end64 + 32), fields.at<std::uint64_t>(end64 + 48),
                 fields.at<std::uint64_t>(end64 + 40)};
    limit = end64;
  }
  if (directory.begin > limit || directory.size > limit - directory.begin)
    corrupt_zip("has a directory beyond its end");
  if (directory.count > kMaxEntries || directory.count > directory.size / kCentralBytes) {
    corrupt_zip("names more entries than it can hold");
  }
  return directory;
}

/// One record of the central directory.
struct Central {
  std::string_view name;
  std::uint64_t size, stored, local;
  std::uint32_t crc;
  std::size_t next;  // offset of the record after it
};

/// Replaces the fields that stand in the zip64 extra field, which holds them in this order.
void read_extra64(std::string_view extra, Central& entry) {
  const Fields fields(extra);
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const std::size_t size = fields.at<std::uint16_t>(at + 2);
    if (fields.at<std::uint16_t>(at) == kExtra64) {
      const Fields values(fields.text(at + 4, size));
      std::size_t position = 0;
      for (std::uint64_t* value : {&entry.size, &entry.stored, &entry.local}) {
        if (*value != kInExtra64) continue;
        *value = values.at<std::uint64_t>(position);
        position += sizeof(std::uint64_t);
      }
      return;
    }
    at += 4 + size;
  }
}

Central read_central(const Fields& fields, std::size_t at) {
  if (fields.at<std::uint32_t>(at) != kCentralSignature) corrupt_zip("has a damaged directory");
  if ((fields.at<std::uint16_t>(at + 8) & kEncryptedFlag) != 0) corrupt_zip("is encrypted");
  if (fields.at<std::uint16_t>(at + 10) != 0) {
    corrupt_zip("is compressed: TorchScript programs are, files of torch.save never");
  }
  const std::size_t name = fields.at<std::uint16_t>(at + 28);
  const std::size_t extra = fields.at<std::uint16_t>(at + 30);
  const std::size_t comment = fields.at<std::uint16_t>(at + 32);
  Central entry{.name = fields.text(at + kCentralBytes, name),
                .size = fields.at<std::uint32_t>(at + 24),
                .stored = fields.at<std::uint32_t>(at + 20),
                .local = fields.at<std::uint32_t>(at + 42),
                .crc = fields.at<std::uint32_t>(at + 16),
                .next = at + kCentralBytes + name + extra + comment};
  read_extra64(fields.text(at + kCentralBytes + name, extra), entry);
  if (entry.size != entry.stored) corrupt_zip("has an entry of two sizes");
  return entry;
}

/// Where the content lies: after the local header, whose variable part may differ from the directory's.
ZipEntry locate(const Fields& fields, const Central& entry, std::size_t limit) {
  if (entry.local > limit || kLocalBytes > limit - entry.local) corrupt_zip("has an entry beyond its end");
  if (fields.at<std::uint32_t>(entry.local) != kLocalSignature) corrupt_zip("has an entry without its header");
  const std::size_t name = fields.at<std::uint16_t>(entry.local + 26);
  const std::size_t begin = entry.local + kLocalBytes + name + fields.at<std::uint16_t>(entry.local + 28);
  if (fields.text(entry.local + kLocalBytes, name) != entry.name) corrupt_zip("has an entry of two names");
  if (begin > limit || entry.size > limit - begin) corrupt_zip("has an entry beyond its end");
  return {begin, static_cast<std::size_t>(entry.size), entry.crc};
}

/// Table k gives the checksum's change by a byte that k more bytes follow ("slicing by 8").
using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr CrcTables make_crc_tables() {
  CrcTables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320u : 0);
    tables[0][i] = value;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t i = 0; i < 256; ++i) {
      tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 0xFF];
    }
  }
  return tables;
}

constexpr CrcTables kCrc = make_crc_tables();

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    word ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kCrc[7 - i][(word >> (8 * i)) & 0xFF];
  }
  for (; left > 0; --left, ++at) crc = (crc >> 8) ^ kCrc[0][(crc ^ static_cast<unsigned char>(*at)) & 0xFF];
  return ~crc;
}

ZipArchive::ZipArchive(std::string_view bytes) : bytes_(bytes) {
  const Directory directory = read_directory(bytes);
  const Fields records(bytes.substr(0, directory.begin + directory.size));
  const Fields fields(bytes);
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  std::size_t at = directory.begin;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    const Central entry = read_central(records, at);
    const ZipEntry located = locate(fields, entry, directory.begin);
    if (!entries_.emplace(entry.name, located).second) corrupt_zip("has two entries of one name");
    ranges.emplace_back(entry.local, located.begin + located.size);
    at = entry.next;
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) corrupt_zip("has entries that overlap");
  }
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto position = entries_.find(name);
  return position == entries_.end() ? nullptr : &position->second;
}

}  // namespace automed
