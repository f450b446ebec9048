#include "verbs_report.h"

#include "throw.h"

namespace aviary {

namespace {

Napi::Array pairOf(Napi::Env env, const double (&micros)[2]) {
  Napi::Array both = Napi::Array::New(env, 2);
  both.Set(0u, micros[0]);
  both.Set(1u, micros[1]);
  return both;
}

}  // namespace

PortChoice readPort(const OptionReader& reader) {
  PortChoice choice;
  if (reader.has("device")) choice.device = reader.text("device");
  choice.port = reader.number("port", choice.port);
  if (reader.has("gid")) choice.gid = reader.text("gid");
  return choice;
}

Napi::Value listVerbsDevices(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const std::vector<std::string> names = verbsDevices();
    Napi::Array list = Napi::Array::New(info.Env(), names.size());
    for (uint32_t i = 0; i < names.size(); i++) list.Set(i, names[i]);
    return list;
  });
}

Napi::Value probeVerbsPort(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const OptionReader reader(info[0], "choice");
    const uint32_t roundTrips = reader.number("roundTrips");
    if (roundTrips > 100'000) throw NativeError("ERR_ARGUMENT", "roundTrips must be 0 to 100000");
    const PortReport report = probePort(readPort(reader), roundTrips);
    Napi::Object object = Napi::Object::New(env);
    object.Set("device", report.device);
    object.Set("firmware", report.firmware);
    object.Set("link", report.link);
    object.Set("state", report.state);
    object.Set("gid", report.gid);
    object.Set("gidKind", report.gidKind);
    object.Set("port", report.port);
    object.Set("gidIndex", report.gidIndex);
    object.Set("lid", report.lid);
    object.Set("mtuBytes", report.mtuBytes);
    object.Set("mtuBytesMax", report.mtuBytesMax);
    object.Set("readsAtOnce", report.readsAtOnce);
    object.Set("hasAtomics", report.hasAtomics);
    object.Set("placesInOrder", report.placesInOrder);
    object.Set("roundTrips", report.roundTrips);
    object.Set("writeMicros", pairOf(env, report.writeMicros));
    object.Set("readMicros", pairOf(env, report.readMicros));
    object.Set("atomicMicros", pairOf(env, report.atomicMicros));
    return object;
  });
}

}  // namespace aviary
