// Receives names into rooms of every length, and looks whether a byte behind them changed. Usage: names 4|6 PORT. Somebody sends datagrams and connects meanwhile.
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CANARY 0xa5
#define MESSAGES 3

static unsigned char names[MESSAGES][64];
static socklen_t whole;
static int failures;

static socklen_t prepare(socklen_t room) {
  memset(names, CANARY, sizeof names);
  return room;
}

// The length that is told is the whole name's; what is written is no more than there was room for, and no less than what there is.
static void check(const char *call, int index, socklen_t room, socklen_t told) {
  socklen_t kept = room < whole ? room : whole, changed = 0;
  for (socklen_t i = 0; i < sizeof names[0]; i++)
    if (names[index][i] != CANARY)
      changed = i + 1;
  if (changed > kept || told != whole || (kept >= 2 && names[index][0] == CANARY)) {
    printf("%s with room for %u: told %u, wrote %u\n", call, room, told, changed);
    failures++;
  }
}

int main(int count, char **words) {
  int family = count == 3 && words[1][0] == '6' ? AF_INET6 : AF_INET;
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(atoi(words[2]))};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(words[2]))};
  void *any = family == AF_INET ? (void *)&v4 : &v6;
  whole = family == AF_INET ? sizeof v4 : sizeof v6;
  int listener = socket(family, SOCK_STREAM, 0), datagrams = socket(family, SOCK_DGRAM, 0);
  if (bind(listener, any, whole) != 0 || listen(listener, 50) != 0 || bind(datagrams, any, whole) != 0)
    return perror("bind"), 1;
  printf("ready\n");
  fflush(stdout);
  for (socklen_t room = 0; room <= 32; room += room == 14 ? 1 : 2) {
    char data[MESSAGES][100];
    socklen_t length = prepare(room);
    if (recvfrom(datagrams, data, sizeof data[0], 0, (struct sockaddr *)names[0], &length) >= 0)
      check("recvfrom", 0, room, length);
    struct iovec extents[MESSAGES];
    struct mmsghdr messages[MESSAGES];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < MESSAGES; i++) {
      extents[i] = (struct iovec){data[i], sizeof data[i]};
      messages[i].msg_hdr = (struct msghdr){.msg_name = names[i], .msg_namelen = room, .msg_iov = &extents[i], .msg_iovlen = 1};
    }
    prepare(room);
    if (recvmsg(datagrams, &messages[0].msg_hdr, 0) >= 0)
      check("recvmsg", 0, room, messages[0].msg_hdr.msg_namelen);
    messages[0].msg_hdr.msg_namelen = room;
    prepare(room);
    int got = recvmmsg(datagrams, messages, MESSAGES, 0, NULL);
    for (int i = 0; i < got; i++)
      check("recvmmsg", i, room, messages[i].msg_hdr.msg_namelen);
    if (got != MESSAGES) {
      printf("recvmmsg gave %d\n", got);
      failures++;
    }
    for (int flags = 0; flags < 2; flags++) {
      length = prepare(room);
      int client = flags ? accept4(listener, (struct sockaddr *)names[0], &length, SOCK_CLOEXEC) : accept(listener, (struct sockaddr *)names[0], &length);
      if (client < 0)
        return perror("accept"), 1;
      check(flags ? "accept4" : "accept", 0, room, length);
      length = prepare(room);
      if (getpeername(client, (struct sockaddr *)names[0], &length) == 0)
        check("getpeername", 0, room, length);
      length = prepare(room);
      if (getsockname(client, (struct sockaddr *)names[0], &length) == 0)
        check("getsockname", 0, room, length);
      close(client);
    }
  }
  printf("done with %d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
