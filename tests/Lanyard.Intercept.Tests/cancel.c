// Cancels a thread that is blocked in a call. Usage: cancel recvfrom|recvmsg|recvmmsg|accept
#define _GNU_SOURCE
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *call;
static int fd;

static void *receive(void *unused) {
  char data[100];
  struct sockaddr_in6 from;
  socklen_t length = sizeof from;
  struct iovec extent = {data, sizeof data};
  struct mmsghdr message = {.msg_hdr = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &extent, .msg_iovlen = 1}};
  if (strcmp(call, "recvfrom") == 0)
    recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &length);
  else if (strcmp(call, "recvmsg") == 0)
    recvmsg(fd, &message.msg_hdr, 0);
  else if (strcmp(call, "recvmmsg") == 0)
    recvmmsg(fd, &message, 1, 0, NULL);
  else
    accept(fd, (struct sockaddr *)&from, &length);
  return unused;
}

int main(int count, char **words) {
  call = count > 1 ? words[1] : "";
  int is_stream = strcmp(call, "accept") == 0;
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(5390)};
  fd = socket(AF_INET, is_stream ? SOCK_STREAM : SOCK_DGRAM, 0);
  if (bind(fd, (struct sockaddr *)&any, sizeof any) != 0 || (is_stream && listen(fd, 5) != 0))
    return perror("bind"), 1;
  pthread_t thread;
  void *result;
  pthread_create(&thread, NULL, receive, NULL);
  sleep(1);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  printf("%s\n", result == PTHREAD_CANCELED ? "canceled" : "returned");
  return 0;
}
