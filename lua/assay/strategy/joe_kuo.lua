-- joe_kuo.lua - direction numbers of Sobol sequences, dimensions 2 to 40.
-- SPDX-License-Identifier: Apache-2.0 AND BSD-3-Clause
--
-- The table is taken from "new-joe-kuo-6" (S. Joe and F. Y. Kuo, Constructing Sobol
-- sequences with better two-dimensional projections, SIAM J. Sci. Comput. 30, 2635-2654,
-- 2008; https://web.maths.unsw.edu.au/~fkuo/sobol/), which comes under these terms:
--
-- Copyright (c) 2008, Frances Y. Kuo and Stephen Joe. All rights reserved.
--
-- Redistribution and use in source and binary forms, with or without modification, are
-- permitted provided that the following conditions are met:
--
-- * Redistributions of source code must retain the above copyright notice, this list of
--   conditions and the following disclaimer.
-- * Redistributions in binary form must reproduce the above copyright notice, this list of
--   conditions and the following disclaimer in the documentation and/or other materials
--   provided with the distribution.
-- * Neither the names of the copyright holders nor the names of the University of New South
--   Wales and the University of Waikato and its contributors may be used to endorse or
--   promote products derived from this software without specific prior written permission.
--
-- THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS "AS IS" AND ANY EXPRESS OR IMPLIED
-- WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND
-- FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDERS
-- BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
-- DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS
-- OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF
-- LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR
-- OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE
-- POSSIBILITY OF SUCH DAMAGE.

-- A row a dimension: coefficients a of the primitive polynomial, then m_1 .. m_s, where s
-- is the polynomial's degree.
return {
    [2] = { 0, 1 },
    [3] = { 1, 1, 3 },
    [4] = { 1, 1, 3, 1 },
    [5] = { 2, 1, 1, 1 },
    [6] = { 1, 1, 1, 3, 3 },
    [7] = { 4, 1, 3, 5, 13 },
    [8] = { 2, 1, 1, 5, 5, 17 },
    [9] = { 4, 1, 1, 5, 5, 5 },
    [10] = { 7, 1, 1, 7, 11, 19 },
    [11] = { 11, 1, 1, 5, 1, 1 },
    [12] = { 13, 1, 1, 1, 3, 11 },
    [13] = { 14, 1, 3, 5, 5, 31 },
    [14] = { 1, 1, 3, 3, 9, 7, 49 },
    [15] = { 13, 1, 1, 1, 15, 21, 21 },
    [16] = { 16, 1, 3, 1, 13, 27, 49 },
    [17] = { 19, 1, 1, 1, 15, 7, 5 },
    [18] = { 22, 1, 3, 1, 15, 13, 25 },
    [19] = { 25, 1, 1, 5, 5, 19, 61 },
    [20] = { 1, 1, 3, 7, 11, 23, 15, 103 },
    [21] = { 4, 1, 3, 7, 13, 13, 15, 69 },
    [22] = { 7, 1, 1, 3, 13, 7, 35, 63 },
    [23] = { 8, 1, 3, 5, 9, 1, 25, 53 },
    [24] = { 14, 1, 3, 1, 13, 9, 35, 107 },
    [25] = { 19, 1, 3, 1, 5, 27, 61, 31 },
    [26] = { 21, 1, 1, 5, 11, 19, 41, 61 },
    [27] = { 28, 1, 3, 5, 3, 3, 13, 69 },
    [28] = { 31, 1, 1, 7, 13, 1, 19, 1 },
    [29] = { 32, 1, 3, 7, 5, 13, 19, 59 },
    [30] = { 37, 1, 1, 3, 9, 25, 29, 41 },
    [31] = { 41, 1, 3, 5, 13, 23, 1, 55 },
    [32] = { 42, 1, 3, 7, 3, 13, 59, 17 },
    [33] = { 50, 1, 3, 1, 3, 5, 53, 69 },
    [34] = { 55, 1, 1, 5, 5, 23, 33, 13 },
    [35] = { 56, 1, 1, 7, 7, 1, 61, 123 },
    [36] = { 59, 1, 1, 7, 9, 13, 61, 49 },
    [37] = { 62, 1, 3, 3, 5, 3, 55, 33 },
    [38] = { 14, 1, 3, 1, 15, 31, 13, 49, 245 },
    [39] = { 21, 1, 3, 5, 15, 31, 59, 63, 97 },
    [40] = { 22, 1, 3, 1, 11, 11, 11, 77, 249 },
}
