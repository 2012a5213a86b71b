/* A program of the C library: standard streams, the heap, the clock, the environment, and the files that it is told. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOM (1 << 20)

int main(int argc, char **argv) {
    char *room = malloc(ROOM);
    if (!room) return 2;
    while (fgets(room, ROOM, stdin)) printf("said %s", room);
    const char *home = getenv("HOME");
    printf("home %s\n", home ? home : "none");
    int missing = 0;
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        if (!file) {
            printf("%s: %s\n", argv[i], strerror(errno));
            missing = 1;
            continue;
        }
        printf("%s: %zu bytes\n", argv[i], fread(room, 1, ROOM, file));
        fclose(file);
    }
    time_t now = time(NULL);
    printf("at %lld, %s", (long long)now, asctime(gmtime(&now)));
    fprintf(stderr, "drawn %d\n", rand());
    free(room);
    return missing;
}
