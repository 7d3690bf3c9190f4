// Blocking and non-blocking sockets of a program without a dynamic linker. Usage: supervised serve PORT | talk ADDRESS PORT | many ADDRESS PORT COUNT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct sockaddr_storage storage;
static socklen_t length;
static int family;

static void name_of(const char *address, int port) {
  memset(&storage, 0, sizeof storage);
  struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
  if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
    family = v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    length = sizeof *v4;
  } else {
    inet_pton(AF_INET6, address, &v6->sin6_addr);
    family = v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    length = sizeof *v6;
  }
}

static void *answer_datagrams(void *socket) {
  char data[2000];
  struct sockaddr_storage from;
  while (1) {
    socklen_t room = sizeof from;
    ssize_t count = recvfrom((int)(long)socket, data, sizeof data, 0, (struct sockaddr *)&from, &room);
    if (count >= 0)
      sendto((int)(long)socket, data, count, 0, (struct sockaddr *)&from, room);
  }
  return NULL;
}

static void ignore(int signal) { (void)signal; }

static int serve(int port) {
  name_of("::", port);
  int listener = socket(AF_INET6, SOCK_STREAM, 0), datagrams = socket(AF_INET6, SOCK_DGRAM, 0);
  if (bind(listener, (struct sockaddr *)&storage, length) != 0 || listen(listener, 128) != 0 || bind(datagrams, (struct sockaddr *)&storage, length) != 0)
    return perror("bind"), 1;
  pthread_t thread;
  pthread_create(&thread, NULL, answer_datagrams, (void *)(long)datagrams);
  struct sigaction action = {.sa_handler = ignore};
  sigaction(SIGUSR1, &action, NULL);
  while (1) {
    struct sockaddr_in6 from;
    socklen_t room = sizeof from;
    int client = accept4(listener, (struct sockaddr *)&from, &room, SOCK_CLOEXEC);
    if (client < 0) {
      printf("%s\n", errno == EINTR ? "interrupted" : strerror(errno));
      fflush(stdout);
      continue;
    }
    char text[100];
    inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text);
    dprintf(client, "%s %s\n", text, fcntl(client, F_GETFD) & FD_CLOEXEC ? "closes" : "stays");
    close(client);
  }
}

static void read_all(int fd) {
  char data[200];
  for (ssize_t count; (count = read(fd, data, sizeof data)) > 0;)
    fwrite(data, 1, count, stdout);
  close(fd);
}

static int talk(const char *address, int port) {
  name_of(address, port);
  int blocking = socket(family, SOCK_STREAM, 0);
  if (connect(blocking, (struct sockaddr *)&storage, length) != 0)
    return perror("connect"), 1;
  struct sockaddr_storage peer;
  socklen_t room = sizeof peer;
  getpeername(blocking, (struct sockaddr *)&peer, &room);
  printf("%s\n", room == length && memcmp(&peer, &storage, length) == 0 ? "peer" : "somebody else");
  fflush(stdout);
  read_all(blocking);

  int other = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0), error;
  printf("%s\n", connect(other, (struct sockaddr *)&storage, length) != 0 && errno == EINPROGRESS ? "in progress" : "at once");
  struct pollfd entry = {.fd = other, .events = POLLOUT};
  poll(&entry, 1, -1);
  room = sizeof error;
  getsockopt(other, SOL_SOCKET, SO_ERROR, &error, &room);
  printf("%d\n", error);
  fflush(stdout);
  fcntl(other, F_SETFL, 0);
  read_all(other);

  name_of(address, 1);
  int refused = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  connect(refused, (struct sockaddr *)&storage, length);
  entry.fd = refused;
  poll(&entry, 1, -1);
  room = sizeof error;
  getsockopt(refused, SOL_SOCKET, SO_ERROR, &error, &room);
  printf("%s\n", strerror(error));

  name_of(address, port);
  int datagrams = socket(family, SOCK_DGRAM, 0);
  struct timeval time = {1, 0};
  setsockopt(datagrams, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  char data[100];
  ssize_t count = -1;
  while (count < 0) {
    sendto(datagrams, "asked", 5, 0, (struct sockaddr *)&storage, length);
    room = sizeof peer;
    count = recvfrom(datagrams, data, sizeof data, 0, (struct sockaddr *)&peer, &room);
  }
  printf("%.*s %s\n", (int)count, data, room == length && memcmp(&peer, &storage, length) == 0 ? "peer" : "somebody else");
  return 0;
}

static int many(const char *address, int port, int count) {
  name_of(address, port);
  for (int i = 0; i < count; i++) {
    int fd = socket(family, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&storage, length) != 0)
      return perror("connect"), 1;
    close(fd);
  }
  printf("done\n");
  fflush(stdout);
  getchar();
  return 0;
}

int main(int count, char **words) {
  return count == 3 ? serve(atoi(words[2])) : count == 4 ? talk(words[2], atoi(words[3])) : many(words[2], atoi(words[3]), atoi(words[4]));
}
