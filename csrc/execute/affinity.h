// Where threads may run. Every function does nothing, and says so, on systems without thread affinity.
// The process's own mask (that of its first thread) is never exceeded.
#pragma once

namespace ingot {

int current_core();       // -1: unknown
int current_thread_id();  // for the functions below; -1 where there is none

// Each returns false when the system refuses or nothing would be left.
bool keep_thread_off(int thread_id, int core);  // the process's mask less one core
bool pull_thread_to(int thread_id, int core);   // that core alone

}  // namespace ingot
