#include "binding/options.h"

#include <algorithm>

#include "core/error.h"

namespace automed::binding {

void refuse_unknown(const Napi::Object& object, const std::vector<std::string>& known) {
  const auto names = object.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const auto name = names.Get(i).ToString().Utf8Value();
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto shown = name.substr(0, 100);
    throw Error(ErrorCode::kInvalidArgument, shown + " is not a known option", shown);
  }
}

}  // namespace automed::binding
