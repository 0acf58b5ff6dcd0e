// What people see of a run while it lasts: the bar fits its terminal.
#define BOOST_TEST_MODULE summary
#include "services/cli/summary.h"

#include <boost/test/unit_test.hpp>

using bulkhead::cli::progress_line;

BOOST_AUTO_TEST_CASE(a_bar_is_never_as_wide_as_its_terminal) {
  for (size_t columns = 0; columns < 200; ++columns)
    for (double const part : {0.0, 0.42, 1.0})
      for (uint64_t const packets : {uint64_t{0}, uint64_t{1'234'567}, UINT64_MAX})
        BOOST_TEST(progress_line(part, packets, 3.2e6, columns).size() < std::max<size_t>(columns, 1), columns << " columns");
}

BOOST_AUTO_TEST_CASE(a_narrow_terminal_takes_the_bar_first_then_the_pace_then_the_packets) {
  BOOST_TEST(progress_line(0.5, 1'234'567, 3.2e6, 120) == "[###############...............]  50 %  1,234,567 packets, 3.20 M/s");
  BOOST_TEST(progress_line(0.5, 1'234'567, 3.2e6, 60) == "[###########...........]  50 %  1,234,567 packets, 3.20 M/s");
  BOOST_TEST(progress_line(0.5, 1'234'567, 3.2e6, 40) == " 50 %  1,234,567 packets, 3.20 M/s");
  BOOST_TEST(progress_line(0.5, 1'234'567, 3.2e6, 30) == " 50 %  1,234,567 packets");
  BOOST_TEST(progress_line(0.5, 1'234'567, 3.2e6, 10) == "50 %");
  BOOST_TEST(progress_line(0.5, 1'234'567, 3.2e6, 3) == "");
}
