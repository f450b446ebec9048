#include "link.h"

namespace aviary {

void Link::renewOwnPage() {
  const size_t bytes = roundUpToPages(geometry_.pageBytes());
  UniqueFd fd = createSharedMemory("aviary-link", bytes);
  Mapping mapping = Mapping::shared(fd.get(), bytes);
  LinkPage fresh(mapping.base(), geometry_);
  if (own) {
    for (uint32_t pair = 0; pair < geometry_.pairs; pair++)
      fresh.end(pair).word.store(own.end(pair).word.load());
    for (uint32_t region = 0; region < regionsMax; region++)
      fresh.header().registration[region].store(own.header().registration[region].load());
    fresh.header().generation.store(own.header().generation.load());
    // Whoever may still look at the old page finds nobody there.
    for (uint32_t pair = 0; pair < geometry_.pairs; pair++)
      own.end(pair).word.store(EndWord{EndState::reset, 0, 0, 0}.pack());
  }
  ownPageFd = std::move(fd);
  ownPage_ = std::move(mapping);
  own = fresh;
}

void Link::connectTo(PeerMemory&& found) {
  memory = std::move(found);
  remote = LinkPage(memory.page.base(), geometry_);
  remoteBase = memory.segment.base();
  isConnected = true;
}

void Link::connectToSelf(std::byte* segment, std::span<const Region> regions) {
  memory.regionCount = static_cast<uint32_t>(regions.size());
  for (size_t i = 0; i < regions.size(); i++) memory.regions[i] = regions[i];
  remote = own;
  remoteBase = segment;
  isConnected = true;
}

void Link::disconnect() {
  isConnected = false;
  remote = LinkPage();
  remoteBase = nullptr;
  memory = PeerMemory();
}

}  // namespace aviary
