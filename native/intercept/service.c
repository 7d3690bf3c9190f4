#include "service.h"
#include "environment.h"
#include "system.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

extern char **environ;

static struct sockaddr_un service_name;
static uint64_t network;
static struct lanyard_settings settings;
static int has_settings;

static uint64_t parse_hex(const char *text) {
  uint64_t number = 0;
  for (; *text != 0; text++)
    number = number << 4 | (uint64_t)(*text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10);
  return number;
}

// Writes the same values on each call, so concurrent and repeated calls are safe.
__attribute__((constructor)) static void read_settings(void) {
  bool is_on = false;
  for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
    const char *value;
    lanyard_keep_variable(*entry);
    if ((value = lanyard_value_of(*entry, LANYARD_VARIABLE_SOCKET)) != NULL) {
      size_t i = 0;
      for (; value[i] != 0 && i < sizeof service_name.sun_path - 1; i++)
        service_name.sun_path[i] = value[i];
      service_name.sun_family = AF_UNIX;
      is_on = i > 0 && value[i] == 0;
    } else if ((value = lanyard_value_of(*entry, LANYARD_VARIABLE_NETWORK)) != NULL)
      network = parse_hex(value);
    else if ((value = lanyard_value_of(*entry, LANYARD_VARIABLE_ISOLATE)) != NULL)
      settings.is_isolated = value[0] == '1';
    else if ((value = lanyard_value_of(*entry, LANYARD_VARIABLE_OUTSIDE)) != NULL)
      settings.allows_outside = value[0] == '1';
    else if ((value = lanyard_value_of(*entry, LANYARD_VARIABLE_LISTEN)) != NULL)
      settings.listening = value[0] == 'h' ? LANYARD_LISTEN_HOST : value[0] == 'b' ? LANYARD_LISTEN_BOTH : LANYARD_LISTEN_VIRTUAL;
  }
  settings.is_on = is_on;
  __atomic_store_n(&has_settings, 1, __ATOMIC_RELEASE);
}

const struct lanyard_settings *lanyard_settings(void) {
  // The constructor of another library may call before the constructor of this library has run.
  if (!__atomic_load_n(&has_settings, __ATOMIC_ACQUIRE))
    read_settings();
  return &settings;
}

struct lanyard_request lanyard_request_for(enum lanyard_operation operation) {
  struct lanyard_request request;
  memset(&request, 0, sizeof request);
  request.magic = LANYARD_MAGIC;
  request.operation = (uint16_t)operation;
  request.network = network;
  return request;
}

static void sleep_ms(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  SYS2(SYS_nanosleep, &time, NULL);
}

long lanyard_open_question(void) { return SYS3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0); }

// Retries after a signal: the interposed calls that send requests are not interruptible either.
static long connect_to_service(long question) {
  long result;
  do
    result = SYS3(SYS_connect, question, &service_name, sizeof service_name);
  while (result == -EINTR);
  return result == 0 || result == -EACCES ? result : -ENETDOWN;
}

// Sends a request with the descriptors of its sockets, if any.
static long send_request(long question, const int *about, size_t count, const void *request, size_t size) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * LANYARD_DESCRIPTORS_MAX)];
  } control;
  struct iovec extent = {(void *)request, size};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &extent;
  message.msg_iovlen = 1;
  if (count > 0) {
    memset(&control, 0, sizeof control);
    control.header.cmsg_len = CMSG_LEN(sizeof(int) * count);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.header), about, sizeof(int) * count);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
  }
  long result;
  do
    result = SYS3(SYS_sendmsg, question, &message, MSG_NOSIGNAL);
  while (result == -EINTR);
  return result;
}

// Returns -EAGAIN if the service has too many pending requests.
static int ask_once(long question, const int *about, size_t count, const void *request, size_t request_size, void *reply, size_t reply_size) {
  long result = connect_to_service(question);
  if (result == 0)
    result = send_request(question, about, count, request, request_size);
  if (result >= 0) {
    do
      result = SYS6(SYS_recvfrom, question, reply, reply_size, 0, NULL, NULL);
    while (result == -EINTR);
    if (result == 0 || result == -ECONNRESET)
      result = -EAGAIN;
  }
  SYS1(SYS_close, question);
  const struct lanyard_reply *head = reply;
  if (result < 0)
    return result == -EACCES || result == -EAGAIN ? (int)result : -ENETDOWN;
  return result < (long)sizeof *head || head->magic != LANYARD_MAGIC ? -ENETDOWN : 0;
}

static int ask(long question, const int *about, size_t count, const void *request, size_t request_size, void *reply, size_t reply_size) {
  enum { TRIES = 100, PAUSE_MS = 20 };
  for (int i = 0; i < TRIES; i++) {
    if (question < 0)
      question = lanyard_open_question();
    // Another thread may have taken the descriptor that was free for the first try.
    int error = question < 0 && i > 0 ? -EAGAIN : question < 0 ? (int)question : ask_once(question, about, count, request, request_size, reply, reply_size);
    if (error != -EAGAIN)
      return error;
    question = -1;
    sleep_ms(PAUSE_MS);
  }
  return -ENETDOWN;
}

int lanyard_ask(int fd, const struct lanyard_request *request, struct lanyard_reply *reply) {
  return ask(-1, &fd, 1, request, sizeof *request, reply, sizeof *reply);
}

int lanyard_ask_on(long question, const int *about, size_t count, const struct lanyard_request *request, struct lanyard_reply *reply) {
  // All descriptors are in use. Wait until another thread closes one.
  enum { TRIES = 500, PAUSE_MS = 10 };
  for (int i = 0; question < 0 && i < TRIES; i++) {
    if (i > 0)
      sleep_ms(PAUSE_MS);
    question = lanyard_open_question();
  }
  return question < 0 ? (int)question : ask(question, about, count, request, sizeof *request, reply, sizeof *reply);
}

int lanyard_ask_with(int fd, int second, const struct lanyard_request *request, struct lanyard_reply *reply) {
  const int about[2] = {fd, second};
  return ask(-1, about, second >= 0 ? 2 : 1, request, sizeof *request, reply, sizeof *reply);
}

int lanyard_ask_interfaces(struct lanyard_interface *interfaces) {
  struct lanyard_request request = lanyard_request_for(LANYARD_INTERFACES);
  struct {
    struct lanyard_reply head;
    struct lanyard_interface interfaces[LANYARD_ADDRESSES_MAX];
  } answer;
  int error = ask(-1, NULL, 0, &request, sizeof request, &answer, sizeof answer);
  if (error != 0 || answer.head.error != 0 || answer.head.count > LANYARD_ADDRESSES_MAX)
    return -ENETDOWN;
  memcpy(interfaces, answer.interfaces, sizeof interfaces[0] * answer.head.count);
  return answer.head.count;
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
  int error = ask(-1, NULL, 0, &question, sizeof question.head + length, &answer, sizeof answer);
  if (error != 0)
    return error;
  if (answer.head.count > LANYARD_ADDRESSES_MAX)
    return -ENETDOWN;
  memcpy(reply, &answer.head, sizeof answer.head);
  memcpy(addresses, answer.addresses, sizeof addresses[0] * answer.head.count);
  return 0;
}
