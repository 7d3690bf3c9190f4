// System calls and the few functions that a library without a C library needs. The library uses only errno of the C library, so one binary
// serves programs of glibc and of musl, is safe in signal handlers and after fork, and needs no initialization.
#ifndef LANYARD_SYSTEM_H
#define LANYARD_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long lanyard_syscall(long n, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static inline long lanyard_syscall(long n, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = n;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "Only x86-64 and 64-bit Arm are supported."
#endif

#define SYS0(n) lanyard_syscall(n, 0, 0, 0, 0, 0, 0)
#define SYS1(n, a) lanyard_syscall(n, (long)(a), 0, 0, 0, 0, 0)
#define SYS2(n, a, b) lanyard_syscall(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(n, a, b, c) lanyard_syscall(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(n, a, b, c, d) lanyard_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS5(n, a, b, c, d, e) lanyard_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define SYS6(n, a, b, c, d, e, f) lanyard_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

// glibc and musl both export this function.
extern int *__errno_location(void);

// Converts the result of a system call to the convention of the C library: -1 and errno for an error.
static inline long lanyard_result(long result) {
  if (result >= 0)
    return result;
  *__errno_location() = (int)-result;
  return -1;
}

// The compiler calls these functions by name. The linker's version script hides them from other libraries.
void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *a, const void *b, size_t count);

#endif
