#include "service.h"
#include "system.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

extern char **environ;

static struct sockaddr_un service_name;
static uint64_t network;
static struct lanyard_settings settings;
static int has_settings;

static const char *value_of(const char *entry, const char *name) {
  while (*name != 0 && *entry == *name) {
    entry++;
    name++;
  }
  return *name == 0 && *entry == '=' ? entry + 1 : NULL;
}

static uint64_t parse_hex(const char *text) {
  uint64_t number = 0;
  for (; *text != 0; text++)
    number = number << 4 | (uint64_t)(*text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10);
  return number;
}

// It writes the same whoever runs it, and how often.
__attribute__((constructor)) static void read_settings(void) {
  bool is_on = false;
  for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
    const char *value;
    if ((value = value_of(*entry, "LANYARD_INTERCEPT")) != NULL) {
      size_t i = 0;
      for (; value[i] != 0 && i < sizeof service_name.sun_path - 1; i++)
        service_name.sun_path[i] = value[i];
      service_name.sun_family = AF_UNIX;
      is_on = i > 0 && value[i] == 0;
    } else if ((value = value_of(*entry, "LANYARD_NETWORK")) != NULL)
      network = parse_hex(value);
    else if ((value = value_of(*entry, "LANYARD_ISOLATE")) != NULL)
      settings.is_isolated = value[0] == '1';
    else if ((value = value_of(*entry, "LANYARD_LISTEN")) != NULL)
      settings.listening = value[0] == 'h' ? LANYARD_LISTEN_HOST : value[0] == 'b' ? LANYARD_LISTEN_BOTH : LANYARD_LISTEN_VIRTUAL;
  }
  settings.is_on = is_on;
  __atomic_store_n(&has_settings, 1, __ATOMIC_RELEASE);
}

const struct lanyard_settings *lanyard_settings(void) {
  // Another library's constructor may have called before this one's ran.
  if (!__atomic_load_n(&has_settings, __ATOMIC_ACQUIRE))
    read_settings();
  return &settings;
}

struct lanyard_request lanyard_request_for(enum lanyard_op op) {
  struct lanyard_request request;
  memset(&request, 0, sizeof request);
  request.magic = LANYARD_MAGIC;
  request.op = (uint16_t)op;
  request.network = network;
  return request;
}

static long connect_to_service(void) {
  long fd = SYS3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return fd;
  long result = SYS3(SYS_connect, fd, &service_name, sizeof service_name);
  if (result == 0)
    return fd;
  SYS1(SYS_close, fd);
  return result == -EINTR ? -EINTR : result == -EACCES ? -EACCES : -ENETDOWN;
}

// A request, and the descriptor that it is about where there is one.
static long send_request(long service, int fd, const void *request, size_t size) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof fd)];
  } control;
  struct iovec extent = {(void *)request, size};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &extent;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    memset(&control, 0, sizeof control);
    control.header.cmsg_len = CMSG_LEN(sizeof fd);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
  }
  return SYS3(SYS_sendmsg, service, &message, MSG_NOSIGNAL);
}

static int ask(int fd, const void *request, size_t request_size, void *reply, size_t reply_size) {
  long service = connect_to_service();
  if (service < 0)
    return (int)service;
  long result = send_request(service, fd, request, request_size);
  if (result >= 0)
    result = SYS6(SYS_recvfrom, service, reply, reply_size, 0, NULL, NULL);
  SYS1(SYS_close, service);
  const struct lanyard_reply *head = reply;
  if (result == -EINTR)
    return -EINTR;
  return result < (long)sizeof *head || head->magic != LANYARD_MAGIC ? -ENETDOWN : 0;
}

int lanyard_ask(int fd, const struct lanyard_request *request, struct lanyard_reply *reply) {
  return ask(fd, request, sizeof *request, reply, sizeof *reply);
}

int lanyard_ask_name(const struct lanyard_request *request, const char *name, struct lanyard_reply *reply, struct lanyard_endpoint *addresses) {
  struct {
    struct lanyard_request head;
    char name[LANYARD_NAME_MAX];
  } question;
  struct {
    struct lanyard_reply head;
    struct lanyard_endpoint addresses[LANYARD_ADDRESSES_MAX];
  } answer;
  memcpy(&question.head, request, sizeof question.head);
  size_t length = 0;
  for (; name != NULL && name[length] != 0; length++) {
    if (length == LANYARD_NAME_MAX)
      return -ENAMETOOLONG;
    question.name[length] = name[length];
  }
  int error = ask(-1, &question, sizeof question.head + length, &answer, sizeof answer);
  if (error != 0)
    return error;
  if (answer.head.count > LANYARD_ADDRESSES_MAX)
    return -ENETDOWN;
  memcpy(reply, &answer.head, sizeof answer.head);
  memcpy(addresses, answer.addresses, sizeof addresses[0] * answer.head.count);
  return 0;
}
