// ipc/tracking/protocol_words.h: what a protocol remembers of a flow, in and out of its entry, or its lane.
#pragma once

#include <span>

#include "ipc/state/flow_table.h"
#include "ipc/tracking/tcp_state.h"

namespace bulkhead::tracking {

template <class Words, class Entry>
[[nodiscard]] Words words_of(const Entry& entry) noexcept {
  Words words;
  for (size_t i = 0; i < words.size(); ++i) words[i] = entry.protocol_words[i].load();
  return words;
}

/// Those that have changed; `state`: as others see it.
template <class Entry>
void store_protocol(Entry& entry, std::span<const uint64_t> words, uint32_t state, memory::Batch& batch) noexcept {
  for (size_t i = 0; i < words.size(); ++i)
    if (entry.protocol_words[i].load() != words[i]) batch.set(entry.protocol_words[i], words[i]);
  if (entry.protocol_state.load() != state) batch.set(entry.protocol_state, state);
}

/// Of a TCP flow, as connection limits see it (already_closed() of nf_conncount.c).
[[nodiscard]] inline bool is_closed(const state::FlowEntry& entry) noexcept {
  auto const now = static_cast<TcpState>(entry.protocol_state.load());
  return now == TcpState::time_wait || now == TcpState::close;
}

}  // namespace bulkhead::tracking