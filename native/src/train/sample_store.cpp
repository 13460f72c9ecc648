#include "train/sample_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/error.h"

namespace automed::train {
namespace {

[[noreturn]] void fail(const char* action) {
  const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  throw Error(full ? ErrorCode::kStorageFull : ErrorCode::kInvalidArgument,
              std::string("the sample cache cannot be ") + action + ": " + std::system_category().message(errno),
              "cachePath");
}

}  // namespace

SampleStore::SampleStore(const std::string& path, std::int64_t image_size, const models::Preprocessing& preprocessing,
                         std::int64_t structures)
    : image_size_(image_size), preprocessing_(preprocessing), structures_(structures) {
  ::unlink(path.c_str());  // a process that died between the next two lines left one
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor_ < 0) fail("created");
  ::unlink(path.c_str());
}

SampleStore::~SampleStore() {
  ::close(descriptor_);
}

std::size_t SampleStore::add(const pipeline::PixelView& pixels, const std::uint8_t* masks, std::int64_t label,
                             bool keep_original) {
  const auto prepared = pipeline::prepare_image(pixels, image_size_, preprocessing_);
  Entry entry{.label = label, .has_mask = masks != nullptr, .placement = prepared.placement};
  entry.offset = append(prepared.input.data_ptr(), prepared.input.nbytes());
  entry.digest = digest_of(prepared.input.data_ptr(), prepared.input.nbytes());
  for (std::int64_t k = 0; masks && k < structures_; ++k) {
    const auto input_mask = pipeline::prepare_mask(masks + k * pixels.height * pixels.width, prepared.placement);
    append(input_mask.data_ptr(), input_mask.nbytes());
  }
  if (masks && keep_original) {
    const auto original =
        torch::from_blob(const_cast<std::uint8_t*>(masks), {structures_, pixels.height, pixels.width}, torch::kUInt8)
            .ne(0)
            .to(torch::kUInt8);
    entry.original_offset = append(original.data_ptr(), original.nbytes());
  }
  entries_.push_back(entry);
  return entries_.size() - 1;
}

Sample SampleStore::read(std::size_t index) const {
  const auto& entry = entries_.at(index);
  Sample sample;
  sample.label = entry.label;
  sample.image = torch::empty({3, image_size_, image_size_});
  read_at(sample.image.data_ptr(), sample.image.nbytes(), entry.offset);
  if (entry.has_mask) {
    sample.mask = torch::empty({structures_, image_size_, image_size_}, torch::kUInt8);
    read_at(sample.mask.data_ptr(), sample.mask.nbytes(),
            entry.offset + static_cast<std::int64_t>(sample.image.nbytes()));
  }
  return sample;
}

torch::Tensor SampleStore::original_masks(std::size_t index) const {
  const auto& entry = entries_.at(index);
  if (entry.original_offset < 0) throw Error(ErrorCode::kIllegalState, "the sample keeps no mask of original size");
  auto masks = torch::empty({structures_, entry.placement.height, entry.placement.width}, torch::kUInt8);
  read_at(masks.data_ptr(), masks.nbytes(), entry.original_offset);
  return masks;
}

std::int64_t SampleStore::append(const void* data, std::size_t size) {
  const auto offset = end_;
  const auto* bytes = static_cast<const char*>(data);
  std::size_t done = 0;
  while (done < size) {
    const auto n = ::pwrite(descriptor_, bytes + done, size - done, offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("written");
    done += static_cast<std::size_t>(n);
  }
  end_ += static_cast<std::int64_t>(size);
  return offset;
}

void SampleStore::read_at(void* data, std::size_t size, std::int64_t offset) const {
  auto* bytes = static_cast<char*>(data);
  std::size_t done = 0;
  while (done < size) {
    const auto n = ::pread(descriptor_, bytes + done, size - done, offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("read");
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace automed::train
