/* canary.h - is the network library still alive? NNG 1.5.2 has two ways to die quietly:
 * a listener that accepts nobody any more, and a reaper thread that removes no
 * connection. A host that finds either dead starts itself anew (its state is in the
 * store).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Connects to an asy_listener as a stranger and expects the refusal of an empty request
 * within wait_ms. Blocks; not for the core thread. */
bool asy_canary_port(const char *name, uint16_t port, uint32_t wait_ms);

/* Opens and closes a pair of sockets in a thread of its own; false when that does not
 * end within wait_ms (the thread is then lost). Blocks; not for the core thread. */
bool asy_canary_reaper(uint32_t wait_ms);
