// cmake/precompiled.h: what most sources include and none of us changes; compiled once for each form (cmake/Bulkhead.cmake).
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>
