#include "options.h"

#if __has_include(<infiniband/verbs.h>)

#include <dlfcn.h>
#include <sys/resource.h>

#include <cerrno>
#include <mutex>

#include "library.h"

namespace aviary {

namespace {

/// The ABI has had this number since 2006.
constexpr const char* libraryName = "libibverbs.so.1";

[[noreturn]] void refuse(const std::string& what) {
  throw NativeError("ERR_NO_VERBS", what + ". Install rdma-core (apt-get install libibverbs1 ibverbs-providers)");
}

/// `name` is what the library exports; the compiler knows some functions as macros only.
template <typename Function>
void find(void* library, Function& function, const char* name, bool isOptional = false) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr && !isOptional) refuse(std::string(libraryName) + " has no " + name);
}

VerbsLibrary load() {
  // Never closed: providers that it has loaded have threads and tables of their own.
  void* const library = ::dlopen(libraryName, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = ::dlerror();
    refuse("libibverbs cannot be loaded: " + std::string(reason == nullptr ? libraryName : reason));
  }
  VerbsLibrary all{};
  find(library, all.getDeviceList, "ibv_get_device_list");
  find(library, all.freeDeviceList, "ibv_free_device_list");
  find(library, all.getDeviceName, "ibv_get_device_name");
  find(library, all.openDevice, "ibv_open_device");
  find(library, all.closeDevice, "ibv_close_device");
  find(library, all.getAsyncEvent, "ibv_get_async_event");
  find(library, all.ackAsyncEvent, "ibv_ack_async_event");
  find(library, all.eventText, "ibv_event_type_str");
  find(library, all.queryDevice, "ibv_query_device");
  find(library, all.queryPort, "ibv_query_port");
  find(library, all.queryGid, "_ibv_query_gid_ex");
  find(library, all.portStateText, "ibv_port_state_str");
  find(library, all.allocPd, "ibv_alloc_pd");
  find(library, all.deallocPd, "ibv_dealloc_pd");
  find(library, all.regMr, "ibv_reg_mr");
  find(library, all.deregMr, "ibv_dereg_mr");
  find(library, all.createChannel, "ibv_create_comp_channel");
  find(library, all.destroyChannel, "ibv_destroy_comp_channel");
  find(library, all.createCq, "ibv_create_cq");
  find(library, all.destroyCq, "ibv_destroy_cq");
  find(library, all.getCqEvent, "ibv_get_cq_event");
  find(library, all.ackCqEvents, "ibv_ack_cq_events");
  find(library, all.createQp, "ibv_create_qp");
  find(library, all.modifyQp, "ibv_modify_qp");
  find(library, all.queryQp, "ibv_query_qp");
  find(library, all.destroyQp, "ibv_destroy_qp");
  find(library, all.statusText, "ibv_wc_status_str");
  find(library, all.queryDataInOrder, "ibv_query_qp_data_in_order", true);
  return all;
}

std::string sizeText(rlim_t bytes) {
  return bytes == RLIM_INFINITY ? "unlimited" : std::to_string(bytes / 1024) + " KiB";
}

std::string mendFor(const std::string& verb, int errorNumber) {
  const bool takesMemory = verb == "ibv_reg_mr" || verb == "ibv_create_cq" || verb == "ibv_create_qp";
  if ((errorNumber == ENOMEM || errorNumber == EAGAIN) && takesMemory) {
    rlimit limit{};
    ::getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur != RLIM_INFINITY)
      return ". The memory lock limit is " + sizeText(limit.rlim_cur) +
             "; raise it with `ulimit -l unlimited`, or LimitMEMLOCK=infinity of a systemd service";
    return ". The device, or the machine, has no room for more";
  }
  if (errorNumber == EACCES || errorNumber == EPERM)
    return ". This user may not open /dev/infiniband/uverbs*; give it read and write there, or the group that has them";
  if (verb == "ibv_open_device" && errorNumber == ENOENT) return ". Load the module ib_uverbs (modprobe ib_uverbs)";
  if (errorNumber == ENODEV || errorNumber == EIO) return ". The device is gone; see dmesg and `rdma link`";
  return "";
}

}  // namespace

const VerbsLibrary& verbs() {
  // A failed load is tried again at the next call: whoever was told to install it need not begin anew.
  static std::mutex mutex;
  static const VerbsLibrary* loaded = nullptr;
  const std::lock_guard guard(mutex);
  if (loaded == nullptr) loaded = new VerbsLibrary(load());
  return *loaded;
}

NativeError verbsError(const std::string& verb, const std::string& object, int errorNumber) {
  const NativeError plain("ERR_VERBS", verb + " of " + object, errorNumber);
  return NativeError("ERR_VERBS", plain.what() + mendFor(verb, errorNumber));
}

}  // namespace aviary

#endif
