// Stands in for everything else of this folder where the headers of libibverbs were absent when it was compiled.
#include "options.h"

#if !__has_include(<infiniband/verbs.h>)

namespace aviary {

namespace {
[[noreturn]] void refuse() {
  throw NativeError("ERR_NO_VERBS",
                    "the native layer was built without the headers of libibverbs. Install them (apt-get install "
                    "libibverbs-dev), then run `npm start` in a checkout of Aviary");
}
}  // namespace

std::unique_ptr<Fabric> openVerbs(const VerbsOptions&) { refuse(); }
std::vector<std::string> verbsDevices() { refuse(); }
PortReport probePort(const PortChoice&, uint32_t) { refuse(); }

}  // namespace aviary

#endif
