#include "core/weights_source.h"

#include <filesystem>

#include "core/file_mapping.h"
#include "core/json.h"
#include "core/pth_file.h"
#include "core/safetensors.h"

namespace automed {
namespace {

/// For the message about a file of no known format: downloads that failed are often pages of text.
std::string beginning(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes.substr(0, 24)) text += byte >= ' ' && byte <= '~' ? byte : '.';
  return json::quote(text);
}

}  // namespace

std::unique_ptr<const WeightsSource> open_weights(const std::string& path) {
  auto mapping = FileMapping::open(path, "file of weights");
  const std::string_view bytes = mapping->bytes();
  // A safetensors file has its JSON header after 8 bytes of length, which may spell anything.
  if (bytes.size() > 8 && bytes[8] == '{') return std::make_unique<SafetensorsFile>(SafetensorsFile::open(path));
  if (PthFile::recognises(bytes)) return std::make_unique<PthFile>(PthFile::open(path));
  throw Error(ErrorCode::kCheckpointCorrupt,
              std::filesystem::path(path).filename().string() +
                  " is neither a safetensors file nor one of torch.save; it begins with " + beginning(bytes));
}

}  // namespace automed
