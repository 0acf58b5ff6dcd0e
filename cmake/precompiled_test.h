// cmake/precompiled_test.h: the same for tests. Not boost/test itself, which makes main() out of a test's own
// BOOST_TEST_MODULE; this is what it includes.
#pragma once

#include <boost/function/function0.hpp>
#include <boost/function/function1.hpp>
#include <boost/mpl/for_each.hpp>
#include <boost/numeric/conversion/conversion_traits.hpp>
#include <boost/preprocessor/seq/for_each.hpp>
#include <boost/shared_ptr.hpp>
#include <iomanip>
#include <iostream>
#include <list>
#include <set>
#include <sstream>

#include "cmake/precompiled.h"
