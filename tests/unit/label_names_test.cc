// Names of conntrack labels, as nft reads them.
#include <boost/test/unit_test.hpp>

#include "common/ruleset/types/label_names.h"

using namespace bulkhead::ruleset;

BOOST_AUTO_TEST_CASE(labels_have_the_names_that_the_file_gives_them) {
  LabelNames const names("# bit\tname\n0 eth0-in\n\n  0x10\tweb  # of servers\n127 last\n");
  BOOST_TEST((names.number_of("eth0-in") == 0U && names.number_of("web") == 16U && names.number_of("last") == 127U));
  BOOST_TEST((!names.number_of("0") && !names.number_of("bit") && !names.number_of("")));
  BOOST_TEST((names.name_of(16) == "web" && names.name_of(1).empty()));
}

BOOST_AUTO_TEST_CASE(a_line_of_labels_that_is_none_ends_the_file) {
  for (const char* line : {"web", "web 1", "1", "1x web", "0x web", "99999999999 web", "-1 web"})
    BOOST_TEST((LabelNames(std::string("3 first\n") + line + "\n4 second\n").number_of("first") == 3U &&
                !LabelNames(std::string("3 first\n") + line + "\n4 second\n").number_of("second")), line);
  BOOST_TEST((!LabelNames("").number_of("web") && LabelNames("5 web").number_of("web") == 5U));
}
