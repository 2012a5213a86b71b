// Memory that is handed out and never taken back: an instance serves one message and is gone.

#include "troupe_actor.h"

#define PAGE 65536u
#define ALIGN 8u

// Where the linker says that data ends and the heap begins.
extern unsigned char __heap_base;

// The first byte that is free; 0 before the first use.
static uintptr_t next;

static void *allocate(size_t size, size_t align) {
  uintptr_t start = next ? next : (uintptr_t)&__heap_base;
  start = (start + align - 1) & ~(uintptr_t)(align - 1);
  uintptr_t end;
  if (__builtin_add_overflow(start, size, &end)) __builtin_trap();
  uintptr_t have = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == (size_t)-1) __builtin_trap();
  next = end;
  return (void *)start;
}

void *troupe_allocate(size_t size) { return allocate(size, ALIGN); }

// What the host allocates with, for arguments and results.
__attribute__((__export_name__("cabi_realloc"))) void *cabi_realloc(void *block, size_t old_size, size_t align,
                                                                    size_t new_size) {
  if (new_size == 0) return (void *)align;
  void *fresh = allocate(new_size, align);
  if (old_size > 0) __builtin_memcpy(fresh, block, old_size < new_size ? old_size : new_size);
  return fresh;
}

// What compilers call of their own accord. A C library that is linked, too, takes precedence.

__attribute__((__weak__)) void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  unsigned char *a = to;
  const unsigned char *b = from;
  for (; size > 0; size--) *a++ = *b++;
  return to;
}

__attribute__((__weak__)) void *memset(void *to, int byte, size_t size) {
  for (unsigned char *a = to; size > 0; size--) *a++ = (unsigned char)byte;
  return to;
}

__attribute__((__weak__)) int memcmp(const void *a, const void *b, size_t size) {
  const unsigned char *x = a, *y = b;
  for (; size > 0; size--, x++, y++)
    if (*x != *y) return *x < *y ? -1 : 1;
  return 0;
}

__attribute__((__weak__)) size_t strlen(const char *text) {
  const char *end = text;
  while (*end) end++;
  return (size_t)(end - text);
}
