#pragma once

#include <functional>

namespace automed {

/// Called between two steps of long work, on the thread that does it; may throw to end the work. May be empty.
using BetweenSteps = std::function<void()>;

inline void look_up(const BetweenSteps& between) {
  if (between) between();
}

}  // namespace automed
