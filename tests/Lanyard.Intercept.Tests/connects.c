// Connections that are refused or never answered, as a program sees them. The output is the same on the system's network and on a virtual network.
// Usage: connects refused|silent ADDRESS PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct sockaddr_storage storage;
static socklen_t length;

static const char *name_of(int result) { return result == 0 ? "0" : strerrorname_np(errno); }

static void resolve(const char *address, int port) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
  if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    length = sizeof *v4;
  } else {
    inet_pton(AF_INET6, address, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    length = sizeof *v6;
  }
}

static int open_socket(int flags) { return socket(storage.ss_family, SOCK_STREAM | flags, 0); }

static int start(int fd) { return connect(fd, (struct sockaddr *)&storage, length); }

static const char *error_of(int fd) {
  int error = -1;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? "0" : strerrorname_np(error);
}

static const char *peer_of(int fd) {
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer;
  return name_of(getpeername(fd, (struct sockaddr *)&peer, &size));
}

static int wait_for(int fd) {
  struct pollfd entry = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
  return poll(&entry, 1, 60000) == 1 ? entry.revents : -1;
}

static void limit(int fd) {
  int retries = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof retries);
}

static void ask_the_socket(void) {
  int fd = open_socket(SOCK_NONBLOCK);
  limit(fd);
  printf("asks: %s", name_of(start(fd)));
  printf(" %x", wait_for(fd));
  printf(" %s", peer_of(fd));
  printf(" %s", error_of(fd));
  printf(" %s", error_of(fd));
  printf(" %s", name_of(start(fd)));
  printf(" %s\n", name_of(start(fd)));
  close(fd);
}

static void connect_again(void) {
  int fd = open_socket(SOCK_NONBLOCK);
  limit(fd);
  printf("again: %s", name_of(start(fd)));
  printf(" %x", wait_for(fd));
  printf(" %s", name_of(start(fd)));
  printf(" %s", name_of(start(fd)));
  printf(" %x", wait_for(fd));
  printf(" %s\n", error_of(fd));
  close(fd);
}

static void wait_by_edge(void) {
  int fd = open_socket(SOCK_NONBLOCK), set = epoll_create1(0);
  struct epoll_event change = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP}, event = {0};
  limit(fd);
  start(fd);
  epoll_ctl(set, EPOLL_CTL_ADD, fd, &change);
  do
    epoll_wait(set, &event, 1, 60000);
  while (event.events == EPOLLHUP);
  printf("edge: %x %s\n", event.events, error_of(fd));
  close(set);
  close(fd);
}

// Checks in a busy loop whether a failing connection ever seems open.
static void look(int count) {
  int open = 0;
  for (int i = 0; i < count; i++) {
    int fd = open_socket(SOCK_NONBLOCK);
    start(fd);
    while (1) {
      struct pollfd entry = {fd, POLLOUT, 0};
      poll(&entry, 1, 0);
      if (entry.revents & POLLERR)
        break;
      open += (entry.revents & POLLOUT) != 0 || strcmp(peer_of(fd), "ENOTCONN") != 0;
      const char *again = name_of(start(fd));
      if (strcmp(again, "ECONNREFUSED") == 0)
        break;
      open += strcmp(again, "EALREADY") != 0 && strcmp(again, "EINPROGRESS") != 0;
    }
    close(fd);
  }
  printf("seemed open: %d\n", open);
}

static void wait_in_connect(void) {
  int fd = open_socket(0);
  limit(fd);
  printf("blocking: %s", name_of(start(fd)));
  printf(" %s", name_of(start(fd)));
  printf(" %d\n", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  close(fd);
}

static void on_alarm(int signal) { (void)signal; }

static void limit_the_time(void) {
  int fd = open_socket(0);
  struct timeval time = {0, 300000};
  limit(fd);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  printf("time limit: %s", name_of(start(fd)));
  printf(" %s", name_of(start(fd)));
  printf(" %x", wait_for(fd));
  printf(" %s\n", error_of(fd));
  close(fd);
}

static void interrupt(int flags) {
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
  struct itimerval time = {.it_value = {0, 300000}};
  sigaction(SIGALRM, &action, NULL);
  int fd = open_socket(0);
  limit(fd);
  setitimer(ITIMER_REAL, &time, NULL);
  printf("signal: %s", name_of(start(fd)));
  printf(" %s\n", name_of(start(fd)));
  close(fd);
}

int main(int count, char **words) {
  if (count != 4)
    return 2;
  int is_refused = strcmp(words[1], "refused") == 0;
  resolve(words[2], atoi(words[3]));
  setvbuf(stdout, NULL, _IOLBF, 0);
  ask_the_socket();
  connect_again();
  wait_by_edge();
  wait_in_connect();
  if (is_refused) {
    look(300);
    return 0;
  }
  limit_the_time();
  interrupt(0);
  interrupt(SA_RESTART);
  return 0;
}
