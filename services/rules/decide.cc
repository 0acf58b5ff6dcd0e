#include "services/rules/decide.h"

namespace bulkhead::rules {

Decide::Decide(const Objects& objects, const Settings& settings)
    : objects_(objects),
      window_(objects.answers.header.capacity),
      counting_(objects.state.counts, settings.chain == Settings::Chain::empty),
      limits_(objects.state, settings.seed) {
  if (settings.topology.is_router()) router_ = std::make_unique<Router>(settings.topology);
}

void Decide::visit(Descriptor& descriptor, Batch& batch) noexcept {
  if (router_ && descriptor.kind == Kind::packet && descriptor.verdict == Verdict::accept) route_on(descriptor, batch);
  counting_.visit(descriptor, batch);
}

void Decide::route_on(Descriptor& descriptor, Batch& batch) noexcept {
  auto const frame = frame_of(descriptor, objects_.pool, objects_.pool_bytes);
  auto const packet = HeaderView::of(descriptor, frame);
  Route const found = packet ? route(*packet, descriptor.in, router_->routes, router_->topology) : Route{};
  switch (found.fate) {
    case Route::Fate::forward:
      descriptor.orders |= Orders::routed;
      descriptor.way = found.way;
      descriptor.out = static_cast<uint8_t>(found.out);
      return;
    case Route::Fate::local: descriptor.orders |= Orders::local; return;
    case Route::Fate::drop: break;
  }
  descriptor.verdict = Verdict::drop;
  descriptor.reason = packet ? found.reason : DropReason::not_ip;
  if (found.speaks && may_be_answered(*packet, router_->routes, found.type)) answer(descriptor, *packet, found, batch);
}

void Decide::answer(Descriptor& descriptor, const HeaderView& packet, const Route& route, Batch& batch) noexcept {
  const IpAddress& peer = packet.source;
  uint16_t const back = router_->routes.number_to(peer, descriptor.in);
  const Way& way = router_->routes.way(back);
  if (way.kind != Way::Kind::unicast) return;
  uint64_t const now_ns = descriptor.time_ns;
  if (route.reason == DropReason::no_route && peer.l3 == 4 && !limits_.allow_unroutable(peer, now_ns, batch)) return;
  Answer said{};
  said.source = router_->routes.is_local(packet.destination)
                    ? packet.destination
                    : router_->routes.source_for(way.device, way.via.is_none() ? peer : way.via);
  if (said.source.is_none() || !limits_.allow(peer, route.type, route.code, way.length, now_ns, batch)) return;
  said.number = descriptor.number;
  said.kind = Answer::Kind::icmp;
  said.type = route.type;
  said.code = route.code;
  said.info = route.info;
  said.out = way.device;
  said.way = back;
  copy_in(&objects_.answers.slot(descriptor.number, window_), &said, sizeof said);
  descriptor.orders |= Orders::answered;
}

}  // namespace bulkhead::rules
