#pragma once

#include <string>

namespace automed::parity {

/// A file of cases, and where what is seen of each goes.
struct Placing {
  std::string cases, out;
};

/// What the model's input shows of lesions that are rectangles: `services/checks/model-view` says the same without the
/// addon.
///
/// A case is a line `PREPROCESSING SIDE WIDTH HEIGHT X Y COLUMNS ROWS ...`: JSON without blanks, pixels, and four
/// numbers for each rectangle. Of each a line `SHARE PICKED PIXELS`: the largest share of a pixel of the prepared image
/// that comes from the rectangles, the same of those in the prepared mask, and how many these are.
void record_placed(const Placing& placing);

}  // namespace automed::parity
