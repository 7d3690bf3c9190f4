// The environment that redirects started programs: LD_PRELOAD with this library, and the variables that the library reads.
#ifndef LANYARD_ENVIRONMENT_H
#define LANYARD_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

// Keeps an entry of this process's environment if started programs need it. The program may overwrite its environment later.
void lanyard_keep_variable(const char *entry);

// Returns the path of this library; empty if it was not loaded by LD_PRELOAD.
const char *lanyard_library(void);

// Measures the buffers for lanyard_carry_environment: pointers (including the final NULL) and bytes of text.
void lanyard_measure_environment(char *const *environment, size_t *entries, size_t *bytes);

// Returns the environment with the missing entries added, in the measured buffers. A variable that is present keeps its value.
char **lanyard_carry_environment(char *const *environment, char **entries, char *bytes);

// Whether the environment marks the program as supervised, so that it does not need the library.
bool lanyard_is_supervised(char *const *environment);

// Returns the value of an entry "NAME=value" with that name; otherwise NULL.
const char *lanyard_value_of(const char *entry, const char *name);

#endif
