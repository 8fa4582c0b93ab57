/* A stand-in for NVIDIA's libnvidia-ml.so.1: it tells what the file named by NVML_SCENARIO says.

   Each line is a function's name and what it answers:
     init CODE            of nvmlInitWithFlags; "hang" never returns
     driver TEXT          or: driver !CODE
     cuda NUMBER
     gpu MIB MAJOR MINOR NAME...
     lost                 a GPU that cannot be asked
   Codes and signatures are those of NVIDIA's nvml.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, GPU_IS_LOST = 15 };

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { int lost, major, minor; unsigned long long mib; char name[96]; } Gpu;

static int init_code, hang, driver_code, cuda, count, opened;
static char driver[80];
static Gpu gpus[16];

static void read_scenario(void)
{
    char line[256];
    FILE *file = fopen(getenv("NVML_SCENARIO"), "r");
    if (!file)
        abort();
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        Gpu *gpu = &gpus[count];
        if (!strcmp(line, "init hang"))
            hang = 1;
        else if (sscanf(line, "init %d", &init_code) == 1)
            continue;
        else if (sscanf(line, "driver !%d", &driver_code) == 1)
            continue;
        else if (sscanf(line, "driver %79s", driver) == 1)
            continue;
        else if (sscanf(line, "cuda %d", &cuda) == 1)
            continue;
        else if (sscanf(line, "gpu %llu %d %d %95[^\n]", &gpu->mib, &gpu->major, &gpu->minor, gpu->name) == 4)
            count++;
        else if (!strcmp(line, "lost")) {
            gpu->lost = 1;
            count++;
        } else
            abort();
    }
    fclose(file);
}

int nvmlInitWithFlags(unsigned flags)
{
    (void)flags;
    if (!opened++)
        read_scenario();
    while (hang)
        pause();
    return init_code;
}

int nvmlShutdown(void) { return SUCCESS; }

const char *nvmlErrorString(int code)
{
    static char text[40];
    snprintf(text, sizeof text, "Stand-in error %d", code);
    return text;
}

int nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    snprintf(version, length, "%s", driver);
    return driver_code;
}

int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    *version = cuda;
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned *found)
{
    *found = count;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Gpu **gpu)
{
    if (index >= (unsigned)count)
        return INVALID_ARGUMENT;
    *gpu = &gpus[index];
    return gpus[index].lost ? GPU_IS_LOST : SUCCESS;
}

int nvmlDeviceGetName(Gpu *gpu, char *name, unsigned length)
{
    snprintf(name, length, "%s", gpu->name);
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(Gpu *gpu, Memory *memory)
{
    memory->total = gpu->mib << 20;
    memory->used = 100ull << 20;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

int nvmlDeviceGetCudaComputeCapability(Gpu *gpu, int *major, int *minor)
{
    *major = gpu->major;
    *minor = gpu->minor;
    return SUCCESS;
}
