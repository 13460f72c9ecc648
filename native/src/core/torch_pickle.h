#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/pickle.h"

namespace automed {

/// A tensor as torch.save describes it: a view of a storage that lies elsewhere in the file. All counts are elements.
struct PickledTensor {
  std::string_view storage;  ///< its key
  std::int64_t storage_size;
  c10::ScalarType dtype;
  std::int64_t offset;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;
};

struct PickledStateDict {
  std::map<std::string, PickledTensor> tensors;
  std::vector<std::string> left_out;  ///< entries that are no tensors of the state dict, e.g. `optimizer`
};

/// Finds the state dict in what was pickled: the dictionary itself, the one under `model`, `state_dict` or
/// `model_state_dict`, or the only one that has tensors, whatever its key. Only the classes that a state dict is made
/// of mean anything (OrderedDict, tensors, parameters, storages); all others stay opaque, and so do a tensor's
/// attributes. A tensor kept as a negative or conjugate view is Error(kCheckpointMismatch). Each view must lie within
/// its storage, whatever its strides. A whole pickled module, several state dicts or none are
/// Error(kCheckpointMismatch); views that lie are Error(kCheckpointCorrupt).
PickledStateDict find_state_dict(const pickle::Tree& tree);

struct PickledStorage {
  c10::ScalarType dtype;
  std::int64_t size;  ///< elements
};

/// Every storage that the pickle refers to, by key; used to find one's way through the legacy format.
std::map<std::string_view, PickledStorage> find_storages(const pickle::Tree& tree);

}  // namespace automed
