/*
 * Runs a fuzz target of Lanyard.Fuzz under libFuzzer, in one process: hosts .NET, gives every input to the managed side, and lends it the
 * counters of branches that libFuzzer looks at. eng/fuzz builds it: clang -fsanitize=fuzzer libfuzzer.c -ldl
 *
 * LANYARD_FUZZ_HOSTFXR   libhostfxr.so of the SDK
 * LANYARD_FUZZ_ASSEMBLY  Lanyard.Fuzz.dll, instrumented, beside its dependencies
 * LANYARD_FUZZ_TARGET    the target's name
 */
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNTERS 65536

/* libFuzzer clears these before each input, and keeps inputs that count something new. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

typedef void *handle;
typedef int (*initialize_function)(int count, const char **arguments, const void *parameters, handle *context);
typedef int (*get_delegate_function)(handle context, int kind, void **delegate);
typedef int (*get_function_pointer_function)(const char *type, const char *method, const char *delegate, void *load, void *reserved, void **function);
typedef int (*open_function)(const char *target, uint8_t *map);
typedef int (*run_function)(const uint8_t *data, size_t size);

#define GET_FUNCTION_POINTER 6
#define UNMANAGED_CALLERS_ONLY ((const char *)-1)
#define TYPE "Lanyard.Fuzz.LibFuzzer, Lanyard.Fuzz"

static run_function run_one;

static void *check(void *pointer, const char *what)
{
    if (pointer)
        return pointer;
    fprintf(stderr, "libfuzzer: %s is missing\n", what);
    exit(2);
}

static void succeed(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "libfuzzer: %s failed: 0x%x\n", what, (unsigned)result);
    exit(2);
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    void *library = check(dlopen(check(getenv("LANYARD_FUZZ_HOSTFXR"), "LANYARD_FUZZ_HOSTFXR"), RTLD_NOW), "hostfxr");
    const char *assembly = check(getenv("LANYARD_FUZZ_ASSEMBLY"), "LANYARD_FUZZ_ASSEMBLY");
    const char *target = check(getenv("LANYARD_FUZZ_TARGET"), "LANYARD_FUZZ_TARGET");
    initialize_function initialize = (initialize_function)check(dlsym(library, "hostfxr_initialize_for_dotnet_command_line"), "initialize");
    get_delegate_function get_delegate = (get_delegate_function)check(dlsym(library, "hostfxr_get_runtime_delegate"), "get delegate");
    handle context = NULL;
    void *get_function = NULL;
    void *open_target = NULL;
    succeed(initialize(1, &assembly, NULL, &context), "starting .NET");
    succeed(get_delegate(context, GET_FUNCTION_POINTER, &get_function), "asking .NET for functions");
    succeed(((get_function_pointer_function)get_function)(TYPE, "Open", UNMANAGED_CALLERS_ONLY, NULL, NULL, &open_target), "finding Open");
    succeed(((get_function_pointer_function)get_function)(TYPE, "RunOne", UNMANAGED_CALLERS_ONLY, NULL, NULL, (void **)&run_one), "finding RunOne");
    if (((open_function)open_target)(target, counters) != 0)
        exit(2);
    /* libFuzzer leaves handlers alone that are there before its own, and this is how it hears of a failure and keeps the input. */
    signal(SIGABRT, SIG_DFL);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (run_one(data, size) != 0)
        abort();
    return 0;
}
