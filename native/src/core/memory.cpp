#include "core/memory.h"

#include <cstdlib>  // defines __GLIBC__ where it is the C library

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace automed {

void trim_memory_of_process() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace automed
