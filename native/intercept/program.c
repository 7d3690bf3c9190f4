#include "program.h"
#include "environment.h"
#include "protocol.h"
#include "system.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define NOTES_MAX 4096
#define GO_BUILD_ID 4
#define NO_SET_ID 2 // ST_NOSUID, a file system flag

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#else
#define OWN_MACHINE EM_AARCH64
#endif

// Dynamic linkers look like static programs. A dynamic linker that is started as a program loads another program together with the library.
static const char *const loaders[] = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1"};

static bool is_loader(const struct stat *file) {
  for (size_t i = 0; i < sizeof loaders / sizeof loaders[0]; i++) {
    struct stat loader;
    if (SYS4(SYS_newfstatat, AT_FDCWD, loaders[i], &loader, 0) == 0 && loader.st_dev == file->st_dev && loader.st_ino == file->st_ino)
      return true;
  }
  return false;
}

static long read_at(int file, void *to, size_t count, uint64_t offset) { return SYS4(SYS_pread64, file, to, count, offset); }

static uint32_t padded(uint32_t length) { return (length + 3u) & ~3u; }

// A note contains the lengths of its owner and content, its type, then owner and content, each padded to four bytes.
static bool is_go_note(int file, uint64_t offset, uint64_t size) {
  uint8_t notes[NOTES_MAX];
  long count = read_at(file, notes, size < sizeof notes ? size : sizeof notes, offset);
  for (long at = 0; count - at >= (long)sizeof(Elf64_Nhdr);) {
    Elf64_Nhdr head;
    memcpy(&head, notes + at, sizeof head);
    if (head.n_type == GO_BUILD_ID && count - at >= (long)sizeof head + 4 && memcmp(notes + at + sizeof head, "Go\0", 4) == 0)
      return true;
    uint64_t whole = sizeof head + (uint64_t)padded(head.n_namesz) + padded(head.n_descsz);
    if (whole > (uint64_t)(count - at))
      return false;
    at += (long)whole;
  }
  return false;
}

static enum lanyard_program_kind judge_image(int file, const Elf64_Ehdr *head, const struct stat *status, char *loader) {
  if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_ident[EI_DATA] != ELFDATA2LSB || head->e_machine != OWN_MACHINE)
    return LANYARD_PROGRAM_FOREIGN;
  bool is_dynamic = false, is_go = false;
  for (unsigned i = 0; i < head->e_phnum; i++) {
    Elf64_Phdr segment;
    if (read_at(file, &segment, sizeof segment, head->e_phoff + (uint64_t)i * head->e_phentsize) != sizeof segment)
      break;
    if (segment.p_type == PT_INTERP) {
      long count = read_at(file, loader, segment.p_filesz < LANYARD_LOADER_MAX ? segment.p_filesz : LANYARD_LOADER_MAX, segment.p_offset);
      is_dynamic = count > 1 && loader[count - 1] == 0;
    } else if (segment.p_type == PT_NOTE)
      is_go |= is_go_note(file, segment.p_offset, segment.p_filesz);
  }
  if (is_go)
    return LANYARD_PROGRAM_GO;
  return is_dynamic || is_loader(status) ? LANYARD_PROGRAM_REDIRECTED : LANYARD_PROGRAM_STATIC;
}

static bool forgoes_privileges(void) { return SYS5(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }

// Whether executing the file gives this process privileges. Programs of the superuser have them anyway.
static bool gives_privileges(int file, const struct stat *status) {
  struct statfs system;
  if (forgoes_privileges() || (SYS2(SYS_fstatfs, file, &system) == 0 && (system.f_flags & NO_SET_ID) != 0))
    return false;
  return ((status->st_mode & S_ISUID) != 0 && status->st_uid != (uid_t)SYS0(SYS_getuid))
      || ((status->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && status->st_gid != (gid_t)SYS0(SYS_getgid))
      || (SYS0(SYS_getuid) != 0 && SYS4(SYS_fgetxattr, file, "security.capability", NULL, 0) > 0);
}

// Reads the interpreter path in the first line of a script. Returns false if the file is not a script.
static bool read_interpreter(char *line, long count, char **path) {
  if (count < 2 || line[0] != '#' || line[1] != '!')
    return false;
  char *at = line + 2, *end = line + count;
  while (at < end && (*at == ' ' || *at == '\t'))
    at++;
  *path = at;
  while (at < end && *at != ' ' && *at != '\t' && *at != '\n' && *at != 0)
    at++;
  *at = 0;
  return at > *path;
}

static enum lanyard_program_kind judge(int folder, const char *path, char *loader, int scripts) {
  long file = SYS4(SYS_openat, folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (file == -EACCES)
    return SYS3(SYS_faccessat, folder, path, 1 /* X_OK */) == 0 ? LANYARD_PROGRAM_UNREADABLE : LANYARD_PROGRAM_REDIRECTED;
  if (file < 0)
    return LANYARD_PROGRAM_REDIRECTED;
  union {
    Elf64_Ehdr head;
    char line[LANYARD_SCRIPT_LINE_MAX + 1];
  } start;
  struct stat status;
  memset(&start, 0, sizeof start);
  enum lanyard_program_kind kind = LANYARD_PROGRAM_REDIRECTED;
  char *interpreter;
  long count = read_at((int)file, &start, LANYARD_SCRIPT_LINE_MAX, 0);
  if (SYS2(SYS_fstat, file, &status) == 0 && S_ISREG(status.st_mode) && count > 0) {
    if (count >= (long)sizeof start.head && memcmp(start.head.e_ident, ELFMAG, SELFMAG) == 0) {
      kind = judge_image((int)file, &start.head, &status, loader);
      if (kind == LANYARD_PROGRAM_REDIRECTED && gives_privileges((int)file, &status))
        // The dynamic linker of a script's interpreter would not find the script.
        kind = scripts == 0 ? LANYARD_PROGRAM_PRIVILEGED : LANYARD_PROGRAM_SECURE;
    } else if (read_interpreter(start.line, count, &interpreter) && scripts < LANYARD_SCRIPTS_MAX)
      kind = judge(AT_FDCWD, interpreter, loader, scripts + 1);
  }
  SYS1(SYS_close, file);
  return kind;
}

static bool is_library_there(void) {
  // A library that was not loaded by LD_PRELOAD is loaded the same way again.
  if (lanyard_library()[0] == 0)
    return true;
  long file = SYS4(SYS_openat, AT_FDCWD, lanyard_library(), O_RDONLY | O_CLOEXEC, 0);
  if (file >= 0)
    SYS1(SYS_close, file);
  return file >= 0 || file == -EMFILE || file == -ENFILE;
}

static char *append(char *to, char *end, const char *text) {
  while (*text != 0 && to < end)
    *to++ = *text++;
  return to;
}

void lanyard_judge_program(int folder, const char *path, struct lanyard_program *program) {
  char own[32] = "/proc/self/fd/";
  if (path[0] == 0) {
    // The descriptor may be open with O_PATH, which permits no reads.
    char digits[12];
    int count = 0;
    for (unsigned number = (unsigned)folder; count == 0 || number != 0; number /= 10)
      digits[count++] = (char)('0' + number % 10);
    for (size_t at = sizeof "/proc/self/fd/" - 1; count > 0; at++)
      own[at] = digits[--count];
    path = own;
    folder = AT_FDCWD;
  }
  program->kind = judge(folder, path, program->loader, 0);
  if (program->kind != LANYARD_PROGRAM_REDIRECTED || SYS3(SYS_faccessat, folder, path, 0 /* F_OK */) != 0)
    return;
  if (!is_library_there())
    program->kind = LANYARD_PROGRAM_NO_LIBRARY;
  else if (!forgoes_privileges() && (SYS0(SYS_getuid) != SYS0(SYS_geteuid) || SYS0(SYS_getgid) != SYS0(SYS_getegid)))
    program->kind = LANYARD_PROGRAM_SECURE;
}

void lanyard_refuse_program(const char *path, enum lanyard_program_kind kind) {
  static const char *const reasons[] = {
      [LANYARD_PROGRAM_PRIVILEGED] = "its file gives it privileges, so the system loads no library into it",
      [LANYARD_PROGRAM_STATIC] = "it is a static program, which cannot be preloaded",
      [LANYARD_PROGRAM_GO] = "it is a Go program, which makes system calls without the C library",
      [LANYARD_PROGRAM_FOREIGN] = "it is a program for another processor architecture, which cannot be preloaded",
      [LANYARD_PROGRAM_UNREADABLE] = "its file cannot be read, so its kind is unknown",
      [LANYARD_PROGRAM_SECURE] = "it would run with privileges, so the system loads no library into it",
      [LANYARD_PROGRAM_NO_LIBRARY] = "the library that redirects its sockets cannot be read here",
  };
  char text[1024], *end = text + sizeof text;
  char *at = append(append(text, end, "lanyard run: "), end - 400, path);
  at = append(append(at, end, " was not started: "), end, reasons[kind]);
  at = append(at, end, ". Use 'lanyard run --engine supervise', or '--allow-outside' to let it use the system's network.\n");
  SYS3(SYS_write, 2, text, at - text);
}
