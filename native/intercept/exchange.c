// Moves a socket that was bound to a virtual address too early to the system's network. A new socket takes the descriptor number, options, flags, port and places in
// epoll sets of the old socket.
#include "datagrams.h"
#include "service.h"
#include "system.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#define MAX_SETS 32

struct kept {
  int level;
  int option;
  socklen_t length;
};

static const struct kept options[] = {
#define LANYARD_KEPT_OPTION(level, level_number, option, number, bytes) {level, option, bytes},
#include "tables.h"
};

// Copies only the options that differ from their defaults: setting an option can be permanent (for example, a fixed buffer size).
static void copy_options(int from, int to) {
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
    char old[16] = {0}, fresh[16] = {0};
    socklen_t old_length = options[i].length, fresh_length = options[i].length;
    if (SYS5(SYS_getsockopt, from, options[i].level, options[i].option, old, &old_length) == 0
        && SYS5(SYS_getsockopt, to, options[i].level, options[i].option, fresh, &fresh_length) == 0
        && (old_length != fresh_length || memcmp(old, fresh, old_length) != 0))
      SYS5(SYS_setsockopt, to, options[i].level, options[i].option, old, old_length);
  }
  static const int buffers[] = {SO_SNDBUF, SO_RCVBUF};
  for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
    int old = 0, fresh = 0;
    socklen_t length = sizeof old;
    SYS5(SYS_getsockopt, from, SOL_SOCKET, buffers[i], &old, &length);
    SYS5(SYS_getsockopt, to, SOL_SOCKET, buffers[i], &fresh, &length);
    // The kernel doubles the size that it is given.
    int half = old / 2;
    if (old != fresh)
      SYS5(SYS_setsockopt, to, SOL_SOCKET, buffers[i], &half, sizeof half);
  }
}

static void copy_flags(int from, int to) {
  struct f_owner_ex owner;
  SYS3(SYS_fcntl, to, F_SETFL, SYS2(SYS_fcntl, from, F_GETFL));
  if (SYS3(SYS_fcntl, from, F_GETOWN_EX, &owner) == 0 && owner.pid != 0)
    SYS3(SYS_fcntl, to, F_SETOWN_EX, &owner);
  long signal = SYS2(SYS_fcntl, from, F_GETSIG);
  if (signal > 0)
    SYS3(SYS_fcntl, to, F_SETSIG, signal);
}

// Binds a socket of the system's network to the port of the program's socket. Returns 0 or a negative errno.
static int copy_port(int from, int to, int domain, int type) {
  struct lanyard_request request = lanyard_request_for(LANYARD_NAMES);
  struct lanyard_reply reply;
  if (lanyard_ask(from, &request, &reply) != 0 || reply.error != 0 || reply.first.port == 0)
    return 0;
  struct lanyard_endpoint any;
  struct lanyard_name name;
  int on = 1;
  memset(&any, 0, sizeof any);
  any.family = domain == AF_INET ? 4 : 6;
  any.port = reply.first.port;
  lanyard_write_name(&any, domain, &name);
  // The old socket has lost SO_REUSEADDR: a socket on an alias address must not share it.
  if (type == SOCK_STREAM)
    SYS5(SYS_setsockopt, to, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int error = (int)SYS3(SYS_bind, to, &name.storage, name.length);
  return error == -EADDRINUSE && any.port >= LANYARD_FIRST_CHOSEN_PORT ? 0 : error;
}

// The entry of a descriptor in an epoll set.
struct place {
  int set;
  struct epoll_event event;
};

// A file that is read byte by byte.
struct reader {
  int fd;
  long count;
  long next;
  char bytes[512];
};

static int next_byte(struct reader *reader) {
  if (reader->next == reader->count) {
    reader->count = SYS3(SYS_read, reader->fd, reader->bytes, sizeof reader->bytes);
    reader->next = 0;
    if (reader->count <= 0)
      return -1;
  }
  return (unsigned char)reader->bytes[reader->next++];
}

// Reads the next blank-separated word of a line. Returns false at the end of the line or file; *last is -1 at the end of the file.
static bool next_word(struct reader *reader, char *word, size_t room, int *last) {
  size_t length = 0;
  while (true) {
    *last = next_byte(reader);
    if (*last == -1 || *last == '\n' || *last == ' ' || *last == '\t' || *last == ':') {
      if (length > 0 || *last == -1 || *last == '\n')
        break;
    } else if (length + 1 < room)
      word[length++] = (char)*last;
  }
  word[length] = 0;
  return length > 0;
}

static uint64_t number_of(const char *word, unsigned int base) {
  uint64_t number = 0;
  for (; *word != 0; word++)
    number = number * base + (uint64_t)(*word <= '9' ? *word - '0' : (*word | 0x20) - 'a' + 10);
  return number;
}

static void append(char *path, const char *text) {
  size_t end = 0;
  while (path[end] != 0)
    end++;
  while ((path[end++] = *text++) != 0)
    ;
}

static bool equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b)
    a++, b++;
  return *a == *b;
}

// Reads the entries of an epoll set from proc_pid_fdinfo(5): lines "tfd: NUMBER events: HEX data: HEX pos: ... ino: HEX ...".
static size_t find_in(int set, const char *number, int fd, uint64_t inode, struct place *places, size_t room) {
  char path[64] = "/proc/self/fdinfo/", word[32];
  append(path, number);
  struct reader reader = {(int)SYS4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0), 0, 0, {0}};
  size_t found = 0;
  if (reader.fd < 0)
    return 0;
  for (int last = 0; last != -1 && found < room;) {
    uint64_t descriptor = UINT64_MAX, file = 0;
    struct epoll_event event = {0, {0}};
    do {
      if (!next_word(&reader, word, sizeof word, &last) || last == '\n')
        continue;
      uint64_t *value = equal(word, "tfd") ? &descriptor : equal(word, "ino") ? &file : NULL;
      bool is_events = equal(word, "events"), is_data = equal(word, "data");
      if (value == NULL && !is_events && !is_data)
        continue;
      next_word(&reader, word, sizeof word, &last);
      if (value != NULL)
        *value = number_of(word, value == &descriptor ? 10 : 16);
      else if (is_events)
        event.events = (uint32_t)number_of(word, 16);
      else
        event.data.u64 = number_of(word, 16);
    } while (last != -1 && last != '\n');
    if (descriptor == (uint64_t)fd && file == inode) {
      places[found].set = set;
      places[found++].event = event;
    }
  }
  SYS1(SYS_close, reader.fd);
  return found;
}

struct entry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

// Finds the entries of a descriptor in the epoll sets of this process.
static size_t find_places(int fd, struct place *places) {
  static const char epoll[] = "anon_inode:[eventpoll]";
  char entries[1024] __attribute__((aligned(8)));
  struct stat status;
  size_t found = 0;
  int folder = (int)SYS4(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder < 0 || SYS2(SYS_fstat, fd, &status) != 0)
    return 0;
  for (long length; found < MAX_SETS && (length = SYS3(SYS_getdents64, folder, entries, sizeof entries)) > 0;) {
    for (long at = 0; at < length && found < MAX_SETS;) {
      struct entry *entry = (struct entry *)(entries + at);
      char target[sizeof epoll + 1] = {0};
      at += entry->length;
      if (entry->name[0] >= '0' && entry->name[0] <= '9' && SYS4(SYS_readlinkat, folder, entry->name, target, sizeof epoll) == sizeof epoll - 1
          && equal(target, epoll))
        found += find_in((int)number_of(entry->name, 10), entry->name, fd, status.st_ino, places + found, MAX_SETS - found);
    }
  }
  SYS1(SYS_close, folder);
  return found;
}

int lanyard_become_host_socket(int fd, int domain, int type, int protocol) {
  struct place places[MAX_SETS];
  long flags = SYS2(SYS_fcntl, fd, F_GETFD);
  int fresh = (int)SYS3(SYS_socket, domain, type | SOCK_CLOEXEC, protocol);
  if (fresh < 0)
    return fresh;
  copy_options(fd, fresh);
  copy_flags(fd, fresh);
  int error = protocol == 0 ? copy_port(fd, fresh, domain, type) : 0;
  if (error == 0) {
    size_t count = find_places(fd, places);
    for (size_t i = 0; i < count; i++)
      SYS4(SYS_epoll_ctl, places[i].set, EPOLL_CTL_DEL, fd, NULL);
    error = (int)SYS3(SYS_dup3, fresh, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
    for (size_t i = 0; i < count; i++)
      SYS4(SYS_epoll_ctl, places[i].set, EPOLL_CTL_ADD, fd, &places[i].event);
  }
  SYS1(SYS_close, fresh);
  return error < 0 ? error : 0;
}
