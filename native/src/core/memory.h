#pragma once

namespace automed {

/// Gives the memory that was freed back to the system, where the C library keeps it for later (glibc). Walks every
/// arena: not for a thread that others wait for.
void trim_memory_of_process();

}  // namespace automed
