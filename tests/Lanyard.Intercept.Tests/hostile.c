// What another local user can try against programs under 'lanyard run' and their service. It prints a line for each try: its name and what came of it, which
// is "GAINED" where anything was. Usage: hostile WHAT=VALUE..., several times each:
//   listener=A:P           a program's TCP socket that listens, at its loopback alias address
//   datagrams=A:P          a program's UDP socket
//   connected=A:P,F:Q      a program's UDP socket that is connected
//   pending=A:P,F:Q        a program's TCP socket that is connecting
//   carried=F:Q            the service's end of a TCP connection that it carries
//   process=PID            a program or the service
//   folder=PATH            the service's folder
//   socket=PATH            its local socket
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define EVIL "evil"
#define ROUNDS 20
#define WAIT_MS 300

static char **words;
static int word_count;

static const char *next_value(const char *key, int *at) {
  size_t length = strlen(key);
  while (++*at < word_count)
    if (strncmp(words[*at], key, length) == 0 && words[*at][length] == '=')
      return words[*at] + length + 1;
  return NULL;
}

#define EACH(key, value) for (int at_##value = 0; (value = next_value(key, &at_##value)) != NULL;)

static void report(const char *name, const char *outcome) {
  printf("%s: %s\n", name, outcome);
  fflush(stdout);
}

static void report_error(const char *name) { report(name, strerror(errno)); }

static struct sockaddr_in endpoint(const char *text) {
  struct sockaddr_in name = {.sin_family = AF_INET};
  char address[32];
  snprintf(address, sizeof address, "%.*s", (int)strcspn(text, ":"), text);
  inet_pton(AF_INET, address, &name.sin_addr);
  name.sin_port = htons(atoi(strchr(text, ':') + 1));
  return name;
}

// The second of a pair.
static struct sockaddr_in far_of(const char *pair) { return endpoint(strchr(pair, ',') + 1); }

static struct sockaddr_in6 mapped(struct sockaddr_in name) {
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = name.sin_port};
  v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
  memcpy(v6.sin6_addr.s6_addr + 12, &name.sin_addr, 4);
  return v6;
}

static void set(int fd, int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof value); }

// Ways to get at an address that is in use. Each is tried for each address.
struct way {
  const char *name;
  int level, option;
  const char *device;
};

static const struct way ways[] = {
    {"plainly", 0, 0, NULL},
    {"with SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, NULL},
    {"with SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, NULL},
    {"with SO_REUSEADDR on lo", SOL_SOCKET, SO_REUSEADDR, "lo"},
    {"with SO_REUSEADDR on another device", SOL_SOCKET, SO_REUSEADDR, "*"},
    {"with IP_FREEBIND", IPPROTO_IP, IP_FREEBIND, NULL},
    {"with IP_TRANSPARENT", IPPROTO_IP, IP_TRANSPARENT, NULL},
    {"with IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, NULL},
};
#define WAYS (sizeof ways / sizeof ways[0])

static const char *other_device(void) {
  static char name[IF_NAMESIZE];
  struct if_nameindex *all = if_nameindex();
  for (struct if_nameindex *one = all; one != NULL && one->if_index != 0; one++)
    if (strcmp(one->if_name, "lo") != 0)
      snprintf(name, sizeof name, "%s", one->if_name);
  return name[0] == 0 ? NULL : name;
}

// A socket at an address, by a way; -1: refused. An IPv6 socket has the address as a mapped one.
static int take(int family, int type, struct sockaddr_in address, const struct way *way) {
  int fd = socket(family, type, 0);
  const char *device = way->device == NULL ? NULL : way->device[0] == '*' ? other_device() : way->device;
  if (way->device != NULL && (device == NULL || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device)) != 0)) {
    close(fd);
    errno = ENODEV;
    return -1;
  }
  if (way->option != 0)
    set(fd, way->level, way->option, 1);
  struct sockaddr_in6 v6 = mapped(address);
  if (family == AF_INET6)
    set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (family == AF_INET ? bind(fd, (struct sockaddr *)&address, sizeof address) != 0 : bind(fd, (struct sockaddr *)&v6, sizeof v6) != 0) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

static int connect_to(int fd, int family, struct sockaddr_in to) {
  struct sockaddr_in6 v6 = mapped(to);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  int result = family == AF_INET ? connect(fd, (struct sockaddr *)&to, sizeof to) : connect(fd, (struct sockaddr *)&v6, sizeof v6);
  if (result != 0 && errno == EINPROGRESS) {
    struct pollfd entry = {.fd = fd, .events = POLLOUT};
    int error = ETIMEDOUT;
    socklen_t length = sizeof error;
    if (poll(&entry, 1, WAIT_MS) == 1)
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    errno = error;
    result = error == 0 ? 0 : -1;
  }
  return result;
}

// Whether anything arrives.
static bool hears(int fd) {
  char data[2000];
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  return poll(&entry, 1, WAIT_MS) == 1 && recv(fd, data, sizeof data, MSG_DONTWAIT) > 0;
}

// Speaks to a listener from a socket. A program that takes it for a peer answers.
static void speak(const char *name, int fd, int family, struct sockaddr_in listener) {
  if (fd < 0)
    return report_error(name);
  if (connect_to(fd, family, listener) != 0)
    report_error(name);
  else {
    send(fd, EVIL, 4, MSG_NOSIGNAL);
    report(name, hears(fd) ? "GAINED an answer" : "closed without an answer");
  }
  close(fd);
}

static void try_listeners(void) {
  const char *listener, *carried;
  char name[200];
  EACH("listener", listener) {
    for (int family = AF_INET; family != 0; family = family == AF_INET ? AF_INET6 : 0) {
      const char *suffix = family == AF_INET ? "" : " (mapped)";
      snprintf(name, sizeof name, "TCP from 127.0.0.1%s", suffix);
      speak(name, take(family, SOCK_STREAM, endpoint("127.0.0.1:0"), &ways[0]), family, endpoint(listener));
      snprintf(name, sizeof name, "TCP from an unused far address%s", suffix);
      speak(name, take(family, SOCK_STREAM, endpoint("127.80.3.7:0"), &ways[0]), family, endpoint(listener));
      for (size_t i = 0; i < WAYS; i++) {
        EACH("carried", carried) {
          snprintf(name, sizeof name, "TCP from an address and port in use %s%s", ways[i].name, suffix);
          speak(name, take(family, SOCK_STREAM, endpoint(carried), &ways[i]), family, endpoint(listener));
        }
        snprintf(name, sizeof name, "TCP listening in a program's place %s%s", ways[i].name, suffix);
        int fd = take(family, SOCK_STREAM, endpoint(listener), &ways[i]);
        if (fd < 0 || listen(fd, 10) != 0)
          report_error(name);
        else
          report(name, ways[i].device != NULL && ways[i].device[0] == '*' && !hears(fd) ? "heard nothing" : "GAINED a port");
        if (fd >= 0)
          close(fd);
      }
    }
  }
}

static void try_pending(void) {
  const char *pending;
  char name[200];
  EACH("pending", pending) {
    for (size_t i = 0; i < WAYS; i++) {
      snprintf(name, sizeof name, "TCP listening where a connection waits %s", ways[i].name);
      int fd = take(AF_INET, SOCK_STREAM, far_of(pending), &ways[i]);
      if (fd < 0 || listen(fd, 10) != 0)
        report_error(name);
      else {
        struct pollfd entry = {.fd = fd, .events = POLLIN};
        // The system tries again after a second.
        report(name, poll(&entry, 1, 1500) == 1 ? "GAINED a connection" : "heard nothing");
      }
      if (fd >= 0)
        close(fd);
      snprintf(name, sizeof name, "TCP meeting a connection that waits %s", ways[i].name);
      fd = take(AF_INET, SOCK_STREAM, far_of(pending), &ways[i]);
      if (fd < 0 || connect_to(fd, AF_INET, endpoint(pending)) != 0)
        report_error(name);
      else
        report(name, "GAINED a connection");
      if (fd >= 0)
        close(fd);
      snprintf(name, sizeof name, "TCP in the place of a program that connects %s", ways[i].name);
      fd = take(AF_INET, SOCK_STREAM, endpoint(pending), &ways[i]);
      if (fd < 0 || listen(fd, 10) != 0)
        report_error(name);
      else
        report(name, hears(fd) ? "GAINED a connection" : "heard nothing");
      if (fd >= 0)
        close(fd);
    }
  }
}

// A datagram that says it comes from somewhere (IP_PKTINFO or IPV6_PKTINFO), over lo, with IP options or without.
static int send_from(int fd, int family, struct sockaddr_in from, struct sockaddr_in to, const uint8_t *options, size_t options_length) {
  union {
    struct cmsghdr head;
    char bytes[200];
  } control = {0};
  struct sockaddr_in6 v6 = mapped(to), v6_from = mapped(from);
  struct iovec data = {EVIL, 4};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
  message.msg_name = family == AF_INET ? (void *)&to : &v6;
  message.msg_namelen = family == AF_INET ? sizeof to : sizeof v6;
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  size_t used;
  if (family == AF_INET) {
    struct in_pktinfo info = {.ipi_ifindex = if_nametoindex("lo"), .ipi_spec_dst = from.sin_addr};
    *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    memcpy(CMSG_DATA(head), &info, sizeof info);
    used = CMSG_SPACE(sizeof info);
  } else {
    struct in6_pktinfo info = {.ipi6_ifindex = if_nametoindex("lo"), .ipi6_addr = v6_from.sin6_addr};
    *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
    memcpy(CMSG_DATA(head), &info, sizeof info);
    used = CMSG_SPACE(sizeof info);
  }
  if (options_length > 0) {
    head = (struct cmsghdr *)(control.bytes + used);
    *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(options_length), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_RETOPTS};
    memcpy(CMSG_DATA(head), options, options_length);
    used += CMSG_SPACE(options_length);
  }
  message.msg_controllen = used;
  return (int)sendmsg(fd, &message, 0);
}

static void inject(const char *name, int fd, int family, struct sockaddr_in from, struct sockaddr_in to) {
  uint8_t options[32];
  if (fd < 0)
    return report_error(name);
  int sent = 0, error = 0;
  for (int i = 0; i < ROUNDS; i++) {
    for (size_t j = 0; j < sizeof options; j++)
      options[j] = j % 4 == 0 ? 0x94 : j % 4 == 1 ? 4 : (uint8_t)rand();
    for (int with = 0; with < 2; with++) {
      if (send_from(fd, family, from, to, options, with ? sizeof options : 0) == 4)
        sent++;
      else
        error = errno;
    }
    usleep(2000);
  }
  char outcome[100];
  snprintf(outcome, sizeof outcome, "sent %d%s%s", sent, error == 0 ? "" : ", ", error == 0 ? "" : strerror(error));
  report(name, hears(fd) ? "GAINED an answer" : outcome);
  close(fd);
}

static void try_datagrams(void) {
  const char *datagrams, *connected;
  char name[200];
  struct sockaddr_in any = endpoint("0.0.0.0:0");
  for (int family = AF_INET; family != 0; family = family == AF_INET ? AF_INET6 : 0) {
    const char *suffix = family == AF_INET ? "" : " (mapped)";
    EACH("datagrams", datagrams) {
      struct sockaddr_in near = endpoint(datagrams), own = endpoint("127.0.0.1:0");
      snprintf(name, sizeof name, "UDP to a program from 127.0.0.1%s", suffix);
      inject(name, take(family, SOCK_DGRAM, own, &ways[0]), family, own, near);
      EACH("connected", connected) {
        struct sockaddr_in far = far_of(connected);
        // What the far address stands for is another peer to this socket, whatever the port.
        snprintf(name, sizeof name, "UDP to a program from a peer's address%s", suffix);
        struct sockaddr_in other = far;
        other.sin_port = 0;
        inject(name, take(family, SOCK_DGRAM, other, &ways[0]), family, far, near);
        for (size_t i = 0; i < WAYS; i++) {
          struct sockaddr_in wildcard = any;
          wildcard.sin_port = far.sin_port;
          snprintf(name, sizeof name, "UDP to a program from the service's port %s%s", ways[i].name, suffix);
          inject(name, take(family, SOCK_DGRAM, wildcard, &ways[i]), family, far, near);
          snprintf(name, sizeof name, "UDP to a connected program from the service's port %s%s", ways[i].name, suffix);
          inject(name, take(family, SOCK_DGRAM, wildcard, &ways[i]), family, far, endpoint(connected));
          snprintf(name, sizeof name, "UDP at a peer's address %s%s", ways[i].name, suffix);
          inject(name, take(family, SOCK_DGRAM, far, &ways[i]), family, far, endpoint(connected));
          snprintf(name, sizeof name, "UDP at a program's address %s%s", ways[i].name, suffix);
          inject(name, take(family, SOCK_DGRAM, near, &ways[i]), family, near, far);
          // The same port at another address, and the program's address in the datagram.
          wildcard = own;
          wildcard.sin_port = near.sin_port;
          snprintf(name, sizeof name, "UDP in a program's name %s%s", ways[i].name, suffix);
          inject(name, take(family, SOCK_DGRAM, wildcard, &ways[i]), family, near, far);
          wildcard.sin_port = endpoint(connected).sin_port;
          snprintf(name, sizeof name, "UDP in a connected program's name %s%s", ways[i].name, suffix);
          inject(name, take(family, SOCK_DGRAM, wildcard, &ways[i]), family, endpoint(connected), far);
        }
      }
    }
  }
}

static void try_privileges(void) {
  static const struct {
    const char *name;
    int family, type, protocol;
  } sockets[] = {
      {"raw UDP", AF_INET, SOCK_RAW, IPPROTO_UDP},       {"raw IP", AF_INET, SOCK_RAW, IPPROTO_RAW}, {"raw TCP", AF_INET, SOCK_RAW, IPPROTO_TCP},
      {"raw UDP (IPv6)", AF_INET6, SOCK_RAW, IPPROTO_UDP}, {"packets", AF_PACKET, SOCK_RAW, 0},
  };
  for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
    int fd = socket(sockets[i].family, sockets[i].type, sockets[i].protocol);
    if (fd < 0)
      report_error(sockets[i].name);
    else
      report(sockets[i].name, "GAINED a socket");
  }

  // Ends a socket of another user (sock_diag(7)).
  const char *listener;
  EACH("listener", listener) {
    struct sockaddr_in near = endpoint(listener);
    struct {
      struct nlmsghdr head;
      struct inet_diag_req_v2 body;
    } request = {.head = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DESTROY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
                 .body = {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = -1}};
    request.body.id.idiag_sport = near.sin_port;
    memcpy(request.body.id.idiag_src, &near.sin_addr, 4);
    memset(request.body.id.idiag_cookie, 0xff, sizeof request.body.id.idiag_cookie);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    struct {
      struct nlmsghdr head;
      struct nlmsgerr error;
    } answer = {0};
    if (fd < 0 || send(fd, &request, sizeof request, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0)
      report_error("ending a socket");
    else
      report("ending a socket", answer.error.error == 0 ? "GAINED its end" : strerror(-answer.error.error));
    close(fd);
  }
}

static void try_processes(void) {
  const char *process;
  char path[300], name[100];
  EACH("process", process) {
    int pid = atoi(process);
    static const char *const files[] = {"fd", "mem", "environ", "maps", "fdinfo", "cwd"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
      snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
      snprintf(name, sizeof name, "/proc/PID/%s", files[i]);
      int fd = open(path, O_RDONLY);
      char data[16];
      DIR *folder = fd < 0 ? NULL : fdopendir(fd);
      if (fd < 0)
        report_error(name);
      else
        report(name, folder != NULL ? (readdir(folder) != NULL ? "GAINED a list" : "empty") : read(fd, data, sizeof data) > 0 ? "GAINED its bytes" : "nothing to read");
    }
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
      report_error("ptrace");
    else
      report("ptrace", "GAINED a tracee");
    char data[16];
    struct iovec own = {data, sizeof data}, other = {(void *)0x400000, sizeof data};
    if (process_vm_readv(pid, &own, 1, &other, 1, 0) < 0)
      report_error("process_vm_readv");
    else
      report("process_vm_readv", "GAINED its memory");
    int handle = (int)syscall(SYS_pidfd_open, pid, 0), gained = 0, error = errno;
    for (int fd = 0; handle >= 0 && fd < 200; fd++) {
      if (syscall(SYS_pidfd_getfd, handle, fd, 0) >= 0)
        gained++;
      error = errno;
    }
    report("pidfd_getfd", gained > 0 ? "GAINED descriptors" : strerror(error));
  }
}

static void try_files(void) {
  const char *folder, *path;
  char file[300], name[400];
  static const char *const secrets[] = {"identity.secret", "authtoken.secret", "local.conf", "intercept.json"};
  EACH("folder", folder) {
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
      snprintf(file, sizeof file, "%s/%s", folder, secrets[i]);
      snprintf(name, sizeof name, "writing %s", secrets[i]);
      if (open(file, O_WRONLY) < 0)
        report_error(name);
      else
        report(name, "GAINED a file");
    }
    // What the service itself writes.
    static const char *const own[] = {"authtoken.secret", "intercept.json"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
      snprintf(file, sizeof file, "%s/%s", folder, own[i]);
      snprintf(name, sizeof name, "reading %s", own[i]);
      if (open(file, O_RDONLY) < 0)
        report_error(name);
      else
        report(name, "GAINED its bytes");
    }
    snprintf(file, sizeof file, "%s/evil", folder);
    if (open(file, O_CREAT | O_WRONLY, 0600) < 0)
      report_error("a new file in the folder");
    else
      report("a new file in the folder", "GAINED a file");
  }
  EACH("socket", path) {
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(local.sun_path, sizeof local.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (bind(fd, (struct sockaddr *)&local, sizeof local) != 0)
      report_error("the local socket's name");
    else
      report("the local socket's name", "GAINED it");
    if (unlink(path) != 0)
      report_error("deleting the local socket");
    else
      report("deleting the local socket", "GAINED its name");
    snprintf(file, sizeof file, "%s.evil", path);
    if (rename(path, file) != 0)
      report_error("renaming the local socket");
    else
      report("renaming the local socket", "GAINED its name");
    close(fd);
  }
}

// As native/intercept/protocol.h has it.
struct wire_endpoint {
  uint8_t family;
  uint16_t port;
  uint32_t scope;
  uint8_t address[16];
};

struct wire_request {
  uint32_t magic;
  uint16_t op, flags;
  uint64_t network;
  int32_t backlog;
  uint32_t padding;
  struct wire_endpoint virtual, far;
};

struct wire_reply {
  uint32_t magic;
  int32_t error;
  uint16_t verdict, count;
  uint32_t flags;
  struct wire_endpoint first, second;
  uint8_t token[16];
};

static struct wire_endpoint wire(struct sockaddr_in name) {
  struct wire_endpoint told = {.family = 4, .port = ntohs(name.sin_port)};
  memcpy(told.address, &name.sin_addr, 4);
  return told;
}

// Asks the service about a socket of this program. What it gives away of another user's is a gain.
static void ask(const char *name, const char *path, int fd, struct wire_request request) {
  struct sockaddr_un local = {.sun_family = AF_UNIX};
  snprintf(local.sun_path, sizeof local.sun_path, "%s", path);
  int service = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control = {.head = {.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
  memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
  struct iovec data = {&request, sizeof request};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct wire_reply reply;
  struct timeval patience = {2, 0};
  setsockopt(service, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  request.magic = 0x3349594c;
  if (connect(service, (struct sockaddr *)&local, sizeof local) != 0 || sendmsg(service, &message, MSG_NOSIGNAL) < 0)
    report_error(name);
  else if (recv(service, &reply, sizeof reply, 0) < (ssize_t)sizeof reply)
    report(name, "no answer");
  else if (reply.error != 0)
    report(name, strerror(reply.error));
  else
    report(name, reply.verdict == 0 ? "not of a virtual network" : "GAINED an answer");
  close(service);
}

static void try_requests(void) {
  enum { LISTEN = 4, NAMES = 5, SEND = 6 };
  const char *path, *listener, *datagrams, *connected, *carried;
  EACH("socket", path) {
    EACH("listener", listener) {
      int fd = socket(AF_INET, SOCK_STREAM, 0);
      connect_to(fd, AF_INET, endpoint(listener));
      ask("asking what a connection to a program is", path, fd, (struct wire_request){.op = NAMES});
      close(fd);
    }
    EACH("carried", carried) {
      // From the program's side: a connection to the service's end.
      int fd = socket(AF_INET, SOCK_STREAM, 0);
      connect_to(fd, AF_INET, endpoint(carried));
      ask("asking what a connection of another is", path, fd, (struct wire_request){.op = NAMES});
      close(fd);
    }
    EACH("connected", connected) {
      int fd = socket(AF_INET, SOCK_DGRAM, 0);
      struct sockaddr_in far = far_of(connected);
      ask("asking whom a far address stands for", path, fd, (struct wire_request){.op = NAMES, .far = wire(far)});
      connect(fd, (struct sockaddr *)&far, sizeof far);
      ask("asking whom a socket is connected to", path, fd, (struct wire_request){.op = NAMES});
      close(fd);
      EACH("datagrams", datagrams) {
        struct sockaddr_in near = endpoint(datagrams);
        for (size_t i = 0; i < WAYS; i++) {
          int taken = take(AF_INET, SOCK_DGRAM, near, &ways[i]);
          if (taken >= 0)
            ask("asking with a socket at a program's address", path, taken, (struct wire_request){.op = SEND, .virtual = {.family = 4, .port = 9, .address = {10, 77, 0, 2}}});
          close(taken);
        }
      }
      // A socket at a far address would be the service's word.
      int taken = take(AF_INET, SOCK_DGRAM, endpoint("127.80.3.7:0"), &ways[0]);
      ask("asking with a socket at a far address", path, taken, (struct wire_request){.op = SEND, .virtual = {.family = 4, .port = 9, .address = {10, 77, 0, 2}}});
      close(taken);
    }
  }
}

int main(int count, char **arguments) {
  words = arguments;
  word_count = count;
  srand(getpid());
  try_privileges();
  try_processes();
  try_files();
  try_requests();
  try_pending();
  try_listeners();
  try_datagrams();
  printf("done as user %d\n", (int)getuid());
  return 0;
}
