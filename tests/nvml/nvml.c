/* A stand-in for NVIDIA's libnvidia-ml.so.1: it tells what a scenario says.

   NVML_SCENARIO names a file of lines `path=value`, a flattened JSON document: `gpus.0.name=Tesla T4`. The
   same keys exist for a slice of a device, at `gpus.0.slices.0`. `fail.FUNCTION=CODE`, at the top or below a
   device, makes a function fail, and `fail.FUNCTION=hang` makes it never return.

   Codes, signatures and layouts are those of NVIDIA's nvml.h. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };
enum { LINES = 400, WIDTH = 200, DEVICES = 64 };

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } Process;
typedef struct { char path[40]; } Device;

static char lines[LINES][WIDTH];
static Device devices[DEVICES];
static int opened;
static unsigned known;

static void open_scenario(void)
{
    const char *name = getenv("NVML_SCENARIO");
    FILE *file = name ? fopen(name, "r") : NULL;
    if (!file)
        abort();
    for (int count = 0; fgets(lines[count], WIDTH, file);) {
        lines[count][strcspn(lines[count], "\n")] = 0;
        if (++count == LINES)
            abort();
    }
    fclose(file);
}

/* The value at a path, or NULL. */
static const char *at(const char *format, ...)
{
    char path[WIDTH];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    if (!opened++)
        open_scenario();
    for (int line = 0; line < LINES && *lines[line]; line++)
        if (!strncmp(lines[line], path, length) && lines[line][length] == '=')
            return lines[line] + length + 1;
    return NULL;
}

static int failing(const char *owner, const char *function)
{
    const char *found = at("%sfail.%s", owner, function);
    while (found && !strcmp(found, "hang"))
        pause();
    return found ? atoi(found) : SUCCESS;
}

static int text(const char *found, char *out, unsigned length)
{
    if (!found)
        return NOT_SUPPORTED;
    return (unsigned)snprintf(out, length, "%s", found) < length ? SUCCESS : INSUFFICIENT_SIZE;
}

/* Every function first fails if the scenario says so. */
#define BEGIN(owner)                                                                                          \
    do {                                                                                                      \
        int code = failing(owner, __func__);                                                                  \
        if (code)                                                                                             \
            return code;                                                                                      \
    } while (0)

int nvmlInitWithFlags(unsigned flags)
{
    (void)flags;
    BEGIN("");
    return SUCCESS;
}

int nvmlShutdown(void) { return SUCCESS; }

const char *nvmlErrorString(int code)
{
    static char message[40];
    snprintf(message, sizeof message, "Stand-in error %d", code);
    return message;
}

int nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    BEGIN("");
    return text(at("driver"), version, length);
}

int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    BEGIN("");
    *version = atoi(at("cuda"));
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    BEGIN("");
    for (*count = 0; at("gpus.%u.name", *count); ++*count)
        ;
    return SUCCESS;
}

static int give(Device **device, const char *path)
{
    if (!at("%sname", path) || known == DEVICES)
        return NOT_FOUND;
    *device = &devices[known++];
    strcpy((*device)->path, path);
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device)
{
    char path[40];
    snprintf(path, sizeof path, "gpus.%u.", index);
    BEGIN(path);
    return give(device, path);
}

int nvmlDeviceGetName(Device *device, char *name, unsigned length)
{
    BEGIN(device->path);
    return text(at("%sname", device->path), name, length);
}

int nvmlDeviceGetUUID(Device *device, char *uuid, unsigned length)
{
    BEGIN(device->path);
    return text(at("%suuid", device->path), uuid, length);
}

int nvmlDeviceGetMemoryInfo(Device *device, Memory *memory)
{
    BEGIN(device->path);
    const char *mib = at("%smib", device->path), *used = at("%sused", device->path);
    if (!mib)
        return NOT_SUPPORTED;
    memory->total = strtoull(mib, NULL, 10) << 20;
    memory->used = (used ? strtoull(used, NULL, 10) : 100) << 20;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

int nvmlDeviceGetCudaComputeCapability(Device *device, int *major, int *minor)
{
    BEGIN(device->path);
    const char *found = at("%scapability", device->path);
    return found && sscanf(found, "%d.%d", major, minor) == 2 ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetComputeMode(Device *device, unsigned *mode)
{
    BEGIN(device->path);
    const char *found = at("%smode", device->path);
    *mode = found ? atoi(found) : 0;
    return SUCCESS;
}

int nvmlDeviceGetTotalEccErrors(Device *device, unsigned type, unsigned counter, unsigned long long *errors)
{
    BEGIN(device->path);
    const char *found = at("%serrors", device->path);
    if (!found)
        return NOT_SUPPORTED;
    *errors = type == 1 && counter == 0 ? strtoull(found, NULL, 10) : 0;
    return SUCCESS;
}

int nvmlDeviceGetCurrentClocksEventReasons(Device *device, unsigned long long *reasons)
{
    BEGIN(device->path);
    const char *found = at("%sreasons", device->path);
    *reasons = found ? strtoull(found, NULL, 0) : 0;
    return SUCCESS;
}

int nvmlDeviceGetMigMode(Device *device, unsigned *current, unsigned *pending)
{
    BEGIN(device->path);
    const char *found = at("%smig", device->path);
    if (!found)
        return NOT_SUPPORTED;
    *current = *pending = atoi(found);
    return SUCCESS;
}

int nvmlDeviceGetMaxMigDeviceCount(Device *device, unsigned *count)
{
    BEGIN(device->path);
    *count = 7;
    return SUCCESS;
}

int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, unsigned index, Device **slice)
{
    char path[80];
    BEGIN(device->path);
    snprintf(path, sizeof path, "%sslices.%u.", device->path, index);
    return give(slice, path);
}

int nvmlDeviceGetComputeRunningProcesses_v3(Device *device, unsigned *count, Process *processes)
{
    BEGIN(device->path);
    unsigned room = *count, found = 0;
    for (const char *pid; (pid = at("%sprocesses.%u.pid", device->path, found)); found++)
        if (found < room) {
            const char *mib = at("%sprocesses.%u.mib", device->path, found);
            processes[found] = (Process){.pid = atoi(pid), .used = mib ? strtoull(mib, NULL, 10) << 20 : ~0ull};
        }
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : SUCCESS;
}
