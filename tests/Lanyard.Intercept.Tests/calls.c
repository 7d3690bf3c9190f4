// Tries every system call with an address and every call that opens a socket. Prints the result of each: "answered" by the server at the address, "opened", or an
// error. Usage: calls ADDRESS PORT OWN
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static struct sockaddr_in server;
static char text[] = "?";
static struct iovec extent = {text, 1};

static void say(const char *call, int fd, long result) {
  char data[200];
  struct pollfd entry = {fd, POLLIN, 0};
  if (result < 0)
    printf("%s|%s\n", call, strerrorname_np(errno));
  else if (fd < 0)
    printf("%s|opened\n", call);
  else
    printf("%s|%s\n", call, poll(&entry, 1, 5000) == 1 && recv(fd, data, sizeof data, 0) > 0 ? "answered" : "silent");
  if (fd >= 0)
    close(fd);
}

static int stream(void) { return socket(AF_INET, SOCK_STREAM, 0); }

static int datagram(void) { return socket(AF_INET, SOCK_DGRAM, 0); }

static struct mmsghdr message_to_server(void) {
  struct mmsghdr message = {.msg_hdr = {.msg_name = &server, .msg_namelen = sizeof server, .msg_iov = &extent, .msg_iovlen = 1}};
  return message;
}

static void connect_streams(void) {
  int fd = stream(), on = 1;
  say("connect (TCP)", fd, connect(fd, (struct sockaddr *)&server, sizeof server));
  fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  long result = connect(fd, (struct sockaddr *)&server, sizeof server);
  struct pollfd entry = {fd, POLLOUT, 0};
  if (result < 0 && errno == EINPROGRESS && poll(&entry, 1, 5000) == 1)
    result = 0;
  say("connect (TCP, non-blocking)", fd, result);
  fd = stream();
  setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
  result = connect(fd, (struct sockaddr *)&server, sizeof server);
  if (result == 0)
    result = write(fd, text, 1);
  say("connect (TCP, TCP_FASTOPEN_CONNECT)", fd, result);
  fd = stream();
  say("sendto (TCP, MSG_FASTOPEN)", fd, sendto(fd, text, 1, MSG_FASTOPEN, (struct sockaddr *)&server, sizeof server));
  struct mmsghdr message = message_to_server();
  fd = stream();
  say("sendmsg (TCP, MSG_FASTOPEN)", fd, sendmsg(fd, &message.msg_hdr, MSG_FASTOPEN));
  fd = stream();
  say("sendmmsg (TCP, MSG_FASTOPEN)", fd, sendmmsg(fd, &message, 1, MSG_FASTOPEN));
  // Not every kernel supports Multipath TCP.
  if ((fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)) < 0)
    fd = stream();
  say("connect (MPTCP)", fd, connect(fd, (struct sockaddr *)&server, sizeof server));
  fd = stream();
  if (connect(fd, (struct sockaddr *)&server, sizeof server) == 0)
    say("send (TCP, MSG_OOB)", fd, send(fd, text, 1, MSG_OOB));
  else
    say("send (TCP, MSG_OOB)", fd, -1);
}

static void send_datagrams(void) {
  int fd = datagram();
  say("connect, send (UDP)", fd, connect(fd, (struct sockaddr *)&server, sizeof server) != 0 ? -1 : send(fd, text, 1, 0));
  fd = datagram();
  say("sendto (UDP)", fd, sendto(fd, text, 1, 0, (struct sockaddr *)&server, sizeof server));
  struct mmsghdr message = message_to_server();
  fd = datagram();
  say("sendmsg (UDP)", fd, sendmsg(fd, &message.msg_hdr, 0));
  fd = datagram();
  say("sendmmsg (UDP)", fd, sendmmsg(fd, &message, 1, 0));
}

// Connects to a listener of this program by the program's own address on the network.
static void accept_streams(const char *own) {
  struct sockaddr_in name = {.sin_family = AF_INET}, far;
  socklen_t length = sizeof name;
  int listener = stream(), fd = stream(), accepted = -1;
  long result = bind(listener, (struct sockaddr *)&name, sizeof name);
  if (result == 0)
    result = listen(listener, 1);
  if (result == 0)
    result = getsockname(listener, (struct sockaddr *)&name, &length);
  inet_pton(AF_INET, own, &name.sin_addr);
  if (result == 0)
    result = connect(fd, (struct sockaddr *)&name, sizeof name);
  length = sizeof far;
  if (result == 0)
    result = accepted = accept4(listener, (struct sockaddr *)&far, &length, 0);
  if (result >= 0)
    result = getpeername(fd, (struct sockaddr *)&name, &length);
  if (result == 0 && (far.sin_addr.s_addr != name.sin_addr.s_addr || write(accepted, text, 1) != 1))
    errno = EADDRNOTAVAIL, result = -1;
  say("bind, listen, accept, accept4, getsockname, getpeername (TCP)", fd, result);
  close(accepted);
  close(listener);
}

static void open_others(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
  say("socket (UDP-Lite)", -1, fd);
  close(fd);
  fd = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
  say("socket (raw)", -1, fd);
  close(fd);
  fd = socket(AF_PACKET, SOCK_DGRAM, 0);
  say("socket (packet)", -1, fd);
  close(fd);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  say("socket (local)", -1, fd);
  close(fd);
  fd = socket(AF_NETLINK, SOCK_RAW, 0);
  say("socket (netlink)", -1, fd);
  close(fd);
  struct io_uring_params parameters;
  memset(&parameters, 0, sizeof parameters);
  fd = syscall(SYS_io_uring_setup, 4, &parameters);
  say("io_uring_setup (connect, accept, send, socket, ... of io_uring)", -1, fd);
  close(fd);
#ifdef __x86_64__
  // A kernel without 32-bit system calls kills the calling process.
  int status = 0;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(359), "b"(AF_INET), "c"(SOCK_STREAM), "d"(0) : "memory", "r8", "r9", "r10", "r11");
    _exit(result < 0 ? (int)-result : 0);
  }
  waitpid(child, &status, 0);
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : ENOSYS;
  say("socket (of 32-bit programs)", -1, errno == 0 ? 0 : -1);
#endif
  fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct pollfd entry = {fd, POLLOUT, 0};
  long connected = syscall(SYS_connect, fd, &server, sizeof server);
  if (connected < 0 && errno == EINPROGRESS)
    connected = poll(&entry, 1, 3000) == 1 && !(entry.revents & POLLERR) ? 0 : (errno = ETIMEDOUT, -1);
  say("connect (TCP, past the C library)", fd, connected);
}

int main(int count, char **words) {
  if (count != 4)
    return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  server.sin_family = AF_INET;
  server.sin_port = htons(atoi(words[2]));
  inet_pton(AF_INET, words[1], &server.sin_addr);
  connect_streams();
  send_datagrams();
  accept_streams(words[3]);
  open_others();
  return 0;
}
