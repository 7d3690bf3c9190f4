// The interposed calls that start programs. A started program is also redirected, in any environment. A program that cannot be redirected is refused.
#include "environment.h"
#include "program.h"
#include "service.h"
#include "symbols.h"
#include "system.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <spawn.h>
#include <unistd.h>
#include <wordexp.h>

#define EXPORT __attribute__((visibility("default")))
#define PATH_ROOM 4096
#define SHELL "/bin/sh"

// The arguments before the program's own when its dynamic linker starts it: the linker, --argv0, the name, and the file.
#define LOADER_WORDS 4

extern char **environ;

static size_t count_of(char *const *words) {
  size_t count = 0;
  while (words != NULL && words[count] != NULL)
    count++;
  return count;
}

static bool has_slash(const char *file) {
  while (*file != 0 && *file != '/')
    file++;
  return *file == '/';
}

// Whether the program starts unchanged. Otherwise it is preloaded, started by its dynamic linker, or refused.
static bool is_free(char *const *environment) { return !lanyard_settings()->is_on || lanyard_is_supervised(environment); }

// Returns 0 to start the program (a privileged program by its dynamic linker), or -EPERM after an error message.
static int judge(int folder, const char *path, struct lanyard_program *program) {
  lanyard_judge_program(folder, path, program);
  // The dynamic linker cannot open a program by a descriptor that is already closed.
  if (program->kind == LANYARD_PROGRAM_REDIRECTED
      || (program->kind == LANYARD_PROGRAM_PRIVILEGED && path[0] != 0 && (folder == AT_FDCWD || path[0] == '/')))
    return 0;
  if (lanyard_settings()->allows_outside) {
    program->kind = LANYARD_PROGRAM_REDIRECTED;
    return 0;
  }
  lanyard_refuse_program(path[0] == 0 ? "The program" : path, program->kind);
  return -EPERM;
}

static void add_loader(struct lanyard_program *program, const char *path, char *const *words, char **all) {
  static char argv0[] = "--argv0";
  size_t count = count_of(words);
  all[0] = program->loader;
  all[1] = argv0;
  all[2] = count > 0 ? words[0] : (char *)path;
  all[3] = (char *)path;
  for (size_t i = 1; i <= count; i++)
    all[LOADER_WORDS - 1 + i] = words[i];
  if (count == 0)
    all[LOADER_WORDS] = NULL;
}

static long execute(int folder, const char *path, char *const *words, char *const *environment, int flags) {
  if (path == NULL || is_free(environment))
    return SYS5(SYS_execveat, folder, path, words, environment, flags);
  struct lanyard_program program;
  int refused = judge(folder, path, &program);
  if (refused != 0)
    return refused;
  size_t entries, bytes;
  lanyard_measure_environment(environment, &entries, &bytes);
  char *carried[entries], preload[bytes];
  lanyard_carry_environment(environment, carried, preload);
  if (program.kind == LANYARD_PROGRAM_REDIRECTED)
    // An interpreter cannot open a script by a descriptor's name. Make the plain call when it suffices.
    return folder == AT_FDCWD && flags == 0 ? SYS3(SYS_execve, path, words, carried) : SYS5(SYS_execveat, folder, path, words, carried, flags);
  char *all[count_of(words) + LOADER_WORDS + 1];
  add_loader(&program, path, words, all);
  return SYS3(SYS_execve, program.loader, all, carried);
}

// Runs a file of unknown format as a shell script.
static long execute_script(const char *path, char *const *words, char *const *environment) {
  static char shell[] = SHELL;
  size_t count = count_of(words);
  char *all[count + 2];
  all[0] = shell;
  all[1] = (char *)path;
  for (size_t i = 1; i <= count; i++)
    all[i + 1] = words[i];
  if (count == 0)
    all[2] = NULL;
  return execute(AT_FDCWD, SHELL, all, environment, 0);
}

static const char *search_path(void) {
  for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
    const char *value = lanyard_value_of(*entry, "PATH");
    if (value != NULL)
      return value;
  }
  return "/bin:/usr/bin";
}

// Writes the next candidate path of the search path. Returns false at the end, with *folders set to NULL.
static bool next_candidate(const char **folders, const char *file, char *candidate) {
  while (*folders != NULL) {
    const char *folder = *folders;
    size_t length = 0, at = 0;
    while (folder[length] != 0 && folder[length] != ':')
      length++;
    *folders = folder[length] == 0 ? NULL : folder + length + 1;
    if (length + 2 >= PATH_ROOM)
      continue;
    memcpy(candidate, folder, length);
    if (length > 0)
      candidate[length++] = '/';
    while (file[at] != 0 && length + at < PATH_ROOM - 1) {
      candidate[length + at] = file[at];
      at++;
    }
    candidate[length + at] = 0;
    if (file[at] == 0)
      return true;
  }
  return false;
}

static long execute_found(const char *file, char *const *words, char *const *environment) {
  long result;
  if (file[0] == 0)
    return -ENOENT;
  if (has_slash(file)) {
    result = execute(AT_FDCWD, file, words, environment, 0);
    return result == -ENOEXEC ? execute_script(file, words, environment) : result;
  }
  const char *folders = search_path();
  char candidate[PATH_ROOM];
  bool is_denied = false;
  result = -ENOENT;
  while (next_candidate(&folders, file, candidate)) {
    result = execute(AT_FDCWD, candidate, words, environment, 0);
    if (result == -ENOEXEC)
      result = execute_script(candidate, words, environment);
    is_denied |= result == -EACCES;
    if (result != -EACCES && result != -ENOENT && result != -ENOTDIR && result != -ESTALE && result != -ENODEV && result != -ETIMEDOUT)
      return result;
  }
  return is_denied ? -EACCES : result;
}

EXPORT int execve(const char *path, char *const words[], char *const environment[]) {
  return (int)lanyard_result(is_free(environment) ? SYS3(SYS_execve, path, words, environment) : execute(AT_FDCWD, path, words, environment, 0));
}

EXPORT int execv(const char *path, char *const words[]) { return execve(path, words, environ); }

EXPORT int execvpe(const char *file, char *const words[], char *const environment[]) {
  return (int)lanyard_result(execute_found(file, words, environment));
}

EXPORT int execvp(const char *file, char *const words[]) { return execvpe(file, words, environ); }

EXPORT int execveat(int folder, const char *path, char *const words[], char *const environment[], int flags) {
  return (int)lanyard_result(execute(folder, path, words, environment, flags));
}

EXPORT int fexecve(int file, char *const words[], char *const environment[]) { return execveat(file, "", words, environment, AT_EMPTY_PATH); }

// Counts the arguments of a variadic call. In a second pass, stores them.
static size_t list_words(const char *first, va_list *rest, char **words) {
  size_t count = 0;
  for (const char *word = first; word != NULL; word = va_arg(*rest, const char *)) {
    if (words != NULL)
      words[count] = (char *)word;
    count++;
  }
  if (words != NULL)
    words[count] = NULL;
  return count;
}

#define LISTED(first)                       \
  va_list list;                             \
  va_start(list, first);                    \
  size_t count = list_words(first, &list, NULL); \
  va_end(list);                             \
  char *words[count + 1];                   \
  va_start(list, first);                    \
  list_words(first, &list, words)

EXPORT int execl(const char *path, const char *first, ...) {
  LISTED(first);
  va_end(list);
  return execv(path, words);
}

EXPORT int execlp(const char *file, const char *first, ...) {
  LISTED(first);
  va_end(list);
  return execvp(file, words);
}

EXPORT int execle(const char *path, const char *first, ...) {
  LISTED(first);
  char *const *environment = va_arg(list, char *const *);
  va_end(list);
  return execve(path, words, environment);
}

typedef int spawn_type(void *, const char *, const void *, const void *, char *const[], char *const[]);

// Implements posix_spawn and its relatives, which return an error number. `process` receives a process ID or a descriptor, depending on the call.
static int spawn(const char *name, void *process, const char *path, const void *actions, const void *attributes, char *const words[],
                 char *const environment[]) {
  spawn_type *system = (spawn_type *)lanyard_next(name);
  if (system == NULL)
    return ENOSYS;
  if (is_free(environment))
    return system(process, path, actions, attributes, words, environment);
  struct lanyard_program program;
  int refused = judge(AT_FDCWD, path, &program);
  if (refused != 0)
    return -refused;
  size_t entries, bytes;
  lanyard_measure_environment(environment, &entries, &bytes);
  char *carried[entries], preload[bytes];
  lanyard_carry_environment(environment, carried, preload);
  if (program.kind == LANYARD_PROGRAM_REDIRECTED)
    return system(process, path, actions, attributes, words, carried);
  char *all[count_of(words) + LOADER_WORDS + 1];
  add_loader(&program, path, words, all);
  return system(process, program.loader, actions, attributes, all, carried);
}

static int spawn_found(const char *name, void *process, const char *file, const void *actions, const void *attributes, char *const words[],
                       char *const environment[]) {
  const char *folders = search_path();
  char candidate[PATH_ROOM];
  if (!is_free(environment) && !has_slash(file)) {
    while (next_candidate(&folders, file, candidate)) {
      if (SYS3(SYS_faccessat, AT_FDCWD, candidate, 1 /* X_OK */) == 0)
        return spawn(name, process, candidate, actions, attributes, words, environment);
    }
  }
  return spawn(name, process, file, actions, attributes, words, environment);
}

EXPORT int posix_spawn(pid_t *process, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                       char *const words[], char *const environment[]) {
  return spawn("posix_spawn", process, path, actions, attributes, words, environment);
}

EXPORT int posix_spawnp(pid_t *process, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                        char *const words[], char *const environment[]) {
  return spawn_found("posix_spawnp", process, file, actions, attributes, words, environment);
}

EXPORT int pidfd_spawn(int *process, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                       char *const words[], char *const environment[]) {
  return spawn("pidfd_spawn", process, path, actions, attributes, words, environment);
}

EXPORT int pidfd_spawnp(int *process, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                        char *const words[], char *const environment[]) {
  return spawn_found("pidfd_spawnp", process, file, actions, attributes, words, environment);
}

// The C library starts the shell for these calls with the current environment of the process. Add the missing entries for the duration of the call.
struct shell_call {
  char **own;
  int error;
};

#define BEGIN_SHELL(call)                                    \
  size_t entries, bytes;                                     \
  lanyard_measure_environment(environ, &entries, &bytes);    \
  char *carried[entries], preload[bytes];                    \
  struct shell_call call = begin_shell(carried, preload)

static struct shell_call begin_shell(char **carried, char *preload) {
  struct shell_call call = {environ, 0};
  struct lanyard_program program;
  if (is_free(environ))
    return call;
  call.error = judge(AT_FDCWD, SHELL, &program);
  if (call.error == 0)
    environ = lanyard_carry_environment(environ, carried, preload);
  return call;
}

static void end_shell(const struct shell_call *call) { environ = call->own; }

EXPORT int system(const char *command) {
  int (*system)(const char *) = (int (*)(const char *))lanyard_next("system");
  if (system == NULL)
    return (int)lanyard_result(-ENOSYS);
  if (command == NULL)
    return system(NULL);
  BEGIN_SHELL(call);
  if (call.error != 0)
    return (int)lanyard_result(call.error);
  int result = system(command);
  end_shell(&call);
  return result;
}

EXPORT FILE *popen(const char *command, const char *mode) {
  FILE *(*system)(const char *, const char *) = (FILE * (*)(const char *, const char *)) lanyard_next("popen");
  BEGIN_SHELL(call);
  if (system == NULL || call.error != 0) {
    lanyard_result(system == NULL ? -ENOSYS : call.error);
    return NULL;
  }
  FILE *result = system(command, mode);
  end_shell(&call);
  return result;
}

EXPORT int wordexp(const char *text, wordexp_t *words, int flags) {
  int (*system)(const char *, wordexp_t *, int) = (int (*)(const char *, wordexp_t *, int))lanyard_next("wordexp");
  BEGIN_SHELL(call);
  if (system == NULL || call.error != 0)
    return WRDE_CMDSUB;
  int result = system(text, words, flags);
  end_shell(&call);
  return result;
}
