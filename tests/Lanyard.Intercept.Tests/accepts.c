// Servers that accept under adverse conditions. Usage: accepts signals|full|sandboxed PORT, accepts once PORT COUNT, accepts fetch ADDRESS PORT COUNT [STEP]
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const char text[] = "served\n";

static int listen_at(int port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&name, sizeof name) != 0 || listen(fd, 128) != 0)
    perror("listen"), exit(1);
  printf("listens at %d\n", port);
  return fd;
}

static void serve(int fd) {
  if (write(fd, text, sizeof text - 1) < 0)
    perror("write");
  close(fd);
}

static void on_signal(int signal) {
  int error = errno;
  while (signal == SIGCHLD && waitpid(-1, NULL, WNOHANG) > 0)
    ;
  errno = error;
}

// Starts a process for each connection. Signals for ended processes and a timer interrupt the server's system calls.
static int accept_with_signals(int port) {
  struct sigaction action = {.sa_handler = on_signal};
  struct itimerval often = {{0, 2000}, {0, 2000}};
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGCHLD, &action, NULL);
  int listener = listen_at(port);
  setitimer(ITIMER_REAL, &often, NULL);
  while (1) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 && errno != EINTR)
      return perror("accept"), 1;
    if (fd < 0)
      continue;
    pid_t child;
    while ((child = fork()) < 0)
      ;
    if (child == 0) {
      serve(fd);
      _exit(0);
    }
    close(fd);
  }
}

static int accept_when_full(int port) {
  int listener = listen_at(port), used[64], count = 0;
  struct rlimit limit = {32, 32};
  struct pollfd entry = {listener, POLLIN, 0};
  fcntl(listener, F_SETFL, O_NONBLOCK);
  setrlimit(RLIMIT_NOFILE, &limit);
  while ((used[count] = dup(0)) >= 0)
    count++;
  poll(&entry, 1, -1);
  printf("full: %s\n", accept(listener, NULL, NULL) < 0 ? strerrorname_np(errno) : "accepted");
  // One descriptor is free for the connection, and none for the request to the service.
  close(used[--count]);
  int fd = accept(listener, NULL, NULL);
  while (count > 0)
    close(used[--count]);
  serve(fd < 0 ? accept(listener, NULL, NULL) : fd);
  return 0;
}

static void forbid_sockets(void) {
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof steps / sizeof steps[0], steps};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int accept_in_sandbox(int port) {
  int listener = listen_at(port), status;
  struct pollfd entry = {listener, POLLIN, 0};
  poll(&entry, 1, -1);
  if (fork() == 0) {
    forbid_sockets();
    int fd = accept(listener, NULL, NULL);
    printf("sandboxed: %s\n", fd < 0 ? strerrorname_np(errno) : "accepted");
    if (fd >= 0)
      serve(fd);
    return fd < 0;
  }
  wait(&status);
  if (status != 0)
    serve(accept(listener, NULL, NULL));
  return 0;
}

// Serves one connection on each listener, like a server of FTP data connections.
static int accept_once_each(int port, int count) {
  for (int i = 0; i < count; i++) {
    int listener = listen_at(port + i), fd = accept(listener, NULL, NULL);
    close(listener);
    serve(fd);
  }
  return 0;
}

static int fetch(const char *address, int port, int count, int step) {
  struct sockaddr_in name = {.sin_family = AF_INET};
  int served = 0;
  inet_pton(AF_INET, address, &name.sin_addr);
  for (int i = 0; i < count; i++) {
    char data[64];
    ssize_t length = 0, got = -1;
    // A server that serves one connection on each listener may not listen yet.
    for (int tries = 0; tries < 2000; tries++) {
      int fd = socket(AF_INET, SOCK_STREAM, 0);
      name.sin_port = htons(port + i * step);
      got = connect(fd, (struct sockaddr *)&name, sizeof name);
      while (got == 0 && (got = read(fd, data + length, sizeof data - length)) > 0)
        length += got, got = 0;
      int error = errno;
      close(fd);
      if (got == 0 || error != ECONNREFUSED)
        break;
      usleep(5000);
    }
    if (got < 0)
      printf("%d: %s\n", i, strerrorname_np(errno));
    served += length == sizeof text - 1 && memcmp(data, text, length) == 0;
  }
  printf("%d of %d\n", served, count);
  return served != count;
}

int main(int count, char **words) {
  if (count < 3)
    return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  int port = atoi(words[2]);
  if (strcmp(words[1], "signals") == 0)
    return accept_with_signals(port);
  if (strcmp(words[1], "full") == 0)
    return accept_when_full(port);
  if (strcmp(words[1], "sandboxed") == 0)
    return accept_in_sandbox(port);
  if (strcmp(words[1], "once") == 0)
    return accept_once_each(port, atoi(words[3]));
  return fetch(words[2], atoi(words[3]), atoi(words[4]), count > 5 ? atoi(words[5]) : 0);
}
