// SPDX-License-Identifier: Apache-2.0
//
// The values that PTX instructions compute, as pure functions of one lane's operands (mma.hpp: of one warp's).
// Independent of how instructions are decoded, scheduled or checked.
#pragma once

#include "approx.hpp"
#include "bitfield.hpp"
#include "compare.hpp"
#include "convert.hpp"
#include "float_arith.hpp"
#include "float_format.hpp"
#include "fma_lanes.hpp"
#include "integer.hpp"
#include "mma.hpp"
