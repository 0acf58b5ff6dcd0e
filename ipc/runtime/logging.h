// ipc/runtime/logging.h: log lines of every process: stderr, one form, level from BULKHEAD_LOG (the CLI sets it).
#pragma once

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <string>

namespace bulkhead::runtime {

inline void set_up_logging(const std::string& process) {
  auto logger = spdlog::stderr_color_st(process);
  logger->set_pattern("%H:%M:%S.%e %n %^%l%$ %v");
  const char* const level = std::getenv("BULKHEAD_LOG");
  logger->set_level(spdlog::level::from_str(level != nullptr ? level : "warn"));
  spdlog::set_default_logger(logger);
}

}  // namespace bulkhead::runtime