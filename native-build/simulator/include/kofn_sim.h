/* SPDX-License-Identifier: Apache-2.0
 *
 * What the simulated device exports beside the CUDA driver API: reports, counters, settings. Plain C, so that Java, Python
 * or C can bind it; every function may be called from any thread, before cuInit too.
 *
 * Texts are written to (buffer, size), cut to size and always ended with a zero byte when size > 0; the return value is
 * the length of the whole text without that byte, so a first call with size 0 asks how much room it takes.
 */
#ifndef KOFN_SIM_H
#define KOFN_SIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this interface: 1000 * major + minor. A caller can tell the simulated driver from a real one by this symbol. */
int kofnSimVersion(void);

/* The seed of all random choices; the environment variable KOFN_SIM_SEED with this value repeats the run. */
uint64_t kofnSimSeed(void);

/* Sets one of the settings that kofnSimHelp lists. 0: done; 1: refused, and kofnSimLastMessage says why. */
int kofnSimSetOption(const char* name, const char* value);
size_t kofnSimHelp(char* buffer, size_t size);

/* Reports: what the sanitizer found, wrong use of the API, leaks, faults; equal ones are merged. */
size_t kofnSimReportCount(void);
/* "KIND: TEXT". KIND is "api", "leak", "fault" or a check's name. 0 when there is no report of that index. */
size_t kofnSimReportText(size_t index, char* buffer, size_t size);
uint64_t kofnSimReportOccurrences(size_t index);
void kofnSimResetReports(void);

/* Why this thread's last driver call did not answer CUDA_SUCCESS. */
size_t kofnSimLastMessage(char* buffer, size_t size);

/* Counters. `kernel` is a kernel's name (all its launches), "" (the last launch) or "*" (all launches). Writes at most
 * `count` values in the order of kofnSimCounterName and returns how many there are; 0 when no such kernel has run. */
size_t kofnSimCounters(const char* kernel, uint64_t* values, size_t count);
/* Name of a counter by index, null beyond the last. */
const char* kofnSimCounterName(size_t index);
/* Everything that was counted, as JSON. Kernels that are queued have not run: synchronise first. */
size_t kofnSimCountersJson(char* buffer, size_t size);
void kofnSimResetCounters(void);

#ifdef __cplusplus
}
#endif
#endif
