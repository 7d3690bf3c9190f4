// Checks before a program is started whether its sockets can be redirected.
#ifndef LANYARD_PROGRAM_H
#define LANYARD_PROGRAM_H

#include <stdbool.h>

#define LANYARD_LOADER_MAX 256

enum lanyard_program_kind {
  LANYARD_PROGRAM_REDIRECTED, // The library is loaded into the program, or --allow-outside permits it. Also a missing program, for which the system reports the error.
  LANYARD_PROGRAM_PRIVILEGED, // The file grants privileges, so the system preloads nothing. Its dynamic linker (`loader`) starts it without privileges.
  LANYARD_PROGRAM_STATIC,
  LANYARD_PROGRAM_GO,
  LANYARD_PROGRAM_FOREIGN,
  LANYARD_PROGRAM_UNREADABLE,
  LANYARD_PROGRAM_SECURE,     // This process keeps privileges that it does not use, so the system preloads nothing into started programs.
  LANYARD_PROGRAM_NO_LIBRARY, // The library is not readable here: another root folder, or another user.
};

struct lanyard_program {
  enum lanyard_program_kind kind;
  char loader[LANYARD_LOADER_MAX]; // The dynamic linker of a privileged program.
};

// Checks the program at a path relative to a folder descriptor (AT_FDCWD). An empty path selects the program that the descriptor is open on.
void lanyard_judge_program(int folder, const char *path, struct lanyard_program *program);

// Reports on standard error why a program is not started.
void lanyard_refuse_program(const char *path, enum lanyard_program_kind kind);

#endif
